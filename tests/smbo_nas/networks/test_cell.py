from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from predictors.graph import NONE_OPS, ArchGraph
from smbo_nas.networks.cell import Cell, CellGraph, Shape
from smbo_nas.networks.skeletons.uniform import uniform_cell
from smbo_nas.spaces.cell import CellSpace
from smbo_nas.spaces.nasbench201 import NASBench201Space
from tests.smbo_nas.networks.helpers import one_cell, seeded


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x * self.factor


def times_cell(graph: ArchGraph, factors: dict[int, float], adapters=None) -> tuple[Cell, dict[int, Times]]:
    modules = {k: Times(f) for k, f in factors.items()}
    cell = Cell(CellGraph.of(graph), operations=modules, adapters=adapters or {}, output=Shape(1))
    return cell, modules


ONE = torch.ones(1, 1, 2, 2)


def value(cell: Cell, *inputs: Tensor) -> float:
    out = cell(*(inputs or (ONE,)))
    assert out.shape == ONE.shape
    assert torch.equal(out, out[0, 0, 0, 0].expand_as(out))
    return out[0, 0, 0, 0].item()


def test_sums_products_and_multiplicity() -> None:
    # output = 3 (2x + 2x) + 5x; the edge 1 -> 2 is there twice.
    graph = one_cell("input", "a", "b", "c", "output", edges=[(0, 1), (1, 2), (1, 2), (0, 3), (2, 4), (3, 4)])
    cell, _ = times_cell(graph, {1: 2.0, 2: 3.0, 3: 5.0})
    assert value(cell) == 3 * (2 + 2) + 5


def test_dead_nodes_are_not_run() -> None:
    # 2 leads nowhere, 3 reads only `none`.
    graph = one_cell("input", "a", "b", "none", "c", "output", edges=[(0, 1), (0, 2), (0, 3), (3, 4), (1, 5), (4, 5)])
    cell, modules = times_cell(graph, {1: 2.0, 2: 7.0, 3: 7.0, 4: 7.0})
    assert value(cell) == 2.0
    assert {k: m.calls for k, m in modules.items()} == {1: 1, 2: 0, 3: 0, 4: 0}


def test_adapters_of_a_repeated_edge_are_two() -> None:
    graph = one_cell("input", "output", edges=[(0, 1), (0, 1)])
    cell, _ = times_cell(graph, {}, {(0, 1, 0): Times(10.0), (0, 1, 1): Times(100.0)})
    assert value(cell) == 110.0


def test_concatenation_keeps_the_order_of_the_nodes() -> None:
    graph = one_cell("input", "a", "b", "concat", "output", edges=[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)])
    cell, _ = times_cell(graph, {1: 2.0, 2: 3.0})
    assert cell(ONE)[0, :, 0, 0].tolist() == [2.0, 3.0]


def test_inputs_are_told_apart_by_label() -> None:
    graph = ArchGraph(ops=("input_1", "input_0", "a", "output"), edges=((0, 2), (1, 3), (2, 3)))
    cell, _ = times_cell(graph, {2: 10.0})
    assert value(cell, ONE, 2 * ONE) == 1 + 10 * 2
    assert cell.uses == (True, True)


def test_cells_of_one_graph_are_separate() -> None:
    graph = ArchGraph(
        ops=("input", "a", "output", "input", "output"), edges=((0, 1), (1, 2), (3, 4)), cell=(0, 0, 0, 1, 1)
    )
    assert CellGraph.of(graph, 0).ops == ("input", "a", "output")
    assert CellGraph.of(graph, 1).sources == ((), (0,))


def test_a_sum_that_several_nodes_read_is_taken_once() -> None:
    class Additions(TorchFunctionMode):
        count = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.count += func in (Tensor.add, Tensor.__add__)
            return func(*args, **(kwargs or {}))

    space = CellSpace(nodes=5, ops=["nor_conv_1x1"])
    cell = uniform_cell(CellGraph.of(space.graph(dict.fromkeys(space.choices, "nor_conv_1x1"))), 4)
    with Additions() as additions:
        cell(torch.randn(2, 4, 3, 3))
    assert additions.count == 1 + 2 + 3  # feature maps 2, 3 and 4; two operations read map 2


def edge_form(space: CellSpace, params: dict[str, str], cell: Cell, x: Tensor) -> Tensor:
    """The cell as NAS-Bench-201 defines it: each feature map is the sum of its operations on earlier ones."""
    maps = [x]
    for j in range(1, space.nodes):
        total = torch.zeros_like(x)
        for node, (i, k) in enumerate(space.edges, start=1):
            if k == j and params[f"edge_{i}_{j}"] not in NONE_OPS:
                total = total + cell.operations[str(node)](maps[i])
        maps.append(total)
    return maps[-1]


@pytest.mark.parametrize("seed", range(25))
def test_cells_compute_what_their_edges_say(seed) -> None:
    spaces = (
        NASBench201Space(),
        CellSpace(nodes=5, ops=["none", "skip_connect", "sep_conv_3x3", "max_pool_3x3"], edges=None),
        CellSpace(nodes=4, ops=["nor_conv_1x1", "none"], edges=[(0, 1), (0, 2), (1, 3), (2, 3)]),
    )
    space = spaces[seed % 3]
    params = space.sample(np.random.default_rng(seed))
    with seeded(seed):
        cell = uniform_cell(CellGraph.of(space.graph(params)), 4).eval()
        x = torch.randn(2, 4, 5, 5)
    with torch.no_grad():
        # A map that only `none` feeds is zero, and batch normalisation at the start keeps zeros zero.
        torch.testing.assert_close(cell(x), edge_form(space, params, cell, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduce", [False, True])
def test_a_dead_cell_is_zeros_of_the_right_shape(reduce) -> None:
    graph = one_cell("input", "none", "output", edges=[(0, 1), (1, 2)])
    out = uniform_cell(CellGraph.of(graph), 4, reduce=reduce)(torch.randn(2, 4, 5, 7, dtype=torch.float64))
    assert out.shape == ((2, 4, 3, 4) if reduce else (2, 4, 5, 7))
    assert out.dtype == torch.float64
    assert not out.any()


def test_shapes_meet_in_a_reduction_cell_however_the_input_is_read() -> None:
    # The input goes straight into a sum, a concatenation inside the cell and the output; an operation reads the
    # concatenation, which is too wide for it.
    graph = one_cell(
        "input",
        "nor_conv_3x3",
        "add",
        "concat",
        "nor_conv_1x1",
        "output",
        edges=[(0, 1), (0, 2), (1, 2), (0, 3), (2, 3), (3, 4), (0, 5), (4, 5), (3, 5)],
    )
    for reduce, side in ((False, 6), (True, 3)):
        cell = uniform_cell(CellGraph.of(graph), 4, reduce=reduce)
        out = cell(torch.randn(2, 4, 6, 6))
        assert out.shape == (2, 8, side, side) == (2, cell.output.channels, 6 // cell.output.reduction, side)
        assert (
            uniform_cell(CellGraph.of(graph), 4, reduce=reduce, out_channels=5)(torch.randn(2, 4, 6, 6)).shape[1] == 5
        )
