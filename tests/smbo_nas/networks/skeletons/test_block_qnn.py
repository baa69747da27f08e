from __future__ import annotations

import pytest
import torch

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks import build_network, count_parameters
from smbo_nas.spaces.block_qnn import BlockQNNSpace

SPACE = BlockQNNSpace(layers=4)


def conv_bn(c_in: int, c_out: int, kernel: int) -> int:
    return kernel * kernel * c_in * c_out + 2 * c_out


@pytest.mark.parametrize(
    ("codes", "block"),
    [
        ([(1, 1, 5, 0, 0)], lambda c: conv_bn(c, c, 5)),
        # what is concatenated is projected to the stage's channels
        ([(1, 1, 3, 0, 0), (2, 2, 3, 0, 0)], lambda c: conv_bn(c, c, 3) + conv_bn(2 * c, c, 1)),
        # a bottleneck with its shortcut
        ([(1, 1, 1, 0, 0), (2, 1, 3, 1, 0), (3, 5, 0, 0, 2)], lambda c: conv_bn(c, c, 1) + conv_bn(c, c, 3)),
    ],
    ids=["convolution", "concatenation", "residual"],
)
def test_a_stack_of_blocks_in_closed_form(codes, block) -> None:
    """Three stages of four blocks; pooling and a projection to twice the channels in between."""
    graph = SPACE.graph(SPACE.from_codes(codes))
    network = SPACE.build(graph, input_shape=(3, 32, 32), num_classes=10)
    widths = (32, 64, 128)
    stages = sum(4 * block(c) for c in widths)
    transitions = conv_bn(32, 64, 1) + conv_bn(64, 128, 1)
    assert count_parameters(network) == conv_bn(3, 32, 3) + stages + transitions + 2 * 128 + 128 * 10 + 10
    assert network.body(torch.randn(1, 32, 31, 5)).shape == (1, 128, 8, 2)


def test_only_graphs_of_one_cell_with_one_input() -> None:
    graph = ArchGraph(ops=("input_0", "input_1", "output"), edges=((0, 2), (1, 2)))
    with pytest.raises(GraphError, match="the skeleton 'blockqnn' stacks graphs of one cell with one input"):
        build_network(graph, skeleton="blockqnn", input_shape=(1, 8, 8), num_classes=3)
