from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from smbo_nas.zero_cost.synflow import synflow
from tests.smbo_nas.networks.helpers import seeded


def chain(*widths: int) -> nn.Sequential:
    """1x1 convolutions with normalisation and ReLU."""
    with seeded():
        return nn.Sequential(
            *[nn.Sequential(nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()) for a, b in pairwise(widths)]
        )


def test_every_layer_of_a_chain_carries_all_the_flow() -> None:
    """Tanaka et al.'s conservation: the scores of each layer of a chain add up to R = 1' |W3| |W2| |W1| 1 x pixels."""
    network = chain(3, 5, 4, 2)
    product = torch.ones(3, 1, dtype=torch.float64)
    for layer in network:
        product = layer[0].weight.detach().abs().double()[:, :, 0, 0] @ product
    flow = float(product.sum()) * 4 * 6
    assert synflow(network, (3, 4, 6)) == pytest.approx(math.log(3 * flow))


class Sum(nn.Module):
    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return sum(branch(x) for branch in self.branches)


def test_paths_add_up_by_their_number_of_layers() -> None:
    """A path's product counts once for each weight on it; a path without weights counts for nothing."""
    one, two = chain(3, 3), chain(3, 3, 3)
    flows = [math.exp(synflow(branch, (3, 2, 2))) for branch in (one, two)]
    assert synflow(Sum(one, two, nn.Identity()), (3, 2, 2)) == pytest.approx(math.log(sum(flows)))


def test_the_signs_of_weights_and_the_state_of_normalisation_do_not_matter() -> None:
    network = chain(2, 3, 2)
    before = synflow(network, (2, 2, 2))
    with torch.no_grad():
        network[0][0].weight.neg_()
        network[0][1].running_var.fill_(7.0)
        network[1][1].weight.fill_(3.0)
    assert synflow(network, (2, 2, 2)) == before


def test_depth_does_not_overflow() -> None:
    """Far beyond single precision's e^88: one weight of 1000 in each of 60 layers."""
    network = nn.Sequential(*[nn.Conv2d(1, 1, 1, bias=False) for _ in range(60)])
    with torch.no_grad():
        for layer in network:
            layer.weight.fill_(1000.0)
    assert synflow(network, (1, 1, 1)) == pytest.approx(math.log(60) + 60 * math.log(1000))


def test_no_path_has_no_logarithm() -> None:
    network = chain(2, 3, 2)
    with torch.no_grad():
        network[1][0].weight.zero_()
    assert synflow(network, (2, 2, 2)) == -math.inf
