"""Counts of the paths through a graph, and of what is in it."""

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

GROUPS = ("paths", "shape")
"""The groups of features."""

MAX_PATHS = 256
"""Distinct operation sequences kept per node, shortest first: a chain of n skips has 2^n."""

_CACHED_GRAPHS = 2**15
_SILENT = IDENTITY_OPS | {OUTPUT, CONCAT}


@lru_cache(maxsize=_CACHED_GRAPHS)
def structure(graph: ArchGraph) -> Mapping[str, Counts]:
    """What is counted in one graph, by group; only nodes that carry signal count.

    - `paths`: how often each sequence of operations leads from an input to an output of a cell. Which there are at all
      is the path encoding of White et al., "BANANAS", AAAI 2021, sec. 3.
    - `shape`: how often each operation occurs, the depth in operations, and log(1 + number of paths).

    Identities, sums and concatenations do not show, so graphs of the same canonical form are equal (as long as no node
    is reached by more than `MAX_PATHS` distinct sequences).
    """
    live, cells = graph.live, graph.cells
    paths, n_paths, depth = _paths(graph)
    shape: dict[Hashable, float] = dict(
        Counter((cells[k], op) for k, op in enumerate(graph.ops) if live[k] and not is_input(op) and op not in _SILENT)
    )
    shape["depth"] = float(depth)
    shape["paths"] = log1p(n_paths)
    return {"paths": paths, "shape": shape}


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

    Attributes:
        columns_: Column of each key, by group.
    """

    columns_: dict[str, dict[Hashable, int]]

    def fit(self, graphs: Iterable[ArchGraph]) -> Self:
        """Learns the columns."""
        described = [structure(graph) for graph in graphs]
        self.columns_ = {}
        for group in GROUPS:
            keys = dict.fromkeys(chain.from_iterable(counts[group] for counts in described))
            self.columns_[group] = {key: column for column, key in enumerate(keys)}
        return self

    def transform(self, graphs: Iterable[ArchGraph]) -> dict[str, Array]:
        """Features of each group, `(n_graphs, n_columns + 1)`."""
        described = [structure(graph) for graph in graphs]
        return {group: _matrix([counts[group] for counts in described], self.columns_[group]) for group in GROUPS}


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
