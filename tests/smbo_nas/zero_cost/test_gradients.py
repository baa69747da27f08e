from __future__ import annotations

import pytest
import torch
from torch import nn

from smbo_nas.zero_cost.gradients import grad_norm, snip, weight_gradients
from tests.smbo_nas.networks.helpers import seeded


def test_closed_form_of_a_linear_classifier() -> None:
    """The gradient of the mean cross-entropy is (softmax - one-hot)' x / b."""
    with seeded():
        network, x = nn.Linear(4, 3), torch.randn(5, 4)
    labels = torch.tensor([0, 1, 2, 1, 0])
    p = network(x).detach().softmax(dim=1) - nn.functional.one_hot(labels, 3)
    expected = p.T @ x / 5
    gradients = weight_gradients(network, x, labels)
    assert len(gradients) == 1
    torch.testing.assert_close(gradients[0][1], expected)
    assert grad_norm(gradients) == pytest.approx(float(expected.norm()), rel=1e-5)
    assert snip(gradients) == pytest.approx(float((expected * network.weight.detach()).abs().sum()), rel=1e-5)


def test_layers_add_up() -> None:
    gradients = [
        (torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 4.0]])),
        (torch.ones(1, 1), torch.full((1, 1), -2.0)),
    ]
    assert grad_norm(gradients) == 5 + 2
    assert snip(gradients) == 3 + 8 + 2


def test_frozen_and_unused_weights() -> None:
    """A frozen weight is still part of the architecture; one that is not run has no gradient."""
    with seeded():
        network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        network.unused = nn.Linear(4, 4)
        forward = nn.Sequential(*list(network)[:2])
        x = torch.randn(3, 4)
    free = grad_norm(weight_gradients(forward, x, torch.tensor([0, 1, 1])))
    network.requires_grad_(requires_grad=False)
    assert grad_norm(weight_gradients(forward, x, torch.tensor([0, 1, 1]))) == free > 0
    assert all(parameter.grad is None for parameter in network.parameters())
