"""Scores of an untrained network from the gradients of its loss on one minibatch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from smbo_nas.zero_cost.untouched import tensors_of

WeightGradients = list[tuple[Tensor, Tensor]]
"""Each layer's weight and its gradient."""


def weight_gradients(network: nn.Module, images: Tensor, labels: Tensor) -> WeightGradients:
    """Gradients of the cross-entropy at every weight that is run (parameters of at least two dimensions).

    Args:
        network: Normalises by the minibatch.
        images: `(b, c, h, w)`.
        labels: `(b,)`.
    """
    tensors = tensors_of(network)
    weights = [tensors[name].requires_grad_() for name, p in network.named_parameters() if p.ndim > 1]
    loss = cross_entropy(functional_call(network, tensors, (images,)), labels)
    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
    return [(w.detach(), g) for w, g in zip(weights, gradients, strict=True) if g is not None]


def grad_norm(gradients: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Sum over the layers of the Euclidean norm of the weight's gradient: Abdelfattah et al. (ICLR 2021), sec. 3.2."""
    return sum(float(gradient.norm()) for _, gradient in gradients)


def snip(gradients: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Sum over the weights of |weight x gradient|.

    Lee, Ajanthan and Torr, "SNIP: Single-shot Network Pruning based on Connection Sensitivity", ICLR 2019, sec. 4,
    summed over a network as in Abdelfattah et al. (ICLR 2021), sec. 3.2.
    """
    return sum(float((weight * gradient).abs().sum()) for weight, gradient in gradients)
