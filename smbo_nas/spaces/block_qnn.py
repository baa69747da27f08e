"""The blocks of BlockQNN, written in its network structure code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from predictors.graph import CONCAT, INPUT, OUTPUT, SUM, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError

TERMINAL = "terminal"
LAYER_TYPES = {
    "nor_conv_1x1": (1, 1),
    "nor_conv_3x3": (1, 3),
    "nor_conv_5x5": (1, 5),
    "max_pool_1x1": (2, 1),
    "max_pool_3x3": (2, 3),
    "avg_pool_1x1": (3, 1),
    "avg_pool_3x3": (3, 3),
    "identity": (4, 0),
    SUM: (5, 0),
    CONCAT: (6, 0),
    TERMINAL: (7, 0),
}
"""Type and kernel size of each layer in the network structure code: BlockQNN, table 1."""
_NAMES = {code: name for name, code in LAYER_TYPES.items()}
_OF_TWO = (SUM, CONCAT)
_OF_TWO_TYPES = (5, 6)
_OF_ONE_PIXEL = ("max_pool_1x1", "avg_pool_1x1")

Code = tuple[int, int, int, int, int]
"""Index, type, kernel size, first and second predecessor of a layer; 0 is the block's input."""


class BlockQNNSpace(SearchSpace):
    """BlockQNN: a block of layers in their network structure code, stacked with pooling in between.

    Zhong et al., "Practical Block-wise Neural Network Architecture Generation", CVPR 2018, sec. 3.1 and table 1. A
    layer is a convolution (ReLU, convolution, batch normalisation: `nor_conv`) of kernel 1, 3 or 5, a maximum or
    average pooling of kernel 1 or 3, or an identity of one earlier output, or the sum or concatenation of two. A
    `terminal` layer ends the block; what comes after it does not count. The block's output concatenates the layers
    that nothing takes. A pooling of one pixel is an identity, and its node is labelled so.

    Departures: 10 layers at most by default, as in public reimplementations, where the paper's blocks may have more; a
    block has at least one layer; both predecessors of a sum or concatenation may be the same.

    Args:
        layers: Most layers of a block, at least 1.
    """

    name = "blockqnn"
    skeleton = "blockqnn"

    def __init__(self, *, layers: int = 10) -> None:
        if layers < 1:
            raise SpaceError(f"`layers` must be at least 1, but got {layers}.")
        self.layers = layers
        self._choices: dict[str, tuple[str, ...]] = {}
        for k in range(1, layers + 1):
            earlier = tuple(str(i) for i in range(k))
            self._choices[f"op_{k}"] = tuple(op for op in LAYER_TYPES if k > 1 or op != TERMINAL)
            self._choices[f"pred1_{k}"] = earlier
            self._choices[f"pred2_{k}"] = earlier

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """For layer k: `op_k`, and its predecessors `pred1_k` and `pred2_k`, 0 being the block's input.

        `pred2_k` counts only where the layer has two.
        """
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return tuple(op for op in LAYER_TYPES if op not in (*_OF_TWO, *_OF_ONE_PIXEL, TERMINAL))

    @property
    def genes(self) -> tuple[tuple[str, ...], ...]:
        """See `SearchSpace.genes`: the code of a layer is one."""
        return tuple((f"op_{k}", f"pred1_{k}", f"pred2_{k}") for k in range(1, self.layers + 1))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {"name": self.name, "layers": self.layers}

    def blocks(self, params: Mapping[str, Any]) -> int:
        """Layers before the terminal."""
        return next((k - 1 for k in range(2, self.layers + 1) if params[f"op_{k}"] == TERMINAL), self.layers)

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:
        """Blocks with one layer more at the end; a sum or concatenation takes its two in one of their two orders."""
        origin = {} if params is None else self.check(params)
        new = 1 if params is None else self.blocks(origin) + 1
        if new > self.layers:
            return
        unused = {name: TERMINAL if name.startswith("op_") else "0" for name in self._choices}
        unused |= {name: choice for name, choice in origin.items() if int(name.rpartition("_")[2]) < new}
        earlier = self._choices[f"pred1_{new}"]
        for op in self._choices[f"op_{new}"]:
            pairs = (
                itertools.combinations_with_replacement(earlier, 2) if op in _OF_TWO else ((i, "0") for i in earlier)
            )
            for first, second in pairs if op != TERMINAL else ():
                yield unused | {f"op_{new}": op, f"pred1_{new}": first, f"pred2_{new}": second}

    def _graph(self, params: Params) -> ArchGraph:
        ops: list[str] = [INPUT]
        edges: list[tuple[int, int]] = []
        for k in range(1, self.blocks(params) + 1):
            op = params[f"op_{k}"]
            edges += [(before, k) for before in self._predecessors(params, k)]
            ops.append("identity" if op in _OF_ONE_PIXEL else op)
        taken = {before for before, _ in edges}
        end = len(ops)
        edges += [(k, end) for k in range(1, end) if k not in taken]
        return ArchGraph(ops=(*ops, CONCAT, OUTPUT), edges=(*edges, (end, end + 1)))

    def _predecessors(self, params: Params, k: int) -> list[int]:
        slots = (1, 2) if params[f"op_{k}"] in _OF_TWO else (1,)
        return [int(params[f"pred{slot}_{k}"]) for slot in slots]

    def to_codes(self, params: Mapping[str, Any]) -> list[Code]:
        """The block as the paper writes it: one code per layer, `(index, type, kernel size, pred1, pred2)`.

        The last is the terminal's.

        Raises:
            SpaceError: As `check`.
        """
        params = self.check(params)
        layers = self.blocks(params)
        codes: list[Code] = []
        for k in range(1, layers + 1):
            first, *second = self._predecessors(params, k)
            codes.append((k, *LAYER_TYPES[params[f"op_{k}"]], first, sum(second)))
        return [*codes, (layers + 1, *LAYER_TYPES[TERMINAL], 0, 0)]

    def from_codes(self, codes: Sequence[Sequence[int]]) -> Params:
        """Inverse of `to_codes`; the terminal may be left out.

        Raises:
            SpaceError: When the codes are no block of this space.
        """
        params = {name: TERMINAL if name.startswith("op_") else "0" for name in self._choices}
        ended = False
        for k, code in enumerate(codes, start=1):
            if len(code) != 5 or code[0] != k or tuple(code[1:3]) not in _NAMES or ended:
                raise SpaceError(f"code {k} must be ({k}, type, kernel size, pred1, pred2), but got {code!r}.")
            op = _NAMES[code[1], code[2]]
            ended = op == TERMINAL
            if k <= self.layers or not ended:
                params |= {f"op_{k}": op, f"pred1_{k}": str(code[3]), f"pred2_{k}": str(code[4])}
        return self.check(params)

    def params_of(self, graph: ArchGraph, *, near: Mapping[str, Any]) -> Params | None:  # noqa: ARG002
        """The params of an architecture, read off its graph, canonical or not; None where not found.

        Sums that the canonical form spread over edges become layers again, and so do identities.

        Args:
            graph: An architecture.
            near: As `SearchSpace.params_of`; not needed here.
        """
        codes = _codes_of(graph)
        try:
            params = self.from_codes(codes or [])
        except SpaceError:
            return None
        return params if self.graph(params).digest == graph.digest else None


