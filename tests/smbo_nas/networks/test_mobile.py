from __future__ import annotations

import pytest
import torch
from torch.nn.functional import relu

from smbo_nas.networks import count_parameters, make_operation
from smbo_nas.networks.mobile import MobileConv, SqueezeExcite
from tests.smbo_nas.networks.helpers import seeded


def bn(channels: int) -> int:
    return 2 * channels


@pytest.mark.parametrize("kernel", [3, 5])
def test_parameter_counts_in_closed_form(kernel: int) -> None:
    c, out = 12, 20

    def count(name: str) -> int:
        return count_parameters(make_operation(name, c, out))

    def gate(channels: int) -> int:  # 3 is a quarter of 12
        return channels * 3 + 3 + 3 * channels + channels

    plain = kernel**2 * c * out + bn(out)
    assert count(f"conv_{kernel}x{kernel}") == plain
    assert count(f"conv_{kernel}x{kernel}_se") == plain + gate(out)
    separable = kernel**2 * c + bn(c) + c * out + bn(out)
    assert count(f"dconv_{kernel}x{kernel}") == separable
    assert count(f"dconv_{kernel}x{kernel}_se") == separable + gate(c)
    for expansion in (3, 6):
        wide = expansion * c
        bottleneck = c * wide + bn(wide) + kernel**2 * wide + bn(wide) + wide * out + bn(out)
        assert count(f"mbconv{expansion}_{kernel}x{kernel}") == bottleneck
        assert count(f"mbconv{expansion}_{kernel}x{kernel}_se") == bottleneck + gate(wide)


def test_a_gate_scales_each_channel_by_what_the_means_say() -> None:
    with seeded():
        layer = SqueezeExcite(4, 2)
        x = torch.randn(3, 4, 5, 6)
    scale = layer(x) / x
    assert torch.allclose(scale, scale[:, :, :1, :1].expand_as(scale), atol=1e-6)
    assert ((scale > 0) & (scale < 1)).all()
    torch.nn.init.zeros_(layer.excite.weight)
    torch.nn.init.zeros_(layer.excite.bias)
    assert torch.equal(layer(x), x / 2)
    shuffled = x.flatten(2)[:, :, torch.randperm(30, generator=torch.Generator().manual_seed(0))].view_as(x)
    with seeded():
        layer = SqueezeExcite(4, 2)
    assert torch.allclose(layer(shuffled) / shuffled, layer(x) / x, atol=1e-5)  # only the means count


def test_a_bottleneck_ends_linear() -> None:
    with seeded():
        layer = MobileConv(4, 6, 3, expansion=3)
        y = layer(torch.randn(8, 4, 6, 6))
    assert (y < 0).any()
    assert layer.expand is not None
    assert (relu(y) != y).any()
    assert MobileConv(4, 6, 3).expand is None


def test_a_small_map_may_have_few_channels() -> None:
    assert make_operation("mbconv6_3x3_se", 1, 2)(torch.randn(2, 1, 1, 1)).shape == (2, 2, 1, 1)
