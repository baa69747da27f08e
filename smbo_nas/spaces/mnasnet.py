"""The factorised hierarchical space of MnasNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from predictors.graph import INPUT, OUTPUT, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError

MOBILENET_V2 = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
"""Filters, layers and stride of each block of MobileNetV2 (Sandler et al., CVPR 2018, table 2)."""
STEM = 32
"""Filters of its stem."""
CONV_OPS = ("conv", "dconv", "mbconv3", "mbconv6")
"""Convolution, depthwise separable convolution, inverted bottleneck of expansion 3 and of expansion 6."""
KERNELS = ("3x3", "5x5")
SE_RATIOS = ("0", "0.25")
SKIP_OPS = ("none", "residual", "pool")
FILTERS = ("0.75", "1", "1.25")
LAYERS = ("-1", "0", "+1")
POOLING = "avg_pool_3x3"
"""What a skip that pools does."""


_PARTS = ("op", "kernel", "se", "skip", "filters", "layers")
_LABELS = {
    (op, kernel, se): f"{op}_{kernel}{'' if se == '0' else '_se'}"
    for op in CONV_OPS
    for kernel in KERNELS
    for se in SE_RATIOS
}
_PARTS_OF = {label: parts for parts, label in _LABELS.items()}


class _Reference(NamedTuple):
    filters: int
    layers: int
    stride: int


class MNASNetSpace(SearchSpace):
    """MnasNet: a whole mobile network of blocks, each with layers of its own kind, all layers of a block alike.

    Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019, sec. 4.1 and figure 4. A
    block chooses among 4 convolutions, 2 kernels, squeeze and excitation or not, 3 skips, 3 widths and 3 depths: S =
    432, and B blocks have S^B settings. Filters and layers are relative to MobileNetV2's; the first layer of a block
    has its stride. In the graph each layer is a node, such as `mbconv6_5x5_se`, with the attributes `stride` and
    `width` (filters; the input's are the stem's); a skip is an edge around it, or another node that pools.

    A `residual` skip is there where a layer changes nothing, as in MobileNetV2.

    Departures: blocks of one layer cannot lose it; filters are not rounded to multiples of 8; the paper does not say
    what pools (here a 3x3 average) nor where a pooling skip fits: here it always does, with the layer's stride and,
    where these change, to its filters by ReLU-conv1x1-BN. MnasNet-A1 itself has 112 filters in its fifth block, which
    no choice gives: it is in the space of its own `reference`.

    Args:
        reference: Filters, layers and stride (1 or 2) of each block.
    """

    name = "mnasnet"
    skeleton = "mnasnet"

    def __init__(self, *, reference: Sequence[Sequence[int]] = MOBILENET_V2) -> None:
        if not reference:
            raise SpaceError(f"`reference` must have at least one block, but got {reference!r}.")
        for block in reference:
            if len(block) != 3 or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in block):
                raise SpaceError(f"`reference` must hold (filters, layers, stride), at least 1, but got {block!r}.")
            if block[0] % 4 or block[2] > 2:
                raise SpaceError(f"filters must be a multiple of 4 and a stride 1 or 2, but got {block!r}.")
        self.reference = tuple(_Reference(*block) for block in reference)
        self._choices: dict[str, tuple[str, ...]] = {}
        for b, block in enumerate(self.reference, start=1):
            self._choices |= {
                f"block_{b}_op": CONV_OPS,
                f"block_{b}_kernel": KERNELS,
                f"block_{b}_se": SE_RATIOS,
                f"block_{b}_skip": SKIP_OPS,
                f"block_{b}_filters": FILTERS,
                f"block_{b}_layers": LAYERS if block.layers > 1 else LAYERS[1:],
            }

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """For block b: `block_b_op`, `_kernel`, `_se`, `_skip`, `_filters` and `_layers`.

        The last two are relative to the reference's: a factor and a difference.
        """
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return (*_PARTS_OF, POOLING)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        return {"name": self.name, "reference": [list(block) for block in self.reference]}

    def _graph(self, params: Params) -> ArchGraph:
        ops, stride, width = [INPUT], [1], [STEM]
        edges: list[tuple[int, int]] = []
        sources = [0]  # what the next node sums

        def add(op: str, reduces: int, filters: int) -> int:
            edges.extend((source, len(ops)) for source in sources)
            ops.append(op)
            stride.append(reduces)
            width.append(filters)
            return len(ops) - 1

        for b, block in enumerate(self.reference, start=1):
            op, kernel, se, skip, factor, more = (params[f"block_{b}_{part}"] for part in _PARTS)
            filters = int(float(factor) * block.filters)
            for layer in range(block.layers + int(more)):
                reduces = block.stride if layer == 0 else 1
                around: list[int] = []
                if skip == "pool":
                    around = [add(POOLING, reduces, filters)]
                elif skip == "residual" and reduces == 1 and width[-1] == filters:
                    around = sources
                sources = [*around, add(_LABELS[op, kernel, se], reduces, filters)]
        edges += [(source, len(ops)) for source in sources]
        attributes = {"stride": (*stride, 1), "width": (*width, width[-1])}
        return ArchGraph(ops=(*ops, OUTPUT), edges=tuple(edges), attributes=tuple(attributes.items()))

    def params_of(self, graph: ArchGraph, *, near: Mapping[str, Any]) -> Params | None:  # noqa: ARG002
        """The params of an architecture, read off its graph, canonical or not; None where not found.

        Where blocks that are alike follow each other without a stride, they are taken for one.

        Args:
            graph: An architecture.
            near: As `SearchSpace.params_of`; not needed here.
        """
        width, stride = graph.attribute("width"), graph.attribute("stride")
        if width is None or stride is None:
            return None
        before = graph.predecessors()
        blocks: list[list[int]] = []  # a stride, other filters or another operation begin a block
        for k, op in enumerate(graph.ops):
            if op in _PARTS_OF:
                if blocks and stride[k] == 1 and (op, width[k]) == (graph.ops[blocks[-1][-1]], width[blocks[-1][-1]]):
                    blocks[-1].append(k)
                else:
                    blocks.append([k])
        if len(blocks) != len(self.reference):
            return None
        readers = [*(layers[0] for layers in blocks[1:]), graph.n_nodes - 1]
        params: Params = {}
        for b, (block, layers, reader) in enumerate(zip(self.reference, blocks, readers, strict=True), start=1):
            last = layers[-1]
            around = [k for k in before[reader] if k != last]
            pools = any(graph.ops[k] == POOLING and before[k] == before[last] for k in around)
            params |= {
                f"block_{b}_{part}": choice for part, choice in zip(_PARTS, _PARTS_OF[graph.ops[last]], strict=False)
            }
            params[f"block_{b}_skip"] = "pool" if pools else "residual" if around else "none"
            params[f"block_{b}_filters"] = f"{width[last] / block.filters:g}"
            params[f"block_{b}_layers"] = f"{len(layers) - block.layers:+d}".replace("+0", "0")
        found = self.is_valid(params) and self.graph(params).digest == graph.digest
        return params if found else None
