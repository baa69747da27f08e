"""CellSpace: a user's own cell, with one operation on each edge of a directed acyclic graph."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from predictors.graph import INPUT, NONE_OPS, OUTPUT, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError, distinct_operations


class CellSpace(SearchSpace):
    """A cell of `nodes` feature maps; each edge between two of them carries one of `ops`, and a node sums its edges.

    Node 0 is the cell's input, the last node its output. NAS-Bench-201 is `CellSpace(nodes=4, ops=[...])`.

    Args:
        nodes: Number of feature maps, at least 2.
        ops: The operations to choose from: names that `smbo_nas.networks` knows (or registered with it).
        edges: Pairs `(i, j)`, `i < j`, that carry an operation; all pairs by default.
        name: What studies and reports call the space.
        skeleton: How networks are stacked from the cell.

    Raises:
        SpaceError: When an argument does not describe a cell.
    """

    def __init__(
        self,
        *,
        nodes: int,
        ops: Sequence[str],
        edges: Iterable[tuple[int, int]] | None = None,
        name: str = "cell",
        skeleton: str | None = "nasbench201",
    ) -> None:
        if nodes < 2:
            raise SpaceError(f"`nodes` must be at least 2, but got {nodes}.")
        pairs = [(i, j) for j in range(nodes) for i in range(j)]
        chosen = set(pairs) if edges is None else {(int(i), int(j)) for i, j in edges}
        for i, j in chosen:
            if not 0 <= i < j < nodes:
                raise SpaceError(f"an edge must be (i, j) with 0 <= i < j < {nodes}, but got ({i}, {j}).")
        reached = {0}
        for i, j in sorted(chosen):
            if i in reached:
                reached.add(j)
        if nodes - 1 not in reached:
            raise SpaceError(f"`edges` must lead from node 0 to node {nodes - 1}, but got {sorted(chosen)}.")
        self.name = name
        self.skeleton = skeleton
        self.nodes = nodes
        self.ops = distinct_operations(ops)
        self.edges = tuple(pair for pair in pairs if pair in chosen)
        self._choices = {f"edge_{i}_{j}": self.ops for i, j in self.edges}

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """`edge_i_j`: the operation on the edge from node i to node j."""
        return self._choices

    def _graph(self, params: Params) -> ArchGraph:
        return self._pattern.with_ops((INPUT, *params.values(), OUTPUT))

    @cached_property
    def _pattern(self) -> ArchGraph:
        """A graph of the space: its edges are the same for every choice of operations."""
        n = len(self.edges)
        position = {pair: k + 1 for k, pair in enumerate(self.edges)}
        links = [(0, position[i, j]) for i, j in self.edges if i == 0]
        links += [(position[e], position[f]) for e in self.edges for f in self.edges if e[1] == f[0]]
        links += [(position[i, j], n + 1) for i, j in self.edges if j == self.nodes - 1]
        return ArchGraph(ops=(INPUT, *self.ops[:1] * n, OUTPUT), edges=tuple(links))

    def blocks(self, params: Mapping[str, Any]) -> int:
        """Paths of which the cell is made, each between feature maps of those before it (an ear decomposition)."""
        edges = self._live(self.check(params))
        return len(edges) - len({node for edge in edges for node in edge}) + 2 if edges else 0

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:
        """Cells with one path more, over edges that carry `none` and through feature maps that carry nothing.

        The cells of one block are the paths from the input to the output.

        Raises:
            SpaceError: When `none` is not among the operations.
        """
        empty = self._empty
        origin = {} if params is None else self.check(params)
        live = self._live(origin)
        kept = {f"edge_{i}_{j}": origin[f"edge_{i}_{j}"] if (i, j) in live else empty for i, j in self.edges}
        inside = {0, self.nodes - 1, *(node for edge in live for node in edge)}
        ops = [op for op in self.ops if op != empty]
        paths = [[edge] for edge in self.edges if edge[0] in inside and edge not in live]
        while paths:
            path = paths.pop(0)
            end = path[-1][1]
            if end not in inside:
                paths += [[*path, edge] for edge in self.edges if edge[0] == end]
                continue
            for chosen in itertools.product(ops, repeat=len(path)):
                yield kept | {f"edge_{i}_{j}": op for (i, j), op in zip(path, chosen, strict=True)}

    @cached_property
    def _empty(self) -> str:
        """The operation of an edge that is not there."""
        for op in self.ops:
            if op in NONE_OPS:
                return op
        raise SpaceError(f"{self.name} has no smaller cells: `none` is not among its operations.")

    def _live(self, params: Params) -> set[tuple[int, int]]:
        """The edges that carry signal from the input to the output."""
        edges = [(i, j) for i, j in self.edges if params.get(f"edge_{i}_{j}", self._empty) != self._empty]
        forward, backward = {0}, {self.nodes - 1}
        for i, j in sorted(edges):
            if i in forward:
                forward.add(j)
        for i, j in sorted(edges, reverse=True):
            if j in backward:
                backward.add(i)
        return {(i, j) for i, j in edges if i in forward and j in backward}

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return self.ops

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {
            "name": self.name,
            "nodes": self.nodes,
            "ops": list(self.ops),
            "edges": [list(e) for e in self.edges],
            "skeleton": self.skeleton,
        }
