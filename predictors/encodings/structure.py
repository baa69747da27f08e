"""Fixed-length numeric features of a graph: operations by position, paths, and overall shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, repeat
from math import log1p
from typing import Self

import numpy as np
from numpy.typing import NDArray

from predictors.graph import CONCAT, IDENTITY_OPS, OUTPUT, ArchGraph, is_input

Array = NDArray[np.float64]
Counts = Mapping[Hashable, float]

GROUPS = ("positions", "paths", "routes", "shape")
"""The groups of features; each has a meaning and a scale of its own, hence a kernel of its own."""

MAX_PATHS = 256
"""Distinct operation sequences kept per node, shortest first: a chain of n skips has 2^n."""

_CACHED_GRAPHS = 2**15
_SILENT = IDENTITY_OPS | {OUTPUT, CONCAT}


@lru_cache(maxsize=_CACHED_GRAPHS)
def structure(graph: ArchGraph) -> Mapping[str, Counts]:
    """What is counted in one graph, by group; only nodes that carry signal count.

    - `positions`: each live `(node, operation)`. Says something only across graphs of one layout.
    - `paths`: how often each sequence of operations leads from an input to an output of a cell.
    - `routes`: which of these sequences there are at all (the path encoding of White et al., "BANANAS", AAAI 2021,
      sec. 3).
    - `shape`: how often each operation occurs, the depth in operations, and log(1 + number of paths).

    Identities, sums and concatenations show in `positions` only, so in the other groups graphs of the same canonical
    form are equal (as long as no node is reached by more than `MAX_PATHS` distinct sequences).
    """
    live, cells = graph.live, graph.cells
    operations = [k for k, op in enumerate(graph.ops) if live[k] and not is_input(op) and op != OUTPUT]
    paths, n_paths, depth = _paths(graph)
    shape: dict[Hashable, float] = dict(
        Counter((cells[k], graph.ops[k]) for k in operations if graph.ops[k] not in _SILENT)
    )
    shape["depth"] = float(depth)
    shape["paths"] = log1p(n_paths)
    return {
        "positions": {(k, graph.ops[k]): 1.0 for k in operations},
        "paths": paths,
        "routes": dict.fromkeys(paths, 1.0),
        "shape": shape,
    }


def _paths(graph: ArchGraph) -> tuple[dict[Hashable, float], int, int]:
    """Counts of operation sequences from inputs to outputs, their total, and the longest one's length."""
    live, before = graph.live, graph.predecessors()
    reaching: list[dict[tuple[str, ...], float]] = []
    totals: list[int] = []
    depths: list[int] = []
    found: dict[Hashable, float] = {}
    total = depth = 0
    for k, op in enumerate(graph.ops):
        here: dict[tuple[str, ...], float] = {}
        count = longest = 0
        if live[k] and is_input(op):
            here[(op,)] = count = 1
        elif live[k]:
            step = () if op in _SILENT else (op,)
            for i in before[k]:
                if live[i]:
                    count += totals[i]
                    longest = max(longest, depths[i])
                    for sequence, times in reaching[i].items():
                        here[sequence + step] = here.get(sequence + step, 0.0) + times
            longest += len(step)
        if len(here) > MAX_PATHS:
            here = {s: here[s] for s in sorted(here, key=lambda s: (len(s), s))[:MAX_PATHS]}
        reaching.append(here)
        totals.append(count)
        depths.append(longest)
        if op == OUTPUT:
            found.update({(graph.cells[k], sequence): times for sequence, times in here.items()})
            total += count
            depth += longest
    return found, total, depth


class StructureEncoder:
    """Turns graphs into one feature matrix per group.

    Columns are what occurs in the graphs of `fit`. What else a graph has goes, as a Euclidean norm, into one last
    column, which keeps every distance to a graph of `fit` exact.

    Args:
        groups: Which of `GROUPS` to make.

    Attributes:
        columns_: Column of each key, by group.
    """

    columns_: dict[str, dict[Hashable, int]]

    def __init__(self, groups: Sequence[str] = GROUPS) -> None:
        self.groups = groups

    def fit(self, graphs: Iterable[ArchGraph]) -> Self:
        """Learns the columns.

        Raises:
            ValueError: When a group is unknown.
        """
        for group in self.groups:
            if group not in GROUPS:
                raise ValueError(f"`groups` must be among {list(GROUPS)}, but got {group!r}.")
        described = [structure(graph) for graph in graphs]
        self.columns_ = {}
        for group in self.groups:
            keys = dict.fromkeys(chain.from_iterable(counts[group] for counts in described))
            self.columns_[group] = {key: column for column, key in enumerate(keys)}
        return self

    def transform(self, graphs: Iterable[ArchGraph]) -> dict[str, Array]:
        """Features of each group, `(n_graphs, n_columns + 1)`."""
        described = [structure(graph) for graph in graphs]
        return {group: _matrix([counts[group] for counts in described], self.columns_[group]) for group in self.groups}


def _matrix(counts: Sequence[Counts], columns: Mapping[Hashable, int]) -> Array:
    n, width = len(counts), len(columns)
    rows = np.repeat(np.arange(n), [len(c) for c in counts])
    places = np.fromiter(map(columns.get, chain.from_iterable(counts), repeat(width)), dtype=np.intp, count=len(rows))
    values = np.fromiter(chain.from_iterable(c.values() for c in counts), dtype=np.float64, count=len(rows))
    features = np.zeros((n, width + 1))
    known = places < width
    features[rows[known], places[known]] = values[known]
    features[:, width] = np.sqrt(np.bincount(rows[~known], weights=values[~known] ** 2, minlength=n))
    return features
