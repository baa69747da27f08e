from __future__ import annotations

import pytest
import torch

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks import build_network, count_parameters
from smbo_nas.spaces.chain import ChainSpace

SMALL = {"skeleton": "chain", "input_shape": (2, 12, 10), "num_classes": 3, "channels": 4}


def chain_graph(ops, edges, stride, width) -> ArchGraph:
    return ArchGraph(
        ops=("input", *ops, "output"),
        edges=tuple(edges),
        attributes=(("stride", (1, *stride, 1)), ("width", (1, *width, 1))),
    )


def conv_bn(c_in: int, c_out: int, kernel: int) -> int:
    return kernel * kernel * c_in * c_out + 2 * c_out


def test_a_plain_chain_in_closed_form() -> None:
    graph = chain_graph(["conv_3x3", "conv_5x5"], [(0, 1), (1, 2), (2, 3)], stride=(1, 2), width=(1, 2))
    network = build_network(graph, **SMALL)
    assert count_parameters(network) == conv_bn(2, 4, 3) + conv_bn(4, 4, 3) + conv_bn(4, 8, 5) + 8 * 3 + 3
    assert network.body(torch.randn(1, 4, 12, 10)).shape == (1, 8, 6, 5)


def test_a_skip_between_stages_is_a_strided_projection() -> None:
    # The last layer sums layer 2 (8 channels, halved) and the stem (4 channels, full size).
    graph = chain_graph(
        ["conv_3x3", "conv_3x3", "conv_3x3"],
        [(0, 1), (1, 2), (2, 3), (0, 3), (3, 4)],
        stride=(1, 2, 1),
        width=(1, 2, 2),
    )
    network = build_network(graph, **SMALL)
    (edge, projection), = network.body.adapters.items()  # fmt: skip
    assert edge == "0_3_0"
    assert (projection.conv.in_channels, projection.conv.out_channels, projection.conv.stride) == (4, 8, (2, 2))
    assert network.body(torch.randn(1, 4, 12, 10)).shape == (1, 8, 6, 5)


def test_a_concatenation_keeps_channels_unless_it_reduces() -> None:
    # 3 concatenates the stem (reduced to its own width), layer 1 (8 channels) and is read by a convolution.
    graph = chain_graph(
        ["conv_3x3", "conv_3x3", "concat", "conv_1x1"],
        [(0, 1), (1, 2), (0, 3), (1, 3), (2, 3), (3, 4), (4, 5)],
        stride=(2, 1, 1, 1),
        width=(2, 3, 3, 1),
    )
    network = build_network(graph, **SMALL)
    assert set(network.body.adapters) == {"0_3_0"}
    assert network.body.operations["4"].conv.in_channels == 12 + 8 + 12


def test_many_reductions_never_go_below_one_pixel() -> None:
    n = 6
    graph = chain_graph(["max_pool_3x3"] * n, [(k, k + 1) for k in range(n + 1)], stride=(2,) * n, width=(1,) * n)
    network = build_network(graph, **SMALL)
    assert network.body(torch.randn(1, 4, 12, 10)).shape == (1, 4, 1, 1)
    assert torch.isfinite(network(torch.randn(2, 2, 12, 10))).all()


def test_a_graph_without_attributes() -> None:
    graph = ArchGraph(ops=("input", "conv_3x3", "skip_connect", "output"), edges=((0, 1), (1, 2), (2, 3)))
    assert build_network(graph, **SMALL)(torch.randn(2, 2, 12, 10)).shape == (2, 3)


@pytest.mark.parametrize("merge", ["add", "concat"])
def test_stages_of_the_space(merge) -> None:
    space = ChainSpace(layers=6, merge=merge, stages=3)
    params = {f"op_{k}": "conv_3x3" for k in range(1, 7)} | {f"skips_{k}": "0" for k in range(2, 7)}
    network = space.build(space.graph(params), input_shape=(1, 8, 8), num_classes=2, channels=4)
    assert network.body(torch.randn(1, 4, 8, 8)).shape == (1, 16, 2, 2)


@pytest.mark.parametrize("value", [0, 1.5, -1])
def test_attributes_are_positive_integers(value) -> None:
    graph = chain_graph(["conv_3x3"], [(0, 1), (1, 2)], stride=(value,), width=(1,))
    with pytest.raises(GraphError, match="attribute 'stride' of node 1 must be a positive integer"):
        build_network(graph, **SMALL)


def test_only_graphs_of_one_cell_with_one_input() -> None:
    graph = ArchGraph(ops=("input_0", "input_1", "output"), edges=((0, 2), (1, 2)))
    with pytest.raises(GraphError, match="one cell with one input"):
        build_network(graph, **SMALL)
