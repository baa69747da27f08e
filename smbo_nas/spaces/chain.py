"""The global space of the early methods: a chain of layers with skip connections."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from predictors.graph import CONCAT, INPUT, OUTPUT, SUM, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError, distinct_operations
from smbo_nas.spaces.subsets import NO_NODE, parse_subset, subset_choices

CHAIN_OPS = ("conv_3x3", "conv_5x5", "sep_conv_3x3", "sep_conv_5x5", "max_pool_3x3", "avg_pool_3x3", "skip_connect")
"""Operations of a layer; a `skip_connect` layer makes the chain shorter."""
SKIP = "skip_connect"
STRIDED_IDENTITY = "factorized_reduce"
"""Operation that changes only the resolution or the channels."""


class ChainSpace(SearchSpace):
    """A whole network of `layers` layers, each taking the layer before it and any earlier ones it skips to.

    After Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, sec. 3.3 (anchor points),
    with operations in place of free filter shapes. The network has `stages` stages; the first layer of each but the
    first has stride 2 and doubles the channels (node attributes `stride` and `width`, the channel multiple). What a
    layer takes from an earlier stage is projected by a node of its own, `factorized_reduce`, so that all a sum takes is
    alike. A `skip_connect` that changes the channels (strided, or after a concatenation) is no identity and is labelled
    `factorized_reduce` too.

    Args:
        layers: Number of layers, at least 1.
        ops: Operations to choose from.
        merge: What a layer does with several inputs: `add`, or `concat` as in the paper.
        stages: Number of resolutions, from 1 to `layers`.
    """

    name = "chain"
    skeleton = "chain"

    def __init__(self, *, layers: int = 6, ops: Sequence[str] = CHAIN_OPS, merge: str = SUM, stages: int = 3) -> None:
        if layers < 1:
            raise SpaceError(f"`layers` must be at least 1, but got {layers}.")
        if merge not in (SUM, CONCAT):
            raise SpaceError(f"`merge` must be {SUM!r} or {CONCAT!r}, but got {merge!r}.")
        if not 1 <= stages <= layers:
            raise SpaceError(f"`stages` must be from 1 to {layers} (`layers`), but got {stages}.")
        self.layers = layers
        self.ops = distinct_operations(ops)
        self.merge = merge
        self.stages = stages
        self._choices = {f"op_{k}": self.ops for k in range(1, layers + 1)}
        self._choices |= {f"skips_{k}": subset_choices(k - 1) for k in range(2, layers + 1)}

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """`op_k`: operation of layer k; `skips_k`: the layers before k - 1 it takes too (0 is the input)."""
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return (*self.ops, "factorized_reduce")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {
            "name": self.name,
            "layers": self.layers,
            "ops": list(self.ops),
            "merge": self.merge,
            "stages": self.stages,
        }

    def blocks(self, params: Mapping[str, Any]) -> int:
        """Layers that are more than a `skip_connect` of the layer before."""
        return self.layers - len(self._idle(self.check(params)))

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:
        """Chains in which one layer more, anywhere, has an operation or takes earlier layers.

        Raises:
            SpaceError: When `skip_connect` is not among the operations.
        """
        if SKIP not in self.ops:
            raise SpaceError(f"{self.name} has no shorter chains: {SKIP!r} is not among its operations.")
        nothing = {name: SKIP if name.startswith("op_") else NO_NODE for name in self._choices}
        origin = nothing if params is None else self.check(params)
        for k in self._idle(origin):
            for op, skips in itertools.product(self.ops, self._choices.get(f"skips_{k}", (NO_NODE,))):
                if (op, skips) != (SKIP, NO_NODE):
                    yield origin | {f"op_{k}": op} | ({f"skips_{k}": skips} if k > 1 else {})

    def _idle(self, params: Params) -> list[int]:
        layers = range(1, self.layers + 1)
        return [k for k in layers if params[f"op_{k}"] == SKIP and params.get(f"skips_{k}", NO_NODE) == NO_NODE]

    def _graph(self, params: Params) -> ArchGraph:
        ops, stride, width = [INPUT], [1], [1]
        edges: list[tuple[int, int]] = []

        def add(op: str, sources: Sequence[int], *, reduces: int = 1, multiple: int) -> int:
            edges.extend((source, len(ops)) for source in sources)
            ops.append(op)
            stride.append(reduces)
            width.append(multiple)
            return len(ops) - 1

        at = [0]
        stages = [k * self.stages // self.layers for k in range(self.layers)]
        for k, stage in enumerate(stages, start=1):
            entry = stages[max(k - 2, 0)]  # the stage whose resolution and channels the layer's inputs have
            nodes: list[int] = []
            for source in (*parse_subset(params.get(f"skips_{k}", NO_NODE)), k - 1):
                behind = entry - stages[max(source - 1, 0)]
                node = at[source]
                nodes.append(add(STRIDED_IDENTITY, [node], reduces=2**behind, multiple=2**entry) if behind else node)
            joins = self.merge == CONCAT and len(nodes) > 1
            if joins:
                nodes = [add(CONCAT, nodes, multiple=2**entry)]
            op = params[f"op_{k}"]
            if op == SKIP and (joins or stage > entry):  # it has to change the channels
                op = STRIDED_IDENTITY
            at.append(add(op, nodes, reduces=2 ** (stage - entry), multiple=2**stage))
        edges.append((at[-1], len(ops)))
        ops.append(OUTPUT)
        attributes = {"stride": (*stride, 1), "width": (*width, width[-1])}
        return ArchGraph(ops=tuple(ops), edges=tuple(edges), attributes=tuple(attributes.items()))
