from __future__ import annotations

import pytest
import torch

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks import build_network, count_parameters
from smbo_nas.networks.layers import ConvBN, DropPath, FactorizedReduce
from smbo_nas.spaces.darts import DARTSSpace
from smbo_nas.spaces.pnas import PNASSpace
from tests.smbo_nas.networks.helpers import seeded

SPACE = DARTSSpace()
SMALL = {"input_shape": (1, 8, 8), "num_classes": 4, "channels": 4, "layers": 3}

# (operation, node) pairs, two per node, as the authors publish them in their `genotypes.py`.
DARTS_V2 = {
    "normal": [
        ("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2),
    ],
    "reduce": [
        ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1),
        ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1),
    ],
}  # fmt: skip
PDARTS = {
    "normal": [
        ("skip_connect", 0), ("dil_conv_3x3", 1), ("skip_connect", 0), ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1), ("sep_conv_3x3", 3), ("sep_conv_3x3", 0), ("dil_conv_5x5", 4),
    ],
    "reduce": [
        ("avg_pool_3x3", 0), ("sep_conv_5x5", 1), ("sep_conv_3x3", 0), ("dil_conv_5x5", 2),
        ("max_pool_3x3", 0), ("dil_conv_3x3", 1), ("dil_conv_3x3", 1), ("dil_conv_5x5", 3),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("genotype", "auxiliary", "parameters"),
    [
        (DARTS_V2, False, 3_349_342),  # `param size` that the authors' train.py logs; 3.3 M in Liu et al. (2019)
        (PDARTS, False, 3_433_798),  # both counts: issue 7 of the authors' repository; 3.4 M in Chen et al. (2019)
        (PDARTS, True, 3_910_224),
    ],
)
def test_parameter_counts_of_published_genotypes(genotype, auxiliary, parameters) -> None:
    graph = SPACE.graph(SPACE.from_genotype(genotype))
    for form in (graph, graph.canonical()):
        with torch.device("meta"):
            network = SPACE.build(form, input_shape=(3, 32, 32), num_classes=10, auxiliary=auxiliary)
        assert count_parameters(network) == parameters


def pnasnet_5() -> ArchGraph:
    """The cell of figure 1 of Liu et al. (2018), as in the authors' `pnasnet.py`; all five blocks are concatenated."""
    blocks = [
        ("sep_conv_5x5", 0, "max_pool_3x3", 0),
        ("sep_conv_7x7", 1, "max_pool_3x3", 1),
        ("sep_conv_5x5", 1, "sep_conv_3x3", 1),
        ("sep_conv_3x3", 4, "max_pool_3x3", 1),
        ("sep_conv_3x3", 0, "identity", 1),
    ]
    ops, edges, at = ["input_0", "input_1"], [], [0, 1]
    for first, i, second, j in blocks:
        n = len(ops)
        ops += [first, second, "add"]
        edges += [(at[i], n), (at[j], n + 1), (n, n + 2), (n + 1, n + 2)]
        at.append(n + 2)
    n = len(ops)
    edges += [(k, n) for k in at[2:]] + [(n, n + 1)]
    return ArchGraph(ops=(*ops, "concat", "output"), edges=tuple(edges))


def test_pnasnet_5_has_the_size_of_the_paper() -> None:
    """3.2 M with N = 3 and F = 48, table 3."""
    for graph in (pnasnet_5(), pnasnet_5().canonical()):
        with torch.device("meta"):
            network = build_network(
                graph, skeleton="nasnet", input_shape=(3, 32, 32), num_classes=10, channels=48, layers=9
            )
        assert round(count_parameters(network) / 1e6, 1) == 3.2


def test_reductions_stand_at_one_and_two_thirds() -> None:
    graph = SPACE.graph(SPACE.from_genotype(DARTS_V2))
    network = SPACE.build(graph, input_shape=(3, 16, 16), num_classes=4, channels=4, layers=8)
    shapes = []
    for cell in network.cells:
        cell.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    network(torch.randn(2, 3, 16, 16))
    assert shapes == [(16, 16, 16)] * 2 + [(32, 8, 8)] * 3 + [(64, 4, 4)] * 3
    # The cell after a reduction reads a map twice as large from before it.
    kinds = [type(cell.preprocess[0]) for cell in network.cells]
    assert kinds == [ConvBN] * 3 + [FactorizedReduce] + [ConvBN] * 2 + [FactorizedReduce] + [ConvBN]


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_few_layers(layers) -> None:
    graph = SPACE.graph(SPACE.from_genotype(PDARTS))
    network = SPACE.build(graph, **(SMALL | {"layers": layers, "input_shape": (2, 5, 7)}))
    assert network(torch.randn(2, 2, 5, 7)).shape == (2, 4)


