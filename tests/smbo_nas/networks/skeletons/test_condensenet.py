from __future__ import annotations

import pytest
import torch
from torch import nn

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks import build_network, count_flops, count_parameters
from smbo_nas.networks.condensed import LearnedGroupConv
from smbo_nas.spaces.dpp_net import DPPNetSpace
from tests.smbo_nas.networks.helpers import seeded

CONDENSENET = ArchGraph(
    ops=("input", "bn_relu", "learned_group_conv_1x1", "bn_relu", "group_conv_3x3", "concat", "output"),
    edges=((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5), (5, 6)),
)


# CondenseNet-50, -74, ..., -122 on CIFAR-10: https://github.com/ShichenLiu/CondenseNet, "Results on CIFAR"
@pytest.mark.parametrize(
    ("cells", "million_flops", "million_parameters"),
    [(8, 28.6, 0.22), (12, 51.9, 0.41), (14, 65.8, 0.52), (16, 81.3, 0.65), (18, 98.2, 0.79), (20, 116.7, 0.95)],
)
def test_condensenets_have_the_published_size(cells: int, million_flops: float, million_parameters: float) -> None:
    with torch.device("meta"):
        network = build_network(
            CONDENSENET, skeleton="condensenet", input_shape=(3, 32, 32), num_classes=10, cells_per_stage=cells
        )
    # The authors count an operation for each element that a ReLU or a pooling takes, and the bias of the classifier.
    elements = 0

    def count(_: nn.Module, inputs: tuple[torch.Tensor, ...], __: torch.Tensor) -> None:
        nonlocal elements
        elements += inputs[0].numel()

    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.AvgPool2d)):  # a ReLU follows each normalisation
            module.register_forward_hook(count)
    flops = count_flops(network, (3, 32, 32))
    elements += network.head.linear.in_features * 8 * 8 + 10
    assert round((flops + elements) / 1e6, 1) == million_flops
    # They count the weights that are left of a learned group convolution, a quarter.
    dropped = sum(m.conv.weight.numel() * 3 // 4 for m in network.modules() if isinstance(m, LearnedGroupConv))
    assert round((count_parameters(network) - dropped) / 1e6, 2) == million_parameters


def test_the_cells_are_densely_connected() -> None:
    """The classifier reads the stem itself, and what each cell adds, pooled."""
    space = DPPNetSpace(layers=2)
    graph = space.graph({"norm_1": "identity", "conv_1": "bare_conv_1x1"})
    with seeded():
        network = space.build(graph, input_shape=(1, 8, 8), num_classes=2, channels=4, cells_per_stage=2, stages=2)
        x = network.stem(torch.randn(1, 1, 8, 8))
        out = network.body(x)
    assert out.shape == (1, 8 + 2 * 4 + 2 * 8, 4, 4)
    pooled = nn.functional.avg_pool2d(x, 2)
    torch.testing.assert_close(out[:, :8], pooled)
    first = nn.functional.avg_pool2d(network.body[0](x), 2)
    torch.testing.assert_close(out[:, :12], first)


def test_widths_inside_a_cell() -> None:
    space = DPPNetSpace(layers=5)
    graph = space.graph(
        {
            "norm_1": "bn",
            "conv_1": "depthwise_conv_3x3",
            "norm_2": "bn_relu",
            "conv_2": "bare_conv_3x3",
            "norm_3": "bn",
        }
    )
    network = space.build(graph, input_shape=(1, 8, 8), num_classes=2, channels=6, cells_per_stage=1, bottleneck=2)
    operations = network.body[0].operations
    assert [operations[k][0].num_features for k in "135"] == [12, 12, 6]
    assert (operations["2"].in_channels, operations["2"].out_channels, operations["2"].groups) == (12, 12, 12)
    assert (operations["4"].in_channels, operations["4"].out_channels, operations["4"].groups) == (12, 6, 1)
    assert network.body[0].output.channels == 12 + 6


def test_a_sum_of_unequal_widths_is_projected() -> None:
    graph = ArchGraph(ops=("input", "bare_conv_1x1", "bare_conv_3x3", "output"), edges=((0, 1), (1, 2), (1, 3), (2, 3)))
    network = build_network(graph, skeleton="condensenet", input_shape=(1, 8, 8), num_classes=2, channels=4)
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 2)


def test_only_graphs_of_one_cell_with_one_input() -> None:
    graph = ArchGraph(ops=("input_0", "input_1", "output"), edges=((0, 2), (1, 2)))
    with pytest.raises(GraphError, match="'condensenet' stacks graphs of one cell with one input"):
        build_network(graph, skeleton="condensenet", input_shape=(1, 8, 8), num_classes=2)
