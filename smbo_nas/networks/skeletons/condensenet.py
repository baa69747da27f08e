"""Densely connected networks: CondenseNet (Huang et al., CVPR 2018), by whose rules DPP-Net stacks its cells."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from predictors.graph import CONCAT, ArchGraph, GraphError
from smbo_nas.networks.assembler import Assembler
from smbo_nas.networks.cell import Cell, CellGraph, Shape, applies_operation
from smbo_nas.networks.layers import Conv, Head
from smbo_nas.networks.operations import make_operation
from smbo_nas.networks.skeletons.uniform import bring_to

NORMALIZATIONS = frozenset({"bn_relu", "bn", "identity", "skip_connect"})
"""Operations that keep the channels of what they take; any other is a convolution, which has a width of its own."""


def _fit(_: int, shape: Shape, wanted: Shape) -> nn.Module | None:
    return None if shape == wanted else bring_to(shape.channels, wanted.channels, 1)


def dense_cell(graph: CellGraph, c_in: int, *, growth: int, bottleneck: int) -> Cell:
    """A cell whose last convolution has `growth` channels and every earlier one `bottleneck` times as many."""
    leads_on = [False] * len(graph.ops)  # whether there is a convolution further on
    for node in reversed(range(len(graph.ops))):
        convolves = applies_operation(graph.ops[node]) and graph.ops[node] not in NORMALIZATIONS
        for source in graph.sources[node] if graph.live[node] else ():
            leads_on[source] |= convolves or leads_on[node]
    assembler = Assembler(graph, [Shape(c_in)], _fit)
    for node in range(1, len(graph.ops)):
        if not graph.live[node]:
            continue
        op = graph.ops[node]
        merged = assembler.merge(node, assembler.arriving(node)[-1], keep_channels=op == CONCAT)
        if applies_operation(op):
            width = bottleneck * growth if leads_on[node] else growth
            out = Shape(merged.channels if op in NORMALIZATIONS else width)
            assembler.apply(node, make_operation(op, merged.channels, out.channels), out)
    return assembler.cell(Shape(growth))


def condensenet(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 8,
    cells_per_stage: int = 14,
    stages: int = 3,
    bottleneck: int = 4,
) -> nn.Module:
    """Stem, `stages` stages of cells with 2x2 average pooling between them, global average pooling, classifier.

    Where the cell's output is a concatenation that begins with its input, as `DPPNetSpace` has it, a cell takes the
    outputs of all before it, those of other stages too. The growth doubles from stage to stage (CondenseNet, sec. 4).
    The defaults are those of CondenseNet-86.

    Args:
        graph: The cell.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        channels: Growth of the first stage: what the last convolution of a cell has. The stem has twice as many.
        cells_per_stage: Cells in each stage.
        stages: Number of resolutions.
        bottleneck: Channels of a cell's other convolutions, in units of the growth.

    Raises:
        GraphError: When the graph is not one cell with one input.
    """
    cell = CellGraph.of(graph)
    if graph.cell or cell.n_inputs != 1:
        raise GraphError("the skeleton 'condensenet' stacks graphs of one cell with one input.")
    body: list[nn.Module] = []
    width = 2 * channels
    for stage in range(stages):
        if stage > 0:
            body.append(nn.AvgPool2d(2, ceil_mode=True))
        for _ in range(cells_per_stage):
            layer = dense_cell(cell, width, growth=channels * 2**stage, bottleneck=bottleneck)
            width = layer.output.channels
            body.append(layer)
    return nn.Sequential(
        OrderedDict(
            stem=nn.Sequential(OrderedDict(conv=Conv(input_shape[0], 2 * channels, 3))),
            body=nn.Sequential(*body),
            head=Head(width, num_classes, norm_relu=True),
        )
    )
