"""Random architectures, and the search spaces that every property is tested on."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from predictors.graph import INPUT, OUTPUT, SUM, ArchGraph
from smbo_nas.spaces import (
    BlockQNNSpace,
    CellSpace,
    ChainSpace,
    DARTSSpace,
    DPPNetSpace,
    GeNetSpace,
    MNASNetSpace,
    NASBench101Space,
    NASBench201Space,
    Params,
    PNASSpace,
    SearchSpace,
)

INNER_OPS = ("conv", "pool", "skip_connect", "identity", "add", "concat", "none")

seeds = st.integers(0, 2**32 - 1)
"""Seeds for `np.random.default_rng`."""


@st.composite
def arch_graphs(draw: st.DrawFn, *, max_inner: int = 6, max_cells: int = 2) -> ArchGraph:
    """A valid graph of one cell or more, with repeated edges, operations of every kind and sometimes an attribute."""
    ops: list[str] = []
    edges: list[tuple[int, int]] = []
    cell: list[int] = []
    for index in range(draw(st.integers(1, max_cells))):
        first = len(ops)
        ops += draw(st.sampled_from([[INPUT], ["input_0", "input_1"]]))
        inner = len(ops)
        ops += draw(st.lists(st.sampled_from(INNER_OPS), max_size=max_inner))
        ops.append(OUTPUT)
        pairs = [(i, j) for j in range(inner, len(ops)) for i in range(first, j)]
        edges += draw(st.lists(st.sampled_from(pairs), max_size=3 * max_inner))
        cell += [index] * (len(ops) - first)
    attributes = {}
    if draw(st.booleans()):
        attributes["width"] = tuple(draw(st.sampled_from([1.0, 2.0])) for _ in ops)
    return ArchGraph(ops=tuple(ops), edges=tuple(edges), attributes=tuple(attributes.items()), cell=tuple(cell))


def relabelled(graph: ArchGraph, rng: np.random.Generator) -> ArchGraph:
    """The same graph with its nodes in another order that is valid too."""
    before = graph.predecessors()
    order: list[int] = []
    for k in range(max(graph.cells) + 1):
        members = [i for i in range(graph.n_nodes) if graph.cells[i] == k]
        inputs = [i for i in members if graph.ops[i].startswith(INPUT)]
        order += rng.permutation(inputs).tolist()
        waiting = [i for i in members if i not in inputs and graph.ops[i] != OUTPUT]
        while waiting:
            ready = [i for i in waiting if set(before[i]) <= set(order)]
            order.append(ready[rng.integers(len(ready))])
            waiting.remove(order[-1])
        order.append(members[-1])
    position = {old: new for new, old in enumerate(order)}
    return ArchGraph(
        ops=tuple(graph.ops[i] for i in order),
        edges=tuple((position[i], position[j]) for i, j in graph.edges),
        attributes=tuple((name, tuple(column[i] for i in order)) for name, column in graph.attributes),
        cell=tuple(graph.cells[i] for i in order),
    )


@dataclass(frozen=True)
class AlternatingSpace(SearchSpace):
    """A user's own space: a chain of layers, no two neighbouring ones alike."""

    layers: int = 4
    name = "alternating"

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        return {f"op_{k}": ("conv_3x3", "max_pool_3x3", "avg_pool_3x3") for k in range(self.layers)}

    def why_invalid(self, params: Params) -> str | None:
        ops = list(params.values())
        return "two neighbours are alike" if any(a == b for a, b in itertools.pairwise(ops)) else None

    def _graph(self, params: Params) -> ArchGraph:
        ops = (INPUT, *params.values(), OUTPUT)
        return ArchGraph(ops=ops, edges=tuple((k, k + 1) for k in range(len(ops) - 1)))


SPACES: dict[str, SearchSpace] = {
    "nasbench201": NASBench201Space(),
    "nasbench101": NASBench101Space(),
    "nasbench101-4": NASBench101Space(vertices=4, max_edges=4),
    "darts": DARTSSpace(),
    "darts-1": DARTSSpace(nodes=1),
    "pnas": PNASSpace(),
    "pnas-combine": PNASSpace(blocks=2, ops=("identity", "sep_conv_3x3"), combine=(SUM, "concat")),
    "chain": ChainSpace(),
    "chain-concat": ChainSpace(layers=4, ops=("conv_3x3", "skip_connect"), merge="concat", stages=2),
    "genet": GeNetSpace(),
    "genet-small": GeNetSpace(nodes=(3, 3)),
    "mnasnet": MNASNetSpace(),
    "mnasnet-1": MNASNetSpace(reference=[(16, 2, 2)]),
    "blockqnn": BlockQNNSpace(),
    "blockqnn-2": BlockQNNSpace(layers=2),
    "dppnet": DPPNetSpace(),
    "dppnet-2": DPPNetSpace(layers=3, min_layers=2),
    "cell": CellSpace(nodes=4, ops=("none", "skip_connect", "conv_3x3"), edges=[(0, 1), (1, 3), (0, 2), (2, 3)]),
    "own": AlternatingSpace(),
}
"""Every kind of space, at its paper's settings and at others; `own` and `nasbench101` have invalid combinations."""
