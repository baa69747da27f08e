"""The cell of NAS-Bench-101."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from predictors.graph import CONCAT, INPUT, OUTPUT, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError
from smbo_nas.spaces.subsets import NO_NODE, as_choice, parse_subset, subset_choices


class NASBench101Space(SearchSpace):
    """NAS-Bench-101: up to seven vertices with an operation each, at most nine edges; 423,624 distinct cells.

    Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019, sec. 2.1. Vertex 0 is the
    input, the last one the output. Inner vertices sum what they take; the output concatenates its inner vertices and
    adds the (projected) input where that feeds it. Smaller cells are those whose other vertices lead nowhere; edges are
    counted after such vertices are dropped, as in the benchmark.

    Args:
        vertices: Number of vertices with input and output, at least 2.
        max_edges: Largest number of edges of the pruned cell.
    """

    name = "nasbench101"
    skeleton = "nasbench101"
    ops = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")

    def __init__(self, *, vertices: int = 7, max_edges: int = 9) -> None:
        if vertices < 2:
            raise SpaceError(f"`vertices` must be at least 2, but got {vertices}.")
        if max_edges < 1:
            raise SpaceError(f"`max_edges` must be at least 1, but got {max_edges}.")
        self.vertices = vertices
        self.max_edges = max_edges
        self._choices: dict[str, tuple[str, ...]] = {f"op_{k}": self.ops for k in range(1, vertices - 1)}
        self._choices |= {f"inputs_{k}": subset_choices(k) for k in range(1, vertices)}

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """`op_k`: operation of vertex k; `inputs_k`: the earlier vertices it takes."""
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return self.ops

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {"name": self.name, "vertices": self.vertices, "max_edges": self.max_edges}

    def _edges(self, params: Params) -> list[tuple[int, int]]:
        return [(i, j) for j in range(1, self.vertices) for i in parse_subset(params[f"inputs_{j}"])]

    def why_invalid(self, params: Params) -> str | None:
        """The benchmark's two rules: the output is connected, and at most `max_edges` edges are in use."""
        used = self._used(params)
        if not used:
            return "the output is not connected to the input"
        if len(used) > self.max_edges:
            return f"{len(used)} edges are in use, more than {self.max_edges}"
        return None

    def _used(self, params: Params) -> list[tuple[int, int]]:
        """The edges on a path from the input to the output."""
        edges = self._edges(params)
        forward, backward = {0}, {self.vertices - 1}
        for i, j in edges:
            if i in forward:
                forward.add(j)
        for i, j in reversed(edges):
            if j in backward:
                backward.add(i)
        return [(i, j) for i, j in edges if i in forward and j in backward]

    def blocks(self, params: Mapping[str, Any]) -> int:
        """Inner vertices in use."""
        return len({j for _, j in self._used(self.check(params))}) - 1

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:
        """Cells with one vertex more, before the output, which takes it.

        The output goes on taking what it took, or leaves any of what the new vertex takes to that.
        """
        last = self.vertices - 1
        used = [(0, last)] if params is None else self._used(self.check(params))
        # The vertices in use become the first ones.
        at = {old: new for new, old in enumerate(sorted({0, *(j for _, j in used)} - {last}))}
        new = len(at)
        if new == last:
            return
        kept = {f"op_{k}": self.ops[0] for k in range(1, last)} | {f"inputs_{k}": NO_NODE for k in range(1, last)}
        for old, k in at.items():
            if old and params is not None:
                kept |= {f"op_{k}": params[f"op_{old}"], f"inputs_{k}": as_choice(at[i] for i, j in used if j == old)}
        outgoing = {at[i] for i, j in used if j == last}
        for op, inputs in itertools.product(self.ops, subset_choices(new)[1:]):
            shared = sorted(outgoing & set(parse_subset(inputs)))
            for dropped in subset_choices(len(shared)):
                left = outgoing - {shared[k] for k in parse_subset(dropped)}
                taken = as_choice([*left, new])
                found = kept | {f"op_{new}": op, f"inputs_{new}": inputs, f"inputs_{last}": taken}
                if self.why_invalid(found) is None:
                    yield found

    def _graph(self, params: Params) -> ArchGraph:
        last = self.vertices - 1
        inner = tuple(params[f"op_{k}"] for k in range(1, last))
        links = [(i, j) for i, j in self._edges(params) if j < last]
        feeding = parse_subset(params[f"inputs_{last}"])
        links += [(i, last) for i in feeding if i > 0]
        links += [(0, last + 1)] * (0 in feeding) + [(last, last + 1)]
        return ArchGraph(ops=(INPUT, *inner, CONCAT, OUTPUT), edges=tuple(links))

    def from_matrix(self, matrix: Sequence[Sequence[int]], ops: Sequence[str]) -> Params:
        """The params of a cell given as the benchmark gives it: an upper-triangular matrix and one label per vertex.

        Args:
            matrix: `(v, v)` zeros and ones, `v <= vertices`.
            ops: `v` labels; the first and last are the input's and the output's.

        Raises:
            SpaceError: When there are too many vertices, an operation is unknown or the cell is invalid.
        """
        v, last = len(ops), self.vertices - 1
        if v > self.vertices or v < 2 or len(matrix) != v or any(len(row) != v for row in matrix):
            raise SpaceError(f"`matrix` must be square, of 2 to {self.vertices} vertices, one per operation.")
        if any(matrix[i][j] for i in range(v) for j in range(i + 1)):
            raise SpaceError("`matrix` must be upper triangular.")
        params = {f"op_{k}": self.ops[0] for k in range(1, last)}
        params |= {f"inputs_{k}": subset_choices(k)[0] for k in range(1, self.vertices)}
        for j in range(1, v):
            target = last if j == v - 1 else j
            sources = [str(i) for i in range(j) if matrix[i][j]]
            params[f"inputs_{target}"] = ",".join(sources) or subset_choices(target)[0]
            if target < last:
                params[f"op_{j}"] = ops[j]
        return self.check(params)
