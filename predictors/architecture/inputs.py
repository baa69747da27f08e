"""What an architecture predictor reads: graphs, numbers that ride along with them, or a plain table of numbers."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictors.graph import INPUT, OUTPUT, ArchGraph

Array = NDArray[np.float64]

EMPTY_GRAPH = ArchGraph(ops=(INPUT, OUTPUT), edges=((0, 1),))
"""The architecture of every row of a plain table, which has numbers only."""


@dataclass(frozen=True)
class Described:
    """An architecture and numbers that ride along: zero-cost scores, hyperparameters, values at a low fidelity.

    Attributes:
        graph: The architecture.
        columns: Named numbers, kept as tuples sorted by name; NaN where one is not known.
    """

    graph: ArchGraph
    columns: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        named = self.columns.items() if isinstance(self.columns, Mapping) else self.columns
        object.__setattr__(self, "columns", tuple(sorted((str(name), float(number)) for name, number in named)))

    @cached_property
    def digest(self) -> str:
        """Stable hash (32 hex digits): equal for isomorphic graphs with equal columns, in any process."""
        found = hashlib.blake2b(self.graph.digest.encode(), digest_size=16)
        for name, number in self.columns:
            found.update(name.encode() + struct.pack("<d", number))
        return found.hexdigest()


Rows = Sequence[ArchGraph] | Sequence[Described] | NDArray[Any]
"""What `fit` and `predict` take as `X`."""


@dataclass(frozen=True)
class Inputs:
    """`n` architectures with `k` numbers each.

    Attributes:
        graphs: `n` graphs.
        columns: `(n, k)`; `k` is 0 where nothing rides along.
    """

    graphs: list[ArchGraph]
    columns: Array

    def __len__(self) -> int:
        return len(self.graphs)

    def identities(self) -> NDArray[np.intp]:
        """A number for each architecture, equal for isomorphic graphs with equal columns, `(n,)`."""
        place: dict[tuple[ArchGraph, bytes], int] = {}
        keys = zip((graph.canonical() for graph in self.graphs), self.columns, strict=True)
        return np.array([place.setdefault((graph, row.tobytes()), len(place)) for graph, row in keys], dtype=np.intp)

    def distinct(self) -> tuple[Inputs, NDArray[np.intp]]:
        """One input of each architecture, and which of them each of the `n` is, `(n,)`."""
        which = self.identities()
        _, first = np.unique(which, return_index=True)
        return Inputs([self.graphs[k] for k in first], self.columns[first]), which


def holds_graphs(X: Any) -> bool:
    """Whether `X` is a sequence of graphs (or is empty) rather than a table of numbers.

    Raises:
        TypeError: When `X` is no sequence, or holds something that is neither a graph nor numbers.
    """
    if hasattr(X, "__array__") and not hasattr(X, "dtype"):
        return False  # a data frame, or what else stands for an array
    if getattr(getattr(X, "dtype", None), "kind", "O") != "O":
        return False
    if isinstance(X, ArchGraph | Described | str) or not isinstance(X, Iterable):
        raise TypeError(f"`X` must be a sequence of ArchGraph, but got {type(X).__name__}.")
    first = next(iter(X), None)
    return first is None or isinstance(first, ArchGraph | Described | str)


def split_rows(X: Iterable[Any]) -> tuple[list[ArchGraph], tuple[str, ...], Array]:
    """The graphs of `X`, and the names and values of what rides along, `(n, k)`.

    Raises:
        TypeError: When an item is neither a graph nor a described graph.
        ValueError: When items have different columns.
    """
    graphs: list[ArchGraph] = []
    columns: list[tuple[tuple[str, float], ...]] = []
    for k, item in enumerate(X):
        if isinstance(item, ArchGraph):
            graphs.append(item)
            columns.append(())
        elif isinstance(item, Described):
            graphs.append(item.graph)
            columns.append(item.columns)
        else:
            raise TypeError(f"`X` must hold ArchGraph only, but item {k} is of type {type(item).__name__}.")
    names = tuple(name for name, _ in columns[0]) if columns else ()
    for k, row in enumerate(columns):
        if tuple(name for name, _ in row) != names:
            raise ValueError(
                f"`X` must have the same columns everywhere, but item 0 has {list(names)} "
                f"and item {k} has {[name for name, _ in row]}."
            )
    values = np.array([[number for _, number in row] for row in columns], dtype=np.float64)
    return graphs, names, values.reshape(len(graphs), len(names))
