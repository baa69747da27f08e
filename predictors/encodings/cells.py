"""Padded arrays of cells, for statistics that go through all cells of a batch one node at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from predictors.graph import CONCAT, IDENTITY_OPS, OUTPUT, ArchGraph, GraphError, is_input

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_BATCH = 1 << 16
"""Entries of the adjacency matrices of a batch, or so: the arrays made of them stay in a CPU's cache."""
_SILENT = IDENTITY_OPS | {OUTPUT, CONCAT}
_UNKNOWN = ("another operation", "another conv")


class Vocabulary:
    """The labels of nodes, and what each of them does.

    Args:
        labels: Labels known. Any other is read as one of two more, a convolution or not.

    Attributes:
        labels: `(k,)` names, the two for unknown labels last.
        inputs: Which are inputs, `(k,)`.
        computes: Which are operations: neither inputs, outputs, sums, concatenations nor identities, `(k,)`.
        convolves: Which are convolutions, by their names, `(k,)`.
        concatenates: Which concatenate, `(k,)`.
        known: Which are labels of graphs, `(k,)`.
        codes: A number of 64 random bits for each, equal in all processes, `(k,)`.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = (*labels, *_UNKNOWN)
        self._index = {label: k for k, label in enumerate(labels)}
        self.inputs = self._flags(is_input(label) for label in self.labels)
        self.computes = self._flags(not is_input(label) and label not in _SILENT for label in self.labels)
        self.convolves = self._flags("conv" in label and not is_input(label) for label in self.labels)
        self.concatenates = self._flags(label == CONCAT for label in self.labels)
        self.known = np.arange(len(self.labels)) < len(labels)
        digests = [hashlib.blake2b(label.encode(), digest_size=8).digest() for label in self.labels]
        self.codes = np.array([int.from_bytes(digest, "little") for digest in digests], dtype=np.uint64)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, label: str) -> int:
        found = self._index.get(label)
        if found is None:
            found = self._index[label] = len(self.labels) - (1 if "conv" in label else 2)
        return found

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
    found = ((k, _part(graph, cell)) for k, graph in enumerate(graphs))
    parts = sorted(((k, part) for k, part in found if part is not None), key=lambda each: _size(each[1]))
    start = 0
    while start < len(parts):
        # The largest of a batch is its last: sizes ascend.
        end = start + 1
        while end < len(parts) and (end + 1 - start) * _size(parts[end][1]) ** 2 <= _BATCH:
            end += 1
        which = np.array([k for k, _ in parts[start:end]], dtype=np.intp)
        yield which, _padded([(graphs[k], part) for k, part in parts[start:end]], vocabulary, attributes)
        start = end


def _size(part: slice) -> int:
    return int(part.stop - part.start)


def _part(graph: ArchGraph, cell: int) -> slice | None:
    """Where the nodes of a cell stand."""
    if not graph.cell:
        return slice(0, graph.n_nodes) if cell == 0 else None
    size = graph.cell.count(cell)
    first = graph.cell.index(cell) if size else 0
    return slice(first, first + size) if size else None


def _padded(parts: Sequence[tuple[ArchGraph, slice]], vocabulary: Vocabulary, attributes: Sequence[str]) -> CellBatch:
    n = len(parts)
    sizes = np.array([_size(part) for _, part in parts])
    v = int(sizes.max())
    nodes = np.arange(v) < sizes[:, None]
    labels = np.zeros((n, v), dtype=np.intp)
    labels[nodes] = [vocabulary[op] for graph, part in parts for op in graph.ops[part]]
    edges = [
        graph.edges if not graph.cell else [(i, j) for i, j in graph.edges if part.start <= i < part.stop]
        for graph, part in parts
    ]
    owners = np.repeat(np.arange(n), [len(each) for each in edges])
    firsts = np.array([part.start for _, part in parts])[owners]
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(edges)), dtype=np.intp)
    tails, heads = flat[::2] - firsts, flat[1::2] - firsts
    counts = np.bincount((owners * v + tails) * v + heads, minlength=n * v * v)
    numbers = np.zeros((n, v, len(attributes)))
    for a, name in enumerate(attributes):
        columns = [(graph.attribute(name), part) for graph, part in parts]
        if any(column is None for column, _ in columns):
            raise GraphError(f"a graph lacks the attribute {name!r}, which others have.")
        numbers[nodes, a] = [x for column, part in columns if column is not None for x in column[part]]
    return CellBatch(labels=labels, edges=counts.reshape(n, v, v).astype(np.float64), nodes=nodes, attributes=numbers)
