"""The binary-coded stages of GeNet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from predictors.graph import INPUT, OUTPUT, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError

CONV = "conv_3x3"
POOL = "max_pool_3x3"


class GeNetSpace(SearchSpace):
    """GeNet: stages of ordered convolutions, one bit for each two of a stage that says whether they are connected.

    Xie and Yuille, "Genetic CNN", ICCV 2017, sec. 3.1. A node sums what it takes and applies convolution, batch
    normalisation and ReLU. A stage has two more nodes that the code leaves out: all that take no other take the first,
    and the last takes all that no other takes. Nodes without any connection are dropped; a stage without any is a
    single convolution. Between stages stands a pooling of stride 2, and the next stage has twice the channels (node
    attributes `stride` and `width`, as in `ChainSpace`). K nodes have K (K - 1) / 2 bits: the default, which is the
    paper's for CIFAR-10, has 2^19 = 524,288 codes, of 56,172 networks. A crossover takes whole stages (sec. 3.2).

    The first node of the first stage is the network's stem, and so the graph's input.

    Departures: all kernels are 3x3 (the paper's for CIFAR-10 are 5x5), and behind the last stage are global average
    pooling and a linear classifier, in place of pooling and two fully connected layers.

    Args:
        nodes: K of each stage, at least 2.

    Raises:
        SpaceError: When there is no stage, or one with fewer nodes.
    """

    name = "genet"
    skeleton = "chain"

    def __init__(self, *, nodes: Sequence[int] = (3, 4, 5)) -> None:
        if not nodes or min(nodes) < 2:
            raise SpaceError(f"`nodes` must be at least 2 for each of one or more stages, but got {nodes!r}.")
        self.nodes = tuple(nodes)
        ops: list[str] = []
        self._stages: list[tuple[int, ...]] = []  # the graph's nodes: first, those of the code, last
        self._edges: dict[str, tuple[int, int]] = {}
        for s, k in enumerate(self.nodes, start=1):
            ops += [POOL, CONV] if ops else [INPUT]
            stage = tuple(range(len(ops) - 1, len(ops) + k + 1))
            ops += [CONV] * (k + 1)
            self._stages.append(stage)
            pairs = ((i, j) for j in range(2, k + 1) for i in range(1, j))  # the order of the code
            self._edges |= {f"stage_{s}_edge_{i}_{j}": (stage[i], stage[j]) for i, j in pairs}
        self._ops = (*ops, OUTPUT)
        behind = itertools.accumulate([0, *(op == POOL for op in ops)])  # pooling layers that a node stands behind
        stride = tuple(2.0 if op == POOL else 1.0 for op in self._ops)
        self._attributes = (("stride", stride), ("width", tuple(2.0**n for n in behind)))
        self._choices = dict.fromkeys(self._edges, ("0", "1"))

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """`stage_s_edge_i_j`: the bit of stage s that says whether its node j takes its node i; all count from 1."""
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return (CONV, POOL)

    @property
    def genes(self) -> tuple[tuple[str, ...], ...]:
        """See `SearchSpace.genes`: the bits of each stage."""
        names = iter(self._choices)
        return tuple(tuple(itertools.islice(names, k * (k - 1) // 2)) for k in self.nodes)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {"name": self.name, "nodes": list(self.nodes)}

    def _graph(self, params: Params) -> ArchGraph:
        edges = [self._edges[name] for name, bit in params.items() if bit == "1"]
        taking, taken = {j for _, j in edges}, {i for i, _ in edges}
        end = 0
        for first, *inner, last in self._stages:
            if first > 0:
                edges += [(end, first - 1), (first - 1, first)]
            connected = [node for node in inner if node in taking or node in taken]
            edges += [(first, node) for node in connected if node not in taking]
            edges += [(node, last) for node in connected if node not in taken]
            end = last if connected else first
        edges.append((end, len(self._ops) - 1))
        return ArchGraph(ops=self._ops, edges=tuple(edges), attributes=self._attributes)

    def params_of(self, graph: ArchGraph, *, near: Mapping[str, Any]) -> Params | None:
        """See `SearchSpace.params_of`; each bit is read off its edge."""
        if self.is_enumerable:
            return super().params_of(graph, near=near)
        self.check(near)
        edges = set(graph.edges)
        params = {name: "1" if edge in edges else "0" for name, edge in self._edges.items()}
        return params if self._graph(params).digest == graph.digest else None

    def blocks(self, params: Mapping[str, Any]) -> int:
        """Connections, those of the first and last nodes apart."""
        return list(self.check(params).values()).count("1")

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:
        """Networks with one connection more."""
        origin = dict.fromkeys(self._choices, "0") if params is None else self.check(params)
        for name, bit in origin.items():
            if bit == "0":
                yield origin | {name: "1"}

    def to_code(self, params: Mapping[str, Any]) -> str:
        """The paper's binary code, such as `0-01|0-01-111|0-11-010-0111`: what node 2, 3, ... of each stage takes."""
        bits = iter(self.check(params).values())
        return "|".join("-".join("".join(itertools.islice(bits, j)) for j in range(1, k)) for k in self.nodes)

    def from_code(self, code: str) -> Params:
        """Inverse of `to_code`.

        Raises:
            SpaceError: When the code is none of this space.
        """
        bits = [character for character in code if character in "01"]
        params = dict(zip(self._choices, bits, strict=False))
        if len(bits) != len(self._choices) or self.to_code(params) != code:
            empty = self.to_code(dict.fromkeys(self._choices, "0"))
            raise SpaceError(f"a code of {self.name} must look like {empty}, but got {code!r}.")
        return params
