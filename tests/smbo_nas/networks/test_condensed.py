from __future__ import annotations

import pytest
import torch
from torch import nn

from smbo_nas.networks import count_flops, make_operation
from smbo_nas.networks.condensed import LearnedGroupConv, group_conv
from tests.smbo_nas.networks.helpers import seeded


@pytest.mark.parametrize(("c_in", "c_out", "stride"), [(8, 8, 1), (16, 12, 2), (6, 4, 1), (5, 3, 1), (1, 4, 1)])
def test_evaluation_computes_what_is_trained(c_in: int, c_out: int, stride: int) -> None:
    with seeded():
        layer = LearnedGroupConv(c_in, c_out, stride=stride, groups=4)
        x = torch.randn(2, c_in, 5, 7)
    torch.testing.assert_close(layer.eval()(x), layer.train()(x))


def test_a_group_reads_the_channels_of_its_largest_weights() -> None:
    """By brute force: filters o, o + 4, ... are one group and read two of eight channels."""
    with seeded():
        layer = LearnedGroupConv(8, 12, groups=4)
    weight = layer.conv.weight.detach()[:, :, 0, 0].numpy()
    dense = nn.Conv2d(8, 12, 1, bias=False)
    dense.weight.data.zero_()
    for o in range(12):
        sizes = sum(abs(weight[filter_]) for filter_ in range(o % 4, 12, 4))
        for channel in sorted(range(8), key=lambda c: -sizes[c])[:2]:
            dense.weight.data[o, channel, 0, 0] = float(weight[o, channel])
    x = torch.rand(3, 8, 2, 2)
    torch.testing.assert_close(layer.eval()(x), dense(x))
    torch.testing.assert_close(layer.train()(x), dense(x))


def test_what_is_not_read_is_trained_on_and_may_come_back() -> None:
    layer = LearnedGroupConv(4, 4, groups=2)
    with torch.no_grad():
        layer.conv.weight.copy_(torch.tensor([1.0, 0.9, 0.1, 0.1]).expand(4, 4)[:, :, None, None])
    assert layer.read_channels().tolist() == [[0, 1], [0, 1]]
    x = torch.zeros(1, 4, 1, 1)
    x[:, 2] = 1.0  # not read
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    out = layer(x)
    assert not out.any()
    (-out.sum()).backward()
    optimizer.step()
    assert layer.read_channels().tolist() == [[0, 2], [0, 2]]
    assert layer(x).sum().item() == pytest.approx(4 * 1.1)


def test_evaluation_costs_a_quarter() -> None:
    assert count_flops(LearnedGroupConv(16, 32, groups=4), (16, 8, 8)) == 16 * 32 * 8 * 8 // 4


def test_groups_divide_both_sides() -> None:
    assert group_conv(12, 8, 3, groups=4).groups == 4
    assert group_conv(6, 4, 1, groups=4).groups == 2
    assert make_operation("depthwise_conv_3x3", 8, 8).groups == 8
    assert make_operation("depthwise_conv_3x3", 8, 16).groups == 8  # two filters on each channel
    assert make_operation("depthwise_conv_3x3", 12, 8).groups == 4
    assert make_operation("bare_conv_3x3", 12, 8).groups == 1


def test_bare_operations_are_nothing_else() -> None:
    assert [type(m) for m in make_operation("bn_relu", 4, 4)] == [nn.BatchNorm2d, nn.ReLU]
    assert [type(m) for m in make_operation("bn", 4, 4)] == [nn.BatchNorm2d]
    assert isinstance(make_operation("group_conv_3x3", 8, 8), nn.Conv2d)
