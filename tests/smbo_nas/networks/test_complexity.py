from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from smbo_nas.networks import build_network, count_flops, count_parameters
from smbo_nas.spaces.darts import DARTSSpace
from tests.smbo_nas.networks.helpers import one_cell, seeded


def test_closed_forms() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 5, stride=2, groups=4),
        nn.Flatten(), nn.Linear(8 * 4 * 4, 10),
    )  # fmt: skip
    assert count_flops(network, (3, 12, 12)) == 12 * 12 * 8 * 27 + 4 * 4 * 8 * 2 * 25 + 128 * 10
    assert count_parameters(network) == (8 * 27 + 8) + 16 + (8 * 2 * 25 + 8) + 1290


def test_functional_forms_and_products() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 2, 3))

        def forward(self, x):
            y = nn.functional.conv1d(x.flatten(2), weight=self.weight)
            return y.transpose(1, 2) @ y

    # conv1d over 9 points: 7 outputs; then (7, 4) @ (4, 7).
    assert count_flops(Odd(), (2, 3, 3)) == 7 * 4 * 6 + 7 * 7 * 4


@pytest.mark.parametrize("seed", range(3))
def test_torchs_own_counter_agrees(seed) -> None:
    """It counts two per multiply-add."""
    space = DARTSSpace()
    graph = space.graph(space.sample(np.random.default_rng(seed)))
    network = space.build(graph, input_shape=(3, 9, 9), num_classes=5, channels=4, layers=4)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, 3, 9, 9))
    assert 2 * count_flops(network, (3, 9, 9)) == counter.get_total_flops()


def test_dead_operations_cost_parameters_but_no_flops() -> None:
    dead = one_cell("input", "conv_3x3", "none", "conv_5x5", "output", edges=[(0, 1), (0, 2), (2, 3), (1, 4), (3, 4)])
    sizes = {"skeleton": "nasbench201", "input_shape": (1, 8, 8), "num_classes": 2, "channels": 4}
    with_dead, without = build_network(dead, **sizes), build_network(dead.canonical(), **sizes)
    assert count_parameters(with_dead) > count_parameters(without)
    assert count_flops(with_dead, (1, 8, 8)) == count_flops(without, (1, 8, 8))


def test_frozen_parameters_do_not_count_and_shared_ones_count_once() -> None:
    layer = nn.Linear(4, 4)
    frozen = nn.Linear(4, 4).requires_grad_(requires_grad=False)
    assert count_parameters(nn.Sequential(layer, layer, frozen)) == 20


def test_counting_changes_nothing() -> None:
    graph = one_cell("input", "conv_3x3", "output", edges=[(0, 1), (1, 2)])
    network = build_network(graph, skeleton="nasbench201", input_shape=(1, 8, 8), num_classes=2, channels=4)
    network.head.eval()
    modes = [module.training for module in network.modules()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with seeded():
        state = torch.random.get_rng_state()
        count_flops(network, (1, 8, 8))
        assert torch.equal(torch.random.get_rng_state(), state)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    with pytest.raises(RuntimeError):
        count_flops(network, (2, 8, 8))
    assert [module.training for module in network.modules()] == modes


def test_meta_networks_and_double_precision() -> None:
    graph = one_cell("input", "sep_conv_3x3", "output", edges=[(0, 1), (1, 2)])
    sizes = {"skeleton": "nasbench201", "input_shape": (1, 8, 8), "num_classes": 2, "channels": 4}
    with torch.device("meta"):
        meta = build_network(graph, **sizes)
    network = build_network(graph, **sizes)
    flops = count_flops(network, (1, 8, 8))
    assert count_flops(meta, (1, 8, 8)) == flops == count_flops(network.double(), (1, 8, 8))
