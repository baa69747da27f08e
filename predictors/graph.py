"""ArchGraph: the frozen labelled directed acyclic graph that every predictor reads.

Operations sit on nodes. A space whose operations sit on edges (NAS-Bench-201, DARTS) makes each operation a node. What
several edges bring to a node is summed, except where the node's operation is `concat`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from math import isfinite
from operator import index
from typing import Any

INPUT = "input"
"""Operation of a cell's only input; a cell with several labels them `input_0`, `input_1`, ... (all start with this)."""
OUTPUT = "output"
"""Operation of a cell's output, which sums what it receives."""
SUM = "add"
"""A node that only sums what it receives."""
CONCAT = "concat"
"""A node that concatenates what it receives along the channels."""
NONE_OPS = frozenset({"none", "zero"})
"""Operations that carry no signal."""
IDENTITY_OPS = frozenset({SUM, "skip_connect", "identity"})
"""Operations that pass on the sum of what they receive, unchanged."""

_to_json = json.JSONEncoder(separators=(",", ":")).encode

Attributes = tuple[tuple[str, tuple[float, ...]], ...]


class GraphError(ValueError):
    """An architecture that is no valid graph; the message names what is wrong."""


@cache
def is_input(op: str) -> bool:
    """Whether `op` labels an input node."""
    return op == INPUT or op.startswith(INPUT + "_")


@cache
def _end(op: str) -> str | None:
    """What kind of end `op` labels, an input or an output; None for what is inside."""
    return INPUT if is_input(op) else OUTPUT if op == OUTPUT else None


