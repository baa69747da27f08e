"""Padded arrays of cells, for statistics that go through all cells of a batch one node at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predictors.graph import CONCAT, IDENTITY_OPS, OUTPUT, ArchGraph, GraphError, is_input

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_BATCH = 1 << 16
"""Entries of the adjacency matrices of a batch, or so: the arrays made of them stay in a CPU's cache."""
_SILENT = IDENTITY_OPS | {OUTPUT, CONCAT}
_UNKNOWN = ("another operation", "another conv")


class _Index(dict[str, int]):
    """Place of each label in a vocabulary; the two for unknown labels come last."""

    def __missing__(self, label: str) -> int:
        known = len(self)
        return known + 1 if "conv" in label else known


class Vocabulary:
    """The labels of nodes, and what each of them does.

    Args:
        labels: Labels known. Any other is read as one of two more, a convolution or not.

    Attributes:
        labels: `(k,)` names, the two for unknown labels last.
        index: Place of each label.
        inputs: Which are inputs, `(k,)`.
        computes: Which are operations: neither inputs, outputs, sums, concatenations nor identities, `(k,)`.
        convolves: Which are convolutions, by their names, `(k,)`.
        concatenates: Which concatenate, `(k,)`.
        known: Which are labels of graphs, `(k,)`.
        codes: A number of 64 random bits for each, equal in all processes, `(k,)`.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = (*labels, *_UNKNOWN)
        self.index = _Index({label: k for k, label in enumerate(labels)})
        self.inputs = self._flags(is_input(label) for label in self.labels)
        self.computes = self._flags(not is_input(label) and label not in _SILENT for label in self.labels)
        self.convolves = self._flags("conv" in label and not is_input(label) for label in self.labels)
        self.concatenates = self._flags(label == CONCAT for label in self.labels)
        self.known = np.arange(len(self.labels)) < len(labels)
        digests = [hashlib.blake2b(label.encode(), digest_size=8).digest() for label in self.labels]
        self.codes = np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)

    def __len__(self) -> int:
        return len(self.labels)

    @staticmethod
    def _flags(flags: Iterator[bool]) -> Flags:
        return np.fromiter(flags, dtype=np.bool_)


@dataclass(frozen=True)
class CellBatch:
    """`n` cells of at most `v` nodes, those of a cell first, in topological order.

    Attributes:
        labels: Index in the vocabulary of each node, `(n, v)`; what stands in the padding means nothing.
        edges: Number of edges from node i to node j, `(n, v, v)`.
        nodes: Which nodes are not padding, `(n, v)`.
        attributes: Numbers of each node, `(n, v, a)`.
    """

    labels: NDArray[np.intp]
    edges: Array
    nodes: Flags
    attributes: Array

    @property
    def outputs(self) -> NDArray[np.intp]:
        """Index of the last node of each cell, `(n,)`."""
        return np.asarray(self.nodes.sum(axis=1) - 1)


def cell_batches(
    graphs: Sequence[ArchGraph], cell: int, vocabulary: Vocabulary, attributes: Sequence[str]
) -> Iterator[tuple[NDArray[np.intp], CellBatch]]:
    """One cell of each graph, in batches of cells of similar size, each with the indices of its graphs.

    A graph that lacks the cell is in no batch.

    Raises:
        GraphError: When a graph lacks an attribute.
    """
    parts = [_part(graph, cell) for graph in graphs]
    sizes = np.array([part.stop - part.start for part in parts], dtype=np.intp)
    order = np.argsort(sizes, kind="stable")
    order = order[sizes[order] > 0]
    start = 0
    while start < len(order):
        # The largest of a batch is its last: sizes ascend.
        length = np.arange(1, len(order) - start + 1)
        fits = length * sizes[order[start:]] ** 2 <= _BATCH
        end = start + max(int(fits.sum()), 1)
        which = order[start:end]
        yield which, _padded([graphs[k] for k in which], [parts[k] for k in which], vocabulary, attributes)
        start = end


def _part(graph: ArchGraph, cell: int) -> slice:
    """Where the nodes of a cell stand; an empty slice where there is no such cell."""
    if not graph.cell:
        return slice(0, len(graph.ops) if cell == 0 else 0)
    size = graph.cell.count(cell)
    first = graph.cell.index(cell) if size else 0
    return slice(first, first + size)


def _padded(
    graphs: Sequence[ArchGraph], parts: Sequence[slice], vocabulary: Vocabulary, attributes: Sequence[str]
) -> CellBatch:
    n = len(graphs)
    firsts = np.array([part.start for part in parts])
    sizes = np.array([part.stop for part in parts]) - firsts
    v = int(sizes.max())
    nodes = np.arange(v) < sizes[:, None]
    labels = np.zeros((n, v), dtype=np.intp)
    index = vocabulary.index
    labels[nodes] = [index[op] for graph, part in zip(graphs, parts, strict=True) for op in graph.ops[part]]
    edges = [
        graph.edges if not graph.cell else [edge for edge in graph.edges if part.start <= edge[0] < part.stop]
        for graph, part in zip(graphs, parts, strict=True)
    ]
    owners = np.repeat(np.arange(n), [len(each) for each in edges])
    ends = np.array([end for each in edges for edge in each for end in edge], dtype=np.intp).reshape(-1, 2)
    tails, heads = (ends - firsts[owners, None]).T
    counts = np.bincount((owners * v + tails) * v + heads, minlength=n * v * v)
    numbers = np.zeros((n, v, len(attributes)))
    for a, name in enumerate(attributes):
        columns = [graph.attribute(name) for graph in graphs]
        if any(column is None for column in columns):
            raise GraphError(f"a graph lacks the attribute {name!r}, which others have.")
        numbers[nodes, a] = [x for column, part in zip(columns, parts, strict=True) for x in (column or ())[part]]
    return CellBatch(labels=labels, edges=counts.reshape(n, v, v).astype(np.float64), nodes=nodes, attributes=numbers)
