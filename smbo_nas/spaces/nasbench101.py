"""The cell of NAS-Bench-101."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from predictors.graph import CONCAT, INPUT, OUTPUT, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError
from smbo_nas.spaces.subsets import parse_subset, subset_choices


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
        edges = self._edges(params)
        last = self.vertices - 1
        forward, backward = {0}, {last}
        for i, j in edges:
            if i in forward:
                forward.add(j)
        for i, j in reversed(edges):
            if j in backward:
                backward.add(i)
        if last not in forward:
            return "the output is not connected to the input"
        used = sum(i in forward and j in backward for i, j in edges)
        if used > self.max_edges:
            return f"{used} edges are in use, more than {self.max_edges}"
        return None

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