@dataclass(frozen=True)
class ArchGraph:
    """A frozen, hashable architecture: one cell, or several side by side (normal and reduction).

    Attributes:
        ops: One operation label per node, in topological order. Inside each cell inputs come first and the one
            output is last.
        edges: Pairs `(i, j)` with `i < j`, sorted. A repeated edge is a sum that takes its input twice.
        attributes: Optional numbers per node (`channels`, `stride`, ...): a mapping of names to one value per node;
            kept as sorted tuples.
        cell: Index of the cell of each node, `0, ..., 0, 1, ..., 1, ...`; empty when there is only one.

    Raises:
        GraphError: When an edge goes backwards (a cycle), leaves the graph or joins two cells, a cell has no input
            or not exactly one output as its last node, lengths do not match, or a field is of the wrong type.
    """

    ops: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    attributes: Attributes = ()
    cell: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        try:
            ops = tuple(self.ops)
            edges = tuple(sorted([(index(i), index(j)) for i, j in self.edges]))
            attributes = _sorted_attributes(self.attributes) if self.attributes != () else ()
            cell = tuple(map(index, self.cell))
        except (TypeError, ValueError) as error:
            raise GraphError(f"the graph's fields are of the wrong type: {error}.") from error
        # The dataclass is frozen: this is its own constructor.
        self.__dict__.update(ops=ops, edges=edges, attributes=attributes, cell=cell)
        self._validate()
        if cell and not any(cell):
            self.__dict__["cell"] = ()

    def _validate(self) -> None:
        n = len(self.ops)
        for op in self.ops:
            if not isinstance(op, str) or not op:
                raise GraphError(f"`ops` must be non-empty strings, but got {self.ops!r}.")
        self._validate_attributes()
        if self.cell and len(self.cell) != n:
            raise GraphError(f"`cell` must have one index for each of the {n} nodes, but got {len(self.cell)}.")
        cells, inputs = self.cells, list(map(is_input, self.ops))
        if self.cell and (list(cells) != sorted(cells) or set(cells) != set(range(max(cells) + 1))):
            raise GraphError(f"`cell` must count 0, 0, ..., 1, 1, ..., but got {self.cell!r}.")
        for i, j in self.edges:
            if not 0 <= i < j < n or cells[i] != cells[j] or inputs[j]:
                raise GraphError(f"edge ({i}, {j}) {self._why_no_edge(i, j)}.")
        if not self.cell:
            _validate_cell(self.ops, inputs)
        for k in range(max(self.cell, default=-1) + 1):
            first, size = cells.index(k), cells.count(k)
            _validate_cell(self.ops[first : first + size], inputs[first : first + size], where=f" in cell {k}")

    def _validate_attributes(self) -> None:
        n = self.n_nodes
        for name, column in self.attributes:
            if not isinstance(name, str) or not name:
                raise GraphError(f"an attribute's name must be a non-empty string, but got {name!r}.")
            if not all(map(isfinite, column)):
                raise GraphError(f"attribute {name!r} must be finite, but got {column!r}.")
            if len(column) != n:
                raise GraphError(
                    f"attribute {name!r} must have one value for each of the {n} nodes, but got {len(column)}."
                )

    def _why_no_edge(self, i: int, j: int) -> str:
        n = self.n_nodes
        if not (0 <= i < n and 0 <= j < n):
            return f"leaves the graph of {n} nodes"
        if i >= j:
            return "goes backwards: nodes must be in topological order and without a cycle"
        return "joins two cells" if self.cells[i] != self.cells[j] else "enters an input"

    @classmethod
    def _trusted(
        cls,
        ops: tuple[str, ...],
        edges: tuple[tuple[int, int], ...],
        attributes: Attributes,
        cell: tuple[int, ...],
    ) -> ArchGraph:
        """The graph of fields that are valid, sorted and of the right types already."""
        graph = object.__new__(cls)
        graph.__dict__.update(ops=ops, edges=edges, attributes=attributes, cell=cell)
        return graph

    @classmethod
    def from_matrix(cls, matrix: Sequence[Sequence[int]], ops: Sequence[str]) -> ArchGraph:
        """Builds a graph from an adjacency matrix in any node order.

        Args:
            matrix: `(n, n)` non-negative edge counts, `matrix[i][j]` from `i` to `j`.
            ops: `n` operation labels.

        Raises:
            GraphError: When the shapes differ, a count is no whole number or the graph has a cycle.
        """
        n = len(ops)
        if len(matrix) != n or any(len(row) != n for row in matrix):
            raise GraphError(f"`matrix` must be {n} x {n}, one row and column per operation.")
        for count in (count for row in matrix for count in row):
            if count < 0 or int(count) != count:
                raise GraphError(f"`matrix` must hold whole numbers of at least 0, but got {count!r}.")
        edges = [(i, j) for i in range(n) for j in range(n) for _ in range(int(matrix[i][j]))]
        return _reordered(ops, edges, {}, (), rank=range(n))

    def with_ops(self, ops: Sequence[str]) -> ArchGraph:
        """The same nodes and edges with other operations; where they fit, the rest is not validated again.

        Raises:
            GraphError: As the constructor.
        """
        ops = tuple(ops)
        if all(isinstance(op, str) and op for op in ops) and tuple(map(_end, ops)) == self._ends:
            return self._trusted(ops, self.edges, self.attributes, self.cell)
        return ArchGraph(ops=ops, edges=self.edges, attributes=self.attributes, cell=self.cell)

    @cached_property
    def _ends(self) -> tuple[str | None, ...]:
        return tuple(map(_end, self.ops))

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.ops)

    @property
    def cells(self) -> tuple[int, ...]:
        """Cell index of each node, also when there is only one cell."""
        return self.cell or (0,) * self.n_nodes

    def attribute(self, name: str) -> tuple[float, ...] | None:
        """The values of one attribute, `(n_nodes,)`, or None where the graph has no such attribute."""
        return dict(self.attributes).get(name)

    def predecessors(self) -> list[list[int]]:
        """For each node, the nodes it takes its inputs from, with multiplicity, ascending."""
        before: list[list[int]] = [[] for _ in self.ops]
        for i, j in self.edges:
            before[j].append(i)
        return before

    @cached_property
    def live(self) -> tuple[bool, ...]:
        """Which nodes carry signal: on a path from an input to the output that meets no `none`.

        Inputs and outputs count as live only where such a path begins or ends in them.
        """
        n = self.n_nodes
        forward, backward = [False] * n, [False] * n
        passes = [op not in NONE_OPS for op in self.ops]
        for k, op in enumerate(self.ops):
            forward[k] = is_input(op)
            backward[k] = op == OUTPUT
        for i, j in self.edges:  # sorted by i, so every edge into i was seen before
            forward[j] |= forward[i] and passes[j]
        for i, j in reversed(self.edges):
            backward[i] |= backward[j] and passes[i]
        return tuple(f and b for f, b in zip(forward, backward, strict=True))

    def require_ops(self, vocabulary: Collection[str]) -> None:
        """Checks that every operation is in `vocabulary`; inputs, `output`, `add` and `concat` always are.

        Raises:
            GraphError: Naming the node, the unknown operation and what is known.
        """
        for k, op in enumerate(self.ops):
            if op not in vocabulary and op not in (OUTPUT, SUM, CONCAT) and not is_input(op):
                known = ", ".join(sorted(vocabulary))
                raise GraphError(f"unknown operation {op!r} at node {k}; known operations: {known}.")

    @cached_property
    def _canonical(self) -> ArchGraph:
        from predictors.canonical import canonical_fields  # reads this module's vocabulary

        return _shared(*canonical_fields(self.ops, self.edges, self.attributes, self.cell))

    def canonical(self) -> ArchGraph:
        """The canonical form: equal for two graphs exactly if they compute the same up to isomorphism.

        Drops what cannot carry signal, contracts identities (`skip_connect`, `identity`, `add`) where the merge is a
        sum, keeping multiplicities (x + x is not x), and puts the nodes in nauty's canonical order (McKay and
        Piperno, "Practical graph isomorphism II", 2014). Inputs and the output always stay.
        """
        return self._canonical

    @cached_property
    def digest(self) -> str:
        """Stable hash (32 hex digits) of the canonical form: equal for isomorphic graphs, in any process."""
        return self.canonical()._content_hash

    @cached_property
    def _content_hash(self) -> str:
        return hashlib.blake2b(self.to_json().encode(), digest_size=16).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; `attributes` and `cell` only where there are any."""
        data: dict[str, Any] = {"ops": list(self.ops), "edges": [list(e) for e in self.edges]}
        if self.attributes:
            data["attributes"] = {name: list(column) for name, column in self.attributes}
        if self.cell:
            data["cell"] = list(self.cell)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ArchGraph:
        """Inverse of `to_dict`.

        Raises:
            GraphError: When a field is missing, unknown or of the wrong type.
        """
        if not isinstance(data, Mapping) or not {"ops", "edges"} <= set(data):
            raise GraphError(f"a graph must be an object with `ops` and `edges`, but got {data!r:.80}.")
        unknown = set(data) - {"ops", "edges", "attributes", "cell"}
        if unknown:
            raise GraphError(f"a graph has no field {sorted(unknown)[0]!r}.")
        if isinstance(data["ops"], str):
            raise GraphError(f"`ops` must be a list of strings, but got {data['ops']!r}.")
        return cls(
            ops=data["ops"],
            edges=data["edges"],
            attributes=data.get("attributes", ()),
            cell=data.get("cell", ()),
        )

    def to_json(self) -> str:
        """One line of compact JSON."""
        return _to_json(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> ArchGraph:
        """Inverse of `to_json`.

        Raises:
            GraphError: When the text is no JSON or no valid graph.
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise GraphError(f"not JSON: {error}.") from error
        return cls.from_dict(data)


