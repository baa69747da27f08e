"""Graphs as sequences of tokens, and back."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from predictors.graph import OUTPUT, ArchGraph, GraphError, is_input

END = 0
"""The token that closes a sequence, and pads it."""


@dataclass(frozen=True)
class TokenBatch:
    """`n` sequences, padded with `END` to the length of the longest.

    Attributes:
        tokens: int64 `(n, t)`.
        lengths: Tokens of each sequence, its `END` among them, int64 `(n,)`.
    """

    tokens: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: slice | Tensor) -> TokenBatch:
        """The sequences at a slice or at an index tensor, padded to the longest of them."""
        lengths = self.lengths[rows]
        return TokenBatch(self.tokens[rows, : int(lengths.max()) if len(lengths) else 0], lengths)

    def to(self, device: str | torch.device) -> TokenBatch:
        """The batch on a device."""
        return TokenBatch(self.tokens.to(device), self.lengths.to(device))


class TokenEncoder:
    """Writes a graph as a sequence of tokens, from which the same graph can be read again.

    Each node is its operation, then its attributes' values, then the nodes it takes its inputs from, ascending and
    with multiplicity. The next operation closes these, `END` closes the last. PNAS's block `(I1, I2, O1, O2)` (Liu et
    al., "Progressive Neural Architecture Search", ECCV 2018, sec. 3.1) and NAO's string of nodes and operations (Luo et
    al., "Neural Architecture Optimization", NeurIPS 2018, sec. 3.1) are the same idea for nodes with one input each;
    here a node has any number of inputs, and a sequence any length.

    A node refers to an input of its cell by the input's number and to any other node by how many nodes back it is, so
    that what is built on a block reads the same wherever in a cell the block is. Distances have no limit: the last
    tokens of the vocabulary are the distances seen in `fit`, and greater ones go on from there.

    Args:
        ops: Operations to know besides those in the graphs of `fit`.

    Attributes:
        ops_: The operations known, sorted.
        attributes_: Name of each attribute, sorted, and the values seen in `fit`, ascending. Any other value is written
            as the nearest of these; all else is written without loss.
        n_inputs_: Most inputs of a cell in `fit`.
        n_distances_: Longest distance in `fit`, at least 1.
    """

    ops_: tuple[str, ...]
    attributes_: tuple[tuple[str, tuple[float, ...]], ...]
    n_inputs_: int
    n_distances_: int

    def __init__(self, ops: Sequence[str] = ()) -> None:
        self.ops = ops

    def fit(self, graphs: Sequence[ArchGraph]) -> Self:
        """Learns the vocabulary.

        Raises:
            GraphError: When there is no graph, or some but not all have an attribute.
        """
        if not graphs:
            raise GraphError("an encoder needs at least one graph, but got none.")
        self.ops_ = tuple(sorted({*self.ops, *chain.from_iterable(graph.ops for graph in graphs)}))
        seen: dict[str, set[float]] = {}
        for graph in graphs:
            for name, column in graph.attributes:
                seen.setdefault(name, set()).update(column)
        self.attributes_ = tuple((name, tuple(sorted(seen[name]))) for name in sorted(seen))
        self.n_inputs_ = 0
        for graph in graphs:
            self._check_attributes(graph)
            self.n_inputs_ = max(self.n_inputs_, *_inputs_per_cell(graph))
        self.n_distances_ = 1
        longest = max(max(self.encode(graph)) for graph in graphs)
        self.n_distances_ = max(1, longest - self.first_reference - self.n_inputs_ + 1)
        return self

    @property
    def first_reference(self) -> int:
        """The first of the tokens that refer to a node; operations and then attributes' values come before."""
        return 1 + len(self.ops_) + sum(len(values) for _, values in self.attributes_)

    @property
    def n_tokens(self) -> int:
        """Tokens of the vocabulary; a token of this number or greater is a distance longer than any in `fit`."""
        return self.first_reference + self.n_inputs_ + self.n_distances_

    def op_of(self, token: int) -> str | None:
        """The operation that a token names, or None."""
        return self.ops_[token - 1] if 1 <= token <= len(self.ops_) else None

    def encode(self, graph: ArchGraph) -> list[int]:
        """The tokens of one graph, ending with `END`.

        Raises:
            GraphError: Naming an operation that `fit` has not seen, or a missing or unknown attribute.
        """
        return self._encode(graph, {op: k for k, op in enumerate(self.ops_, start=1)})

    def transform(self, graphs: Sequence[ArchGraph]) -> TokenBatch:
        """The tokens of graphs, on the CPU.

        Raises:
            GraphError: As `encode`.
        """
        index = {op: k for k, op in enumerate(self.ops_, start=1)}
        sequences = [self._encode(graph, index) for graph in graphs]
        lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
        tokens: NDArray[np.int64] = np.full((len(sequences), lengths.max(initial=0)), END)
        tokens[np.arange(tokens.shape[1]) < lengths[:, None]] = np.fromiter(
            chain.from_iterable(sequences), dtype=np.int64, count=int(lengths.sum())
        )
        return TokenBatch(torch.from_numpy(tokens), torch.from_numpy(lengths))

    def _encode(self, graph: ArchGraph, index: dict[str, int]) -> list[int]:
        self._check_attributes(graph)
        first, n_inputs = self.first_reference, self.n_inputs_
        before, cells = graph.predecessors(), graph.cells
        tokens: list[int] = []
        start = 0
        for k, op in enumerate(graph.ops):
            if k and cells[k] != cells[k - 1]:
                start = k
            if op not in index:
                known = ", ".join(self.ops_)
                raise GraphError(f"unknown operation {op!r}; the encoder was fitted on: {known}.")
            tokens.append(index[op])
            base = 1 + len(self.ops_)
            for (_, values), (_, column) in zip(self.attributes_, graph.attributes, strict=True):
                tokens.append(base + _nearest(values, column[k]))
                base += len(values)
            for i in before[k]:
                numbered = i - start < n_inputs and is_input(graph.ops[i])
                tokens.append(first + (i - start if numbered else n_inputs + k - i - 1))
        tokens.append(END)
        return tokens

    def decode(self, tokens: Sequence[int]) -> ArchGraph:
        """The graph of a sequence; nothing but padding may follow its `END`.

        Raises:
            GraphError: When the sequence is no graph, saying where.
        """
        ops: list[str] = []
        edges: list[tuple[int, int]] = []
        columns: list[list[float]] = [[] for _ in self.attributes_]
        cell: list[int] = []
        start = 0
        rest = iter(enumerate(tokens))
        for place, token in rest:
            k = len(ops)
            op = self.op_of(token)
            if op is not None:
                if k and ops[-1] == OUTPUT:
                    start = k
                ops.append(op)
                cell.append(cell[-1] + (start == k) if cell else 0)
                self._read_attributes(columns, rest)
            elif k and token >= self.first_reference:
                edges.append((self._referred(token, ops, start), k - 1))
            elif token != END:
                raise GraphError(f"token {token} at place {place} is no operation and no reference of one.")
            elif any(later != END for _, later in rest):
                raise GraphError(f"tokens follow the end at place {place}.")
        attributes = tuple((name, tuple(column)) for (name, _), column in zip(self.attributes_, columns, strict=True))
        return ArchGraph(ops=tuple(ops), edges=tuple(edges), attributes=attributes, cell=tuple(cell))

    def _read_attributes(self, columns: list[list[float]], rest: Iterator[tuple[int, int]]) -> None:
        base = 1 + len(self.ops_)
        for (name, values), column in zip(self.attributes_, columns, strict=True):
            _, token = next(rest, (0, END))
            if not base <= token < base + len(values):
                raise GraphError(f"token {token} is no value of the attribute {name!r} of node {len(column)}.")
            column.append(values[token - base])
            base += len(values)

    def _referred(self, token: int, ops: Sequence[str], start: int) -> int:
        """The node that the last of `ops` refers to."""
        number = token - self.first_reference
        i = start + number if number < self.n_inputs_ else len(ops) - 2 - (number - self.n_inputs_)
        if not start <= i < len(ops) - 1:
            raise GraphError(f"token {token} of node {len(ops) - 1} refers to a node that is not in its cell.")
        if number < self.n_inputs_ and not is_input(ops[i]):
            raise GraphError(f"token {token} of node {len(ops) - 1} refers to an input that its cell does not have.")
        return i

    def _check_attributes(self, graph: ArchGraph) -> None:
        names = [name for name, _ in graph.attributes]
        if names != [name for name, _ in self.attributes_]:
            raise GraphError(
                f"a graph must have the attributes {[name for name, _ in self.attributes_]}, but one has {names}."
            )


def _inputs_per_cell(graph: ArchGraph) -> Iterable[int]:
    return Counter(cell for op, cell in zip(graph.ops, graph.cells, strict=True) if is_input(op)).values()


def _nearest(values: Sequence[float], number: float) -> int:
    """Position of the value nearest to `number`."""
    k = bisect_left(values, number)
    if k == len(values) or (k > 0 and number - values[k - 1] <= values[k] - number):
        return k - 1
    return k
