"""Cells in which every operation has the same number of channels, as in NAS-Bench-201, NASNet, PNAS and DARTS."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from torch import nn

from predictors.graph import CONCAT, ArchGraph, GraphError, is_input
from smbo_nas.networks.assembler import Assembler
from smbo_nas.networks.cell import Cell, CellGraph, Shape, applies_operation
from smbo_nas.networks.layers import ConvBN, DropPath, FactorizedReduce, Head
from smbo_nas.networks.operations import make_operation


def bring_to(c_in: int, c_out: int, stride: int) -> nn.Module:
    """A factorized reduction for stride 2, else ReLU-conv1x1-BN."""
    return FactorizedReduce(c_in, c_out) if stride == 2 else ConvBN(c_in, c_out, 1, stride=stride, relu="before")


def _fit(_: int, shape: Shape, wanted: Shape) -> nn.Module | None:
    if shape == wanted:
        return None
    return bring_to(shape.channels, wanted.channels, wanted.reduction // shape.reduction)


def uniform_cell(
    graph: CellGraph,
    channels: int,
    *,
    reduce: bool = False,
    out_channels: int | None = None,
    drop_path: float = 0.0,
) -> Cell:
    """A cell whose inputs and operations all have `channels` channels.

    In a reduction cell an operation that reads one of the inputs has stride 2; where an input goes straight into a
    merge (an identity that the canonical form contracted), a factorized reduction stands on the edge. A map of other
    width, such as a concatenation inside the cell, is projected by ReLU-conv1x1-BN where an operation reads it.

    Args:
        graph: The cell.
        channels: Channels of the inputs and of every operation.
        reduce: Whether the output is half as high and wide as the inputs.
        out_channels: Channels of the output; by default those of what the output receives.
        drop_path: Probability of dropping each operation that is not an identity.
    """
    stride = 2 if reduce else 1
    inner = Shape(channels, stride)
    assembler = Assembler(graph, [Shape(channels)] * graph.n_inputs, _fit)
    for node in range(graph.n_inputs, len(graph.ops)):
        op, live = graph.ops[node], graph.live[node]
        if applies_operation(op):
            sources = graph.live_sources(node) if live else graph.sources[node]
            strided = reduce and len(sources) == 1 and is_input(graph.ops[sources[0]])
            if live:
                assembler.merge(node, Shape(channels) if strided else inner)
            operation = make_operation(op, channels, channels, 2 if strided else 1)
            if drop_path > 0.0 and not isinstance(operation, nn.Identity):
                operation = nn.Sequential(operation, DropPath(drop_path))
            assembler.apply(node, operation, inner)
        elif live and op == CONCAT:
            assembler.merge(node, inner, keep_channels=True)
        elif live:
            width = max(shape.channels for shape in assembler.arriving(node))
            if out_channels is not None and node == len(graph.ops) - 1:
                width = out_channels
            assembler.merge(node, Shape(width, stride))
    return assembler.cell(Shape(out_channels or channels, stride))


def stages_of_cells(
    graph: ArchGraph,
    transition: Callable[[int, int], nn.Module],
    *,
    skeleton: str,
    c_in: int,
    num_classes: int,
    channels: int,
    cells_per_stage: int,
    stages: int,
) -> nn.Module:
    """Stem, stages of one cell, transitions between them that double the channels, pooling, classifier.

    Args:
        graph: The cell.
        transition: `(c_in, c_out) -> nn.Module` of stride 2.
        skeleton: Whose name an error gives.
        c_in: Channels of an image.
        num_classes: Number of classes.
        channels: Channels of the first stage.
        cells_per_stage: Cells in each stage.
        stages: Number of resolutions.

    Raises:
        GraphError: When the graph is not one cell with one input.
    """
    cell = CellGraph.of(graph)
    if graph.cell or cell.n_inputs != 1:
        raise GraphError(f"the skeleton {skeleton!r} stacks graphs of one cell with one input.")
    body: list[nn.Module] = []
    for stage in range(stages):
        width = channels * 2**stage
        if stage > 0:
            body.append(transition(width // 2, width))
        body += [uniform_cell(cell, width, out_channels=width) for _ in range(cells_per_stage)]
    return nn.Sequential(
        OrderedDict(
            stem=ConvBN(c_in, channels, 3),
            body=nn.Sequential(*body),
            head=Head(channels * 2 ** (stages - 1), num_classes, norm_relu=True),
        )
    )
