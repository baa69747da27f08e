"""A network that the graph describes whole: a chain of layers with skip connections (Zoph and Le, ICLR 2017)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from predictors.graph import CONCAT, ArchGraph, GraphError
from smbo_nas.networks.assembler import Assembler
from smbo_nas.networks.cell import Cell, CellGraph, Shape, applies_operation
from smbo_nas.networks.layers import ConvBN, Head
from smbo_nas.networks.operations import make_operation


def _fit(_: int, shape: Shape, wanted: Shape) -> nn.Module | None:
    if shape == wanted:
        return None
    return ConvBN(shape.channels, wanted.channels, 1, stride=wanted.reduction // shape.reduction)


def node_attribute(graph: ArchGraph, name: str) -> list[int]:
    """The values of an attribute, `(n_nodes,)`; 1 where the graph has none.

    Raises:
        GraphError: When one is no positive integer.
    """
    values = graph.attribute(name) or (1.0,) * graph.n_nodes
    for node, value in enumerate(values):
        if value < 1 or value != int(value):
            raise GraphError(f"attribute {name!r} of node {node} must be a positive integer, but got {value}.")
    return [int(value) for value in values]


def whole_body(graph: ArchGraph, c_in: int, *, channels: Sequence[int], stride: Sequence[int], skeleton: str) -> Cell:
    """The graph's own nodes.

    Args:
        graph: The network.
        c_in: Channels that enter.
        channels: Of each node that applies an operation.
        stride: Of each node that applies an operation.
        skeleton: Whose name an error gives.

    Raises:
        GraphError: When the graph is not one cell with one input.
    """
    cell = CellGraph.of(graph)
    if graph.cell or cell.n_inputs != 1:
        raise GraphError(f"the skeleton {skeleton!r} builds graphs of one cell with one input.")
    assembler = Assembler(cell, [Shape(c_in)], _fit)
    for node in range(1, len(cell.ops)):
        op, out = cell.ops[node], channels[node]
        if not cell.live[node]:
            continue
        arriving = assembler.arriving(node)
        target = Shape(out if op == CONCAT else arriving[-1].channels, max(shape.reduction for shape in arriving))
        merged = assembler.merge(node, target, keep_channels=op == CONCAT)
        if applies_operation(op):
            operation = make_operation(op, merged.channels, out, stride[node])
            assembler.apply(node, operation, Shape(out, merged.reduction * stride[node]))
    return assembler.cell(Shape(c_in))


def chain(
    graph: ArchGraph,
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    channels: int = 16,
) -> nn.Module:
    """Stem, the graph's own nodes, global average pooling, classifier.

    A node with an operation has the attributes `stride` and `width` (channels, in units of `channels`), 1 where the
    graph has none. Maps that meet are brought to the smallest resolution among them and, for a sum, to the channels of
    the last of them, by a 1x1 convolution with batch normalisation. A concatenation keeps channels, except of maps it
    has to reduce, which get its own `width`.

    Args:
        graph: The network.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        channels: Channels of the stem, and the unit of `width`.

    Raises:
        GraphError: When the graph is not one cell with one input, or an attribute is no positive integer.
    """
    width = [channels * width for width in node_attribute(graph, "width")]
    body = whole_body(graph, channels, channels=width, stride=node_attribute(graph, "stride"), skeleton="chain")
    return nn.Sequential(
        OrderedDict(
            stem=ConvBN(input_shape[0], channels, 3, relu="after"),
            body=body,
            head=Head(body.output.channels, num_classes),
        )
    )
