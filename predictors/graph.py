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

Attributes = tuple[tuple[str, tuple[float, ...]], ...]


class GraphError(ValueError):
    """An architecture that is no valid graph; the message names what is wrong."""


@cache
def is_input(op: str) -> bool:
    """Whether `op` labels an input node."""
    return op == INPUT or op.startswith(INPUT + "_")


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
        set_field = object.__setattr__  # the dataclass is frozen: this is its own constructor
        try:
            set_field(self, "ops", tuple(self.ops))
            set_field(self, "edges", tuple(sorted((index(i), index(j)) for i, j in self.edges)))
            named = dict(self.attributes)
            values = {k: tuple(float(x) for x in named[k]) for k in sorted(named)}
            set_field(self, "attributes", tuple(values.items()))
            set_field(self, "cell", tuple(index(c) for c in self.cell))
        except (TypeError, ValueError) as error:
            raise GraphError(f"the graph's fields are of the wrong type: {error}.") from error
        self._validate()
        if not any(self.cell):
            set_field(self, "cell", ())

    def _validate(self) -> None:
        n = len(self.ops)
        if not all(isinstance(op, str) and op for op in self.ops):
            raise GraphError(f"`ops` must be non-empty strings, but got {self.ops!r}.")
        for name, column in self.attributes:
            if not isinstance(name, str) or not name:
                raise GraphError(f"an attribute's name must be a non-empty string, but got {name!r}.")
            if not all(map(isfinite, column)):
                raise GraphError(f"attribute {name!r} must be finite, but got {column!r}.")
            if len(column) != n:
                raise GraphError(
                    f"attribute {name!r} must have one value for each of the {n} nodes, but got {len(column)}."
                )
        if self.cell and len(self.cell) != n:
            raise GraphError(f"`cell` must have one index for each of the {n} nodes, but got {len(self.cell)}.")
        cells = self.cells
        if self.cell and (list(cells) != sorted(cells) or set(cells) != set(range(max(cells) + 1))):
            raise GraphError(f"`cell` must count 0, 0, ..., 1, 1, ..., but got {self.cell!r}.")
        self._validate_edges(cells)
        for k in range(max(cells, default=0) + 1):
            ops = tuple(op for op, c in zip(self.ops, cells, strict=True) if c == k)
            _validate_cell(ops, where=f" in cell {k}" if self.cell else "")

    def _validate_edges(self, cells: Sequence[int]) -> None:
        n = len(self.ops)
        for i, j in self.edges:
            if not (0 <= i < n and 0 <= j < n):
                raise GraphError(f"edge ({i}, {j}) leaves the graph of {n} nodes.")
            if i >= j:
                raise GraphError(
                    f"edge ({i}, {j}) goes backwards: nodes must be in topological order and without a cycle."
                )
            if cells[i] != cells[j]:
                raise GraphError(f"edge ({i}, {j}) joins two cells.")
            if is_input(self.ops[j]):
                raise GraphError(f"edge ({i}, {j}) enters an input.")

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
        return _canonicalise(self)

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
        return json.dumps(self.to_dict(), separators=(",", ":"))

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


def _validate_cell(ops: tuple[str, ...], where: str) -> None:
    if not ops or not is_input(ops[0]):
        raise GraphError(f"the first node{where} must be an input, but the operations are {ops!r}.")
    if ops.count(OUTPUT) != 1 or ops[-1] != OUTPUT:
        raise GraphError(f"the last node{where}, and no other, must be {OUTPUT!r}, but the operations are {ops!r}.")
    inputs = [is_input(op) for op in ops]
    if inputs != sorted(inputs, reverse=True):
        raise GraphError(f"inputs{where} must come first, but the operations are {ops!r}.")


def _canonicalise(graph: ArchGraph) -> ArchGraph:
    """Prunes dead nodes, expands sums of sums, and orders the rest by nauty's labels."""
    live, cells = graph.live, graph.cells
    before = graph.predecessors()
    # What each node brings to a sum: itself, or, for an identity, what that identity sums.
    terms: list[list[int]] = []
    kept: list[int] = []
    inputs_of: dict[int, list[int]] = {}
    ops = list(graph.ops)
    for k, op in enumerate(graph.ops):
        fixed = is_input(op) or op == OUTPUT
        sources = [i for i in before[k] if live[i]] if live[k] else []
        joins = op == CONCAT and len(sources) > 1  # a concatenation of one thing is that thing
        if joins:  # a sum inside a concatenation stays a node of its own
            inputs = [terms[i][0] if len(terms[i]) == 1 else i for i in sources]
        else:
            inputs = [t for i in sources for t in terms[i]]
        identity = op in IDENTITY_OPS or (op == CONCAT and not joins)
        terms.append(inputs if identity else [k])
        if fixed or live[k]:
            inputs_of[k] = inputs
            kept.append(k)
            if op in IDENTITY_OPS:
                ops[k] = SUM
    used = _reached(kept, inputs_of, graph.ops)
    order = [k for k in kept if k in used]
    position = {k: p for p, k in enumerate(order)}
    return _canonically_ordered(
        tuple(ops[k] for k in order),
        tuple((position[i], position[k]) for k in order for i in inputs_of[k]),
        tuple((name, tuple(column[k] for k in order)) for name, column in graph.attributes),
        tuple(cells[k] for k in order),
    )


@lru_cache(maxsize=1 << 16)  # a search meets the same reduced graph under many names
def _canonically_ordered(
    ops: tuple[str, ...], edges: tuple[tuple[int, int], ...], attributes: Attributes, cell: tuple[int, ...]
) -> ArchGraph:
    colours = list(zip(cell, ops, *(column for _, column in attributes), strict=True))
    return _reordered(ops, edges, dict(attributes), cell, rank=_canonical_rank(colours, edges))


def _reached(kept: Sequence[int], inputs_of: Mapping[int, Sequence[int]], ops: Sequence[str]) -> set[int]:
    """Nodes still needed once identities were bypassed: those an output reads, and every input."""
    used = {k for k in kept if is_input(ops[k]) or ops[k] == OUTPUT}
    for k in reversed(kept):
        if k in used:
            used.update(inputs_of[k])
    return used


def _canonical_rank(colours: Sequence[tuple[Any, ...]], edges: Sequence[tuple[int, int]]) -> list[int]:
    """Each node's position in nauty's canonical labelling of the coloured graph.

    nauty knows no multiple edges: a repeated edge becomes a middle node coloured by its multiplicity.
    """
    import pynauty

    count: dict[tuple[int, int], int] = {}
    for edge in edges:
        count[edge] = count.get(edge, 0) + 1
    adjacency: dict[int, list[int]] = {}
    classes: dict[tuple[Any, ...], set[int]] = {}
    for k, colour in enumerate(colours):
        classes.setdefault((0, *colour), set()).add(k)
    total = len(colours)
    for (i, j), multiplicity in count.items():
        if multiplicity == 1:
            adjacency.setdefault(i, []).append(j)
        else:
            classes.setdefault((1, multiplicity), set()).add(total)
            adjacency.setdefault(i, []).append(total)
            adjacency[total] = [j]
            total += 1
    coloured = pynauty.Graph(
        total,
        directed=True,
        adjacency_dict=adjacency,
        vertex_coloring=[classes[c] for c in sorted(classes)],
    )
    rank = [0] * total
    for position, vertex in enumerate(pynauty.canon_label(coloured)):
        rank[vertex] = position
    return rank[: len(colours)]


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
