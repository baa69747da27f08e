"""Working out the shapes inside a cell, and with them its modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import nn

from predictors.graph import CONCAT
from smbo_nas.networks.cell import Cell, CellGraph, Shape

Fit = Callable[[int, Shape, Shape], nn.Module | None]
"""`(source node, shape it has, shape wanted) -> adapter`, or None where the map goes as it is."""


class Assembler:
    """Collects the modules of a cell while its shapes are inferred from the inputs to the output.

    Args:
        graph: The cell.
        inputs: The shape of each input node.
        fit: What goes on an edge.
    """

    def __init__(self, graph: CellGraph, inputs: list[Shape], fit: Fit) -> None:
        self.graph = graph
        self.shapes: list[Shape | None] = [*inputs, *[None] * (len(graph.ops) - len(inputs))]
        self._fit = fit
        self._operations: dict[int, nn.Module] = {}
        self._adapters: dict[tuple[int, int, int], nn.Module] = {}

    def arriving(self, node: int) -> list[Shape]:
        """Shapes of the maps that a live node receives."""
        return [cast("Shape", self.shapes[i]) for i in self.graph.live_sources(node)]

    def merge(self, node: int, target: Shape, *, keep_channels: bool = False) -> Shape:
        """Puts adapters on the edges into `node` so that what arrives can be merged; returns the merged shape.

        Args:
            node: A live node.
            target: The shape each map is brought to.
            keep_channels: Whether a map of the right size may keep the channels it has, as for a concatenation.
        """
        inputs = self.graph.live_sources(node)
        channels = 0
        for p, (i, shape) in enumerate(zip(inputs, self.arriving(node), strict=True)):
            wanted = target
            if keep_channels and shape.reduction == target.reduction:
                wanted = shape
            adapter = self._fit(i, shape, wanted)
            if adapter is not None:
                self._adapters[i, node, inputs[:p].count(i)] = adapter
            channels += wanted.channels
        merged = Shape(channels, target.reduction) if self.graph.ops[node] == CONCAT else target
        self.shapes[node] = merged
        return merged

    def apply(self, node: int, operation: nn.Module, shape: Shape) -> None:
        """Gives `node` its operation, which returns `shape`."""
        self._operations[node] = operation
        self.shapes[node] = shape

    def cell(self, dead_output: Shape) -> Cell:
        """The cell; `dead_output` is its output's shape where no signal reaches it."""
        output = self.shapes[-1] or dead_output
        return Cell(self.graph, operations=self._operations, adapters=self._adapters, output=output)
