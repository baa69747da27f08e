from __future__ import annotations

import pytest
import torch
from torch import nn

from predictors.graph import GraphError
from smbo_nas.networks import known_operations, make_operation, register_operation
from smbo_nas.networks.layers import ConvBN, DropPath, FactorizedReduce
from smbo_nas.networks.operations import _OPERATIONS
from tests.smbo_nas.networks.helpers import seeded


@pytest.mark.parametrize("name", known_operations())
@pytest.mark.parametrize(("c_in", "c_out", "stride"), [(4, 4, 1), (4, 4, 2), (4, 6, 1), (6, 4, 2), (3, 5, 4)])
def test_every_operation_rounds_sizes_up_and_leaves_its_input_alone(name, c_in, c_out, stride) -> None:
    with seeded():
        operation = make_operation(name, c_in, c_out, stride).eval()
        for height, width in ((8, 8), (7, 5), (1, 1), (2, 3)):
            x = torch.randn(2, c_in, height, width)
            before = x.clone()
            y = operation(x)
            assert y.shape == (2, c_out, -(-height // stride), -(-width // stride))
            assert torch.isfinite(y).all()
            assert torch.equal(x, before)


def test_identity_only_where_nothing_changes() -> None:
    assert isinstance(make_operation("skip_connect", 4, 4), nn.Identity)
    assert isinstance(make_operation("skip_connect", 4, 4, 2), FactorizedReduce)
    assert not make_operation("none", 4, 4)(torch.ones(1, 4, 2, 2)).any()


def test_average_pooling_does_not_count_the_padding() -> None:
    assert torch.equal(make_operation("avg_pool_3x3", 1, 1)(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


def test_factorized_reduction_sees_every_pixel_of_an_odd_map() -> None:
    with seeded():
        layer = make_operation("factorized_reduce", 2, 4, 2).eval()
        x = torch.rand(1, 2, 5, 5, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    seen = x.grad.abs().sum(dim=(0, 1)) > 0
    # One convolution reads the even rows and columns, the other the odd ones.
    assert seen[::2, ::2].all()
    assert seen[1::2, 1::2].all()


def test_parameter_counts_in_closed_form() -> None:
    c = 12

    def count(name: str) -> int:
        return sum(p.numel() for p in make_operation(name, c, c).parameters())

    assert count("nor_conv_3x3") == 9 * c * c + 2 * c
    assert count("conv_5x5") == 25 * c * c + 2 * c
    assert count("sep_conv_5x5") == 2 * (25 * c + c * c + 2 * c)
    assert count("dil_conv_3x3") == 9 * c + c * c + 2 * c
    assert count("conv_1x7_7x1") == 2 * 7 * c * c + 2 * c
    assert count("max_pool_3x3") == 0


def test_convolutions_start_with_he_initialisation() -> None:
    with seeded():
        layer = ConvBN(64, 256, 3)
        depthwise = make_operation("dil_conv_5x5", 2048, 8).depthwise
    assert layer.conv.weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    assert depthwise.weight.std().item() == pytest.approx((2 / 25) ** 0.5, rel=0.02)


def test_drop_path_drops_whole_images_and_keeps_the_mean() -> None:
    layer = DropPath(0.25)
    x = torch.ones(4000, 2, 2, 2)
    with seeded():
        y = layer(x)
    per_image = y.flatten(1)
    assert torch.equal(per_image.amin(1), per_image.amax(1))
    assert per_image[:, 0].unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert y.mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(layer.eval()(x), x)


def test_a_registered_operation_is_known_until_replaced(monkeypatch) -> None:
    monkeypatch.setattr("smbo_nas.networks.operations._OPERATIONS", dict(_OPERATIONS))
    register_operation("twice", lambda c_in, c_out, stride: nn.AvgPool2d(1, stride))
    assert "twice" in known_operations()
    assert isinstance(make_operation("twice", 2, 2), nn.AvgPool2d)
    with pytest.raises(ValueError, match="'twice' exists; pass `replace=True`"):
        register_operation("twice", lambda c_in, c_out, stride: nn.Identity())
    register_operation("twice", lambda c_in, c_out, stride: nn.Identity(), replace=True)
    assert isinstance(make_operation("twice", 2, 2), nn.Identity)


@pytest.mark.parametrize("name", ["", "input", "input_7", "output", "add", "concat"])
def test_labels_of_graphs_are_no_operations(name) -> None:
    with pytest.raises(ValueError, match="cannot be called"):
        register_operation(name, lambda c_in, c_out, stride: nn.Identity())


def test_unknown_operation_names_the_known_ones() -> None:
    with pytest.raises(GraphError, match=r"unknown operation 'conv_9x9'; known operations: .*sep_conv_3x3"):
        make_operation("conv_9x9", 2, 2)


def test_relu_must_be_placed() -> None:
    with pytest.raises(ValueError, match="`relu` must be 'before', 'after' or None, but got 'first'"):
        ConvBN(2, 2, 1, relu="first")
