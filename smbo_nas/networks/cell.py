"""A cell of a graph as a module: runs the live nodes in order, sums or concatenates what each receives."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from predictors.graph import CONCAT, OUTPUT, SUM, ArchGraph, is_input


class Shape(NamedTuple):
    """A feature map relative to the input of its cell.

    Attributes:
        channels: Number of channels.
        reduction: How many times smaller the map is than the cell's input, along height and width.
    """

    channels: int
    reduction: int = 1


class CellGraph(NamedTuple):
    """One cell of a graph, its nodes counted from 0.

    Attributes:
        ops: Operation label of each node; the inputs first, sorted by label, the output last.
        sources: For each node, the nodes it reads, with multiplicity.
        live: Which nodes carry signal.
    """

    ops: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]
    live: tuple[bool, ...]

    @classmethod
    def of(cls, graph: ArchGraph, index: int = 0) -> CellGraph:
        """Cell `index` of `graph`."""
        nodes = [k for k, cell in enumerate(graph.cells) if cell == index]
        n_inputs = sum(is_input(graph.ops[k]) for k in nodes)
        nodes[:n_inputs] = sorted(nodes[:n_inputs], key=lambda k: graph.ops[k])
        position = {k: p for p, k in enumerate(nodes)}
        before = graph.predecessors()
        return cls(
            ops=tuple(graph.ops[k] for k in nodes),
            sources=tuple(tuple(position[i] for i in before[k]) for k in nodes),
            live=tuple(graph.live[k] for k in nodes),
        )

    @property
    def n_inputs(self) -> int:
        """Number of input nodes."""
        return sum(map(is_input, self.ops))

    def live_sources(self, node: int) -> tuple[int, ...]:
        """What a node reads and carries signal, with multiplicity."""
        return tuple(i for i in self.sources[node] if self.live[i])


def applies_operation(op: str) -> bool:
    """Whether a node with this label applies an operation, rather than being an input, a merge or the output."""
    return not is_input(op) and op not in (OUTPUT, SUM, CONCAT)


class _Step(NamedTuple):
    """Writes `slot`: what `sources` hold, each through its adapter (None: as it is), merged, through the operation."""

    slot: int
    sources: tuple[tuple[int, str | None], ...]
    concat: bool
    operation: str | None


class Cell(nn.Module):
    """A cell that is ready to run. Dead nodes keep their parameters, as in the papers' code, but are never run.

    Args:
        graph: The cell.
        operations: The module of each node that applies one, dead nodes too if they are to be built.
        adapters: Modules on edges `(source, target, nth)`, `nth` counting the copies of a repeated edge; an edge
            without one passes its map as it is.
        output: Shape of the cell's output; a cell whose output no signal reaches returns zeros of it.
    """

    def __init__(
        self,
        graph: CellGraph,
        *,
        operations: dict[int, nn.Module],
        adapters: dict[tuple[int, int, int], nn.Module],
        output: Shape,
    ) -> None:
        super().__init__()
        self.operations = nn.ModuleDict({str(k): module for k, module in operations.items()})
        self.adapters = nn.ModuleDict({"_".join(map(str, edge)): module for edge, module in adapters.items()})
        self.output = output
        self.uses = tuple(graph.live[: graph.n_inputs])
        self._n_slots, self._plan = self._make_plan(graph)

    def _make_plan(self, graph: CellGraph) -> tuple[int, tuple[_Step, ...]]:
        """The steps of a forward pass, worked out once; a sum that several nodes read is one step of its own."""
        n_slots = len(graph.ops)
        plan: list[_Step] = []
        sums: dict[tuple[int, ...], int] = {}
        for node, op in enumerate(graph.ops):
            if is_input(op) or not graph.live[node]:
                continue
            inputs = graph.live_sources(node)
            keys = [f"{i}_{node}_{inputs[:p].count(i)}" for p, i in enumerate(inputs)]
            sources = tuple((i, k if k in self.adapters else None) for i, k in zip(inputs, keys, strict=True))
            name = str(node) if str(node) in self.operations else None
            if name is not None and isinstance(self.operations[name], nn.Identity):
                name = None
            if op != CONCAT and len(sources) > 1 and not any(adapter for _, adapter in sources):
                if inputs not in sums:
                    sums[inputs] = n_slots
                    plan.append(_Step(n_slots, sources, concat=False, operation=None))
                    n_slots += 1
                sources = ((sums[inputs], None),)
            plan.append(_Step(node, sources, concat=op == CONCAT, operation=name))
        return n_slots, tuple(plan)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The cell's output, `(b, output.channels, ceil(h / output.reduction), ceil(w / output.reduction))`.

        Args:
            inputs: One map `(b, c, h, w)` per input node. One that `uses` says is not read may have any channels; the
                last gives a dead cell its size.
        """
        if not self._plan:
            return _zeros(inputs[-1], self.output)
        slots: list[Any] = [*inputs, *[None] * (self._n_slots - len(inputs))]
        operations, adapters = self.operations, self.adapters
        for slot, sources, concat, operation in self._plan:
            maps = [slots[i] if adapter is None else adapters[adapter](slots[i]) for i, adapter in sources]
            merged = torch.cat(maps, dim=1) if concat and len(maps) > 1 else reduce(add, maps)
            slots[slot] = merged if operation is None else operations[operation](merged)
        out: Tensor = slots[self._plan[-1].slot]
        return out


def _zeros(x: Tensor, shape: Shape) -> Tensor:
    height, width = (-(-size // shape.reduction) for size in x.shape[2:])
    return x.new_zeros(x.shape[0], shape.channels, height, width)
