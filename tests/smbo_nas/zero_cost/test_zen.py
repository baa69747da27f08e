from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from smbo_nas.networks.layers import Head
from smbo_nas.zero_cost.zen import PERTURBATION, gaussian, zen
from tests.smbo_nas.networks.helpers import seeded


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(normalise: bool, scale: float = 1.0) -> nn.Module:
    """Linear up to normalisation, with classifier."""
    with seeded():
        layers: list[nn.Module] = [nn.Conv2d(3, 6, 3, bias=False), Scaled(scale)]
        if normalise:
            layers.append(nn.BatchNorm2d(6))
        return nn.Sequential(*layers, nn.Conv2d(6, 4, 1), Head(4, 2))


class Scaled(nn.Module):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


SHAPE = (16, 3, 8, 8)


def test_a_linear_map_moves_by_the_size_of_the_noise() -> None:
    """E |sum of n normal products|: the map of a fixed image under normal weights, and noise of size alpha."""
    scores = [zen(nn.Sequential(nn.Conv2d(1, 64, 1, bias=False)), (64, 1, 8, 8), generator(k)) for k in range(20)]
    # Each of the 64 x 64 units moves by alpha |w e|, whose mean is alpha (2 / pi).
    expected = 64 * 64 * PERTURBATION * 2 / math.pi
    assert math.exp(sum(scores) / 20) == pytest.approx(expected, rel=0.05)


def test_what_normalisation_takes_away_is_added_back() -> None:
    """A thousand times larger maps before normalisation: the network computes the same, the score says so."""
    small, large = (zen(network(True, scale), SHAPE, generator()) for scale in (1.0, 1000.0))
    assert large - small == pytest.approx(math.log(1000), abs=1e-3)
    plain = zen(network(False), SHAPE, generator())
    # Channels differ in scale; the root mean variance that is added back only matches on average.
    assert zen(network(True), SHAPE, generator()) == pytest.approx(plain, abs=0.3)


def test_the_classifier_is_left_out() -> None:
    body = network(True)
    assert zen(nn.Sequential(*list(body)[:-1]), SHAPE, generator()) == zen(body, SHAPE, generator())
    pooled = nn.Sequential(*list(body)[:-1], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    assert zen(pooled, SHAPE, generator()) == zen(body, SHAPE, generator())


def test_weights_are_drawn_anew_and_are_gaussian() -> None:
    first, second = network(True), network(True)
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.mul_(100.0).add_(1.0)
    assert zen(first, SHAPE, generator()) == zen(second, SHAPE, generator())
    drawn = gaussian(nn.Sequential(nn.Conv2d(32, 32, 3), nn.BatchNorm2d(32)), generator())
    assert drawn["0.weight"].std() == pytest.approx(1.0, abs=0.03)
    assert drawn["0.bias"].eq(0).all()
    assert drawn["1.weight"].eq(1).all()
    assert drawn["1.bias"].eq(0).all()


def test_a_map_that_nothing_reaches_has_no_logarithm() -> None:
    assert zen(nn.Sequential(nn.Conv2d(3, 2, 1), Scaled(0.0)), SHAPE, generator()) == -math.inf