def _sorted_attributes(attributes: Any) -> Attributes:
    named = dict(attributes)
    return tuple((name, tuple(float(x) for x in named[name])) for name in sorted(named))


def _validate_cell(ops: tuple[str, ...], inputs: Sequence[bool], where: str = "") -> None:
    if not ops or not inputs[0]:
        raise GraphError(f"the first node{where} must be an input, but the operations are {ops!r}.")
    if ops.count(OUTPUT) != 1 or ops[-1] != OUTPUT:
        raise GraphError(f"the last node{where}, and no other, must be {OUTPUT!r}, but the operations are {ops!r}.")
    if any(inputs[inputs.index(False) :]):
        raise GraphError(f"inputs{where} must come first, but the operations are {ops!r}.")


_shared = lru_cache(maxsize=1 << 14)(ArchGraph._trusted)
"""One object for equal canonical forms: what is cached on it, such as its digest, is worked out once."""


def _reordered(
    ops: Sequence[str],
    edges: Sequence[tuple[int, int]],
    attributes: Mapping[str, Sequence[float]],
    cell: Sequence[int],
    rank: Sequence[int],
) -> ArchGraph:
    """The graph in the topological order that is smallest by (cell, inputs first, depth, rank)."""
    n = len(ops)
    depth = [0] * n
    waiting = [0] * n
    after: list[list[int]] = [[] for _ in range(n)]
    for i, j in edges:
        waiting[j] += 1
        after[i].append(j)
    ready = [k for k in range(n) if waiting[k] == 0]
    for i in ready:  # grows while it is read
        for j in after[i]:
            depth[j] = max(depth[j], depth[i] + 1)
            waiting[j] -= 1
            if waiting[j] == 0:
                ready.append(j)
    if len(ready) < n:
        raise GraphError("the graph has a cycle.")

    def key(k: int) -> tuple[int, bool, bool, int, int]:
        return (cell[k] if cell else 0, not is_input(ops[k]), ops[k] == OUTPUT, depth[k], rank[k])

    order = sorted(range(n), key=key)
    position = {k: p for p, k in enumerate(order)}
    return ArchGraph(
        ops=tuple(ops[k] for k in order),
        edges=tuple((position[i], position[j]) for i, j in edges),
        attributes=tuple((name, tuple(column[k] for k in order)) for name, column in attributes.items()),
        cell=tuple(cell[k] for k in order) if cell else (),
    )