@pytest.mark.parametrize("side", [1, 8, 32])
def test_auxiliary_logits_only_while_training(side) -> None:
    graph = SPACE.graph(SPACE.from_genotype(DARTS_V2))
    network = SPACE.build(graph, **(SMALL | {"auxiliary": True, "input_shape": (1, side, side)}))
    logits, auxiliary = network(torch.randn(3, 1, side, side))
    assert logits.shape == auxiliary.shape == (3, 4)
    auxiliary.sum().backward()
    assert network.auxiliary.linear.weight.grad.any()
    assert network.eval()(torch.randn(3, 1, side, side)).shape == (3, 4)


def test_drop_path_stands_after_every_operation_but_identities() -> None:
    graph = SPACE.graph(SPACE.from_genotype(DARTS_V2))
    network = SPACE.build(graph, **SMALL, drop_path=0.5)
    dropped = sum(isinstance(module, DropPath) for module in network.modules())
    # One normal cell of 8 operations, 2 of them identities, and two reduction cells, 3 of 8 identities each.
    assert dropped == 6 + 2 * 5
    x = torch.randn(4, 1, 8, 8)
    with seeded():
        assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_a_cell_with_one_input_reads_the_cell_before() -> None:
    graph = ArchGraph(ops=("input", "sep_conv_3x3", "output"), edges=((0, 1), (1, 2)))
    network = build_network(graph, skeleton="nasnet", **SMALL)
    assert [len(cell.preprocess) for cell in network.cells] == [1, 1, 1]
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 4)


def test_an_input_that_nothing_reads_is_not_preprocessed() -> None:
    graph = ArchGraph(ops=("input_0", "input_1", "sep_conv_3x3", "output"), edges=((1, 2), (2, 3)))
    network = build_network(graph, skeleton="nasnet", **SMALL)
    network(torch.randn(2, 1, 8, 8)).sum().backward()
    unread, read = network.cells[1].preprocess
    assert unread.conv.weight.grad is None
    assert read.conv.weight.grad is not None


def test_an_identity_in_a_reduction_is_a_factorized_reduction_in_either_form() -> None:
    space = PNASSpace(blocks=1)
    params = {
        "block_1_input_a": "input_0", "block_1_op_a": "identity",
        "block_1_input_b": "input_1", "block_1_op_b": "sep_conv_3x3",
    }  # fmt: skip
    graph = space.graph(params)
    assert graph.canonical().n_nodes < graph.n_nodes
    for form in (graph, graph.canonical()):
        network = space.build(form, **SMALL)
        in_cell = [sum(isinstance(m, FactorizedReduce) for m in cell.cell.modules()) for cell in network.cells]
        assert in_cell == [0, 1, 1]
        assert network(torch.randn(2, 1, 8, 8)).shape == (2, 4)


def test_a_dead_reduction_cell_keeps_the_shapes() -> None:
    normal = SPACE.graph(SPACE.from_genotype(DARTS_V2))
    ops = tuple("none" if c == 1 and "_" in op and not op.startswith("input") else op
                for op, c in zip(normal.ops, normal.cells, strict=True))  # fmt: skip
    graph = ArchGraph(ops=ops, edges=normal.edges, cell=normal.cell)
    network = SPACE.build(graph, **SMALL)
    logits = network(torch.randn(2, 1, 8, 8))
    assert torch.isfinite(logits).all()
    logits.sum().backward()


def test_at_most_two_cells_of_two_inputs() -> None:
    three = ArchGraph(ops=("input_0", "input_1", "input_2", "output"), edges=((0, 3), (1, 3), (2, 3)))
    with pytest.raises(GraphError, match="one or two cells with one or two inputs"):
        build_network(three, skeleton="nasnet", **SMALL)
