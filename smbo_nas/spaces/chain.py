"""The global space of the early methods: a chain of layers with skip connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from predictors.graph import CONCAT, INPUT, OUTPUT, SUM, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError
from smbo_nas.spaces.subsets import parse_subset, subset_choices

CHAIN_OPS = ("conv_3x3", "conv_5x5", "sep_conv_3x3", "sep_conv_5x5", "max_pool_3x3", "avg_pool_3x3", "skip_connect")
"""Operations of a layer; a `skip_connect` layer makes the chain shorter."""


class ChainSpace(SearchSpace):
    """A whole network of `layers` layers, each taking the layer before it and any earlier ones it skips to.

    After Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, sec. 3.3 (anchor points),
    with operations in place of free filter shapes. The network has `stages` stages; the first layer of each but the
    first has stride 2 and doubles the channels (node attributes `stride` and `width`, the channel multiple). A strided
    `skip_connect` is no identity and is labelled `factorized_reduce`. An edge between stages is a strided projection.

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
        if isinstance(ops, str) or not ops or len(set(ops)) < len(ops):
            raise SpaceError(f"`ops` must be distinct operation names, at least one, but got {ops!r}.")
        if merge not in (SUM, CONCAT):
            raise SpaceError(f"`merge` must be {SUM!r} or {CONCAT!r}, but got {merge!r}.")
        if not 1 <= stages <= layers:
            raise SpaceError(f"`stages` must be from 1 to {layers} (`layers`), but got {stages}.")
        self.layers = layers
        self.ops = tuple(ops)
        self.merge = merge
        self.stages = stages
        self._choices = {f"op_{k}": self.ops for k in range(1, layers + 1)}
        self._choices |= {f"skips_{k}": subset_choices(k - 1) for k in range(2, layers + 1)}

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """`op_k`: operation of layer k; `skips_k`: the layers before k - 1 it takes too (0 is the input)."""
        return self._choices

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {
            "name": self.name,
            "layers": self.layers,
            "ops": list(self.ops),
            "merge": self.merge,
            "stages": self.stages,
        }

    def _graph(self, params: Params) -> ArchGraph:
        ops = [INPUT]
        stride, width = [1], [1]
        edges: list[tuple[int, int]] = []
        at = [0]
        stage = [k * self.stages // self.layers for k in range(self.layers)]
        for k in range(1, self.layers + 1):
            reduces = k > 1 and stage[k - 1] > stage[k - 2]
            multiple = 2 ** stage[k - 1]
            sources = [*parse_subset(params.get(f"skips_{k}", "none")), k - 1]
            nodes = [at[s] for s in sources]
            if self.merge == CONCAT and len(sources) > 1:
                edges += [(node, len(ops)) for node in nodes]
                nodes = [len(ops)]
                ops.append(CONCAT)
                stride.append(1)
                width.append(width[at[k - 1]])
            op = params[f"op_{k}"]
            edges += [(node, len(ops)) for node in nodes]
            at.append(len(ops))
            ops.append("factorized_reduce" if op == "skip_connect" and reduces else op)
            stride.append(2 if reduces else 1)
            width.append(multiple)
        edges.append((at[-1], len(ops)))
        ops.append(OUTPUT)
        attributes = {"stride": (*stride, 1), "width": (*width, width[-1])}
        return ArchGraph(ops=tuple(ops), edges=tuple(edges), attributes=tuple(attributes.items()))