def _codes_of(graph: ArchGraph) -> list[Code] | None:
    """The codes of a block's graph; None where a node is no layer."""
    before, last = graph.predecessors(), graph.n_nodes - 1
    codes: list[Code] = []
    layer_of = {0: 0}

    def add(op: str, first: int, second: int = 0) -> int:
        codes.append((len(codes) + 1, *LAYER_TYPES[op], first, second))
        return len(codes)

    ends = before[last]
    joined = len(ends) == 1 and graph.ops[ends[0]] == CONCAT
    for node in range(1, ends[0] if joined else last + 1):
        op = graph.ops[node]
        sources = [layer_of[i] for i in before[node]]
        if not sources or op not in (*LAYER_TYPES, OUTPUT) or (op == CONCAT and len(sources) != 2):
            return None
        if op == CONCAT:
            layer_of[node] = add(op, *sources)
        else:
            total = reduce(lambda first, second: add(SUM, first, second), sources)
            layer_of[node] = total if op in (SUM, OUTPUT) else add(op, total)
    loose = [layer_of[i] for i in before[ends[0]]] if joined else [layer_of[last]]
    taken = {0, *(before for _, kind, _, *pair in codes for before in pair[: 1 + (kind in _OF_TWO_TYPES)])}
    for layer in loose:
        if layer in taken or loose.count(layer) > 1:
            add("identity", layer)  # what others take too is joined by way of an identity
    return codes
