"""The networks of NAS-Bench-101: Ying et al., ICML 2019, sec. 2.2 and figure 1."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from predictors.graph import CONCAT, ArchGraph, GraphError, is_input
from smbo_nas.networks.assembler import Assembler
from smbo_nas.networks.cell import Cell, CellGraph, Shape, applies_operation
from smbo_nas.networks.layers import ConvBN, Head, Truncate
from smbo_nas.networks.operations import make_operation


def vertex_channels(graph: CellGraph, channels: int) -> list[int]:
    """Channels of each node of a cell with `channels` output channels; 0 for dead nodes and the input.

    The vertices that are concatenated share the output's channels, the first ones one more where they do not divide;
    every other vertex has as many as the widest vertex it feeds.

    Raises:
        ValueError: When there are fewer channels than vertices to share them.
    """
    width = [0] * len(graph.ops)
    width[-1] = channels
    shared: dict[int, int] = {}
    for node in reversed(range(len(graph.ops))):
        width[node] = shared.get(node, width[node])
        if is_input(graph.ops[node]) or not graph.live[node]:
            width[node] = 0
            continue
        sources = [i for i in graph.live_sources(node) if not is_input(graph.ops[i])]
        if graph.ops[node] == CONCAT:
            if len(sources) > width[node]:
                raise ValueError(f"`channels` must be at least {len(sources)} for this cell, but got {channels}.")
            each, more = divmod(width[node], max(len(sources), 1))
            for p, i in enumerate(sources):
                shared[i] = max(each + (p < more), shared.get(i, 0))
        for i in sources:
            width[i] = max(width[i], width[node])
    return width


def _fit(source: int, shape: Shape, wanted: Shape) -> nn.Module | None:
    """The cell's input is always projected; between vertices a wider map is truncated.

    A narrower map, which the paper's cells do not have, is projected too.
    """
    if source == 0 or shape.channels < wanted.channels:
        return ConvBN(shape.channels, wanted.channels, 1, relu="after")
    return Truncate(wanted.channels) if shape.channels > wanted.channels else None


def nasbench101_cell(graph: CellGraph, c_in: int, c_out: int) -> Cell:
    """A cell from `c_in` to `c_out` channels: inputs projected, vertices summed, those that feed the output joined."""
    width = vertex_channels(graph, c_out)
    assembler = Assembler(graph, [Shape(c_in)], _fit)
    for node in range(1, len(graph.ops)):
        if graph.live[node]:
            merged = assembler.merge(node, Shape(width[node]), keep_channels=graph.ops[node] == CONCAT)
            if applies_operation(graph.ops[node]):
                operation = make_operation(graph.ops[node], merged.channels, merged.channels)
                assembler.apply(node, operation, merged)
    return assembler.cell(Shape(c_out))


def nasbench101(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 128,
    cells_per_stack: int = 3,
    stacks: int = 3,
) -> nn.Module:
    """Stem, `stacks` stacks of cells with 2x2 max pooling between them, global average pooling, classifier.

    The channels double from stack to stack. Vertices on no path to the output are not built, as the paper prunes them.
    Departs from the paper in batch normalisation's momentum: PyTorch's 0.1 instead of 0.003, which needs more steps
    than a short training has.

    Args:
        graph: The cell; its output takes a `concat` of inner vertices and, optionally, the input.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        channels: Channels of the stem and of the first stack.
        cells_per_stack: Cells in each stack.
        stacks: Number of stacks.

    Raises:
        GraphError: When the graph is not one cell with one input.
        ValueError: When a stack has fewer channels than vertices to share them.
    """
    cell = CellGraph.of(graph)
    if graph.cell or cell.n_inputs != 1:
        raise GraphError("the skeleton 'nasbench101' stacks graphs of one cell with one input.")
    body: list[nn.Module] = []
    c_in = channels
    for stack in range(stacks):
        width = channels * 2**stack
        if stack > 0:
            body.append(nn.MaxPool2d(2, ceil_mode=True))
        for _ in range(cells_per_stack):
            body.append(nasbench101_cell(cell, c_in, width))
            c_in = width
    return nn.Sequential(
        OrderedDict(
            stem=ConvBN(input_shape[0], channels, 3, relu="after"),
            body=nn.Sequential(*body),
            head=Head(c_in, num_classes),
        )
    )
