"""Learning to rank: pairs of networks, and a loss on the order of their scores."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor


def pair_weights(scores: Tensor, noise: Tensor) -> Tensor:
    """How sure it is that i is above j: `2 P(i above j) - 1` where positive, else 0, `(n, n)`.

    Args:
        scores: Normal scores of the values, `(n,)`.
        noise: Their standard deviations, `(n,)`; a pair of measured values weighs 1, and ties weigh nothing.
    """
    difference = scores[:, None] - scores[None, :]
    spread = torch.sqrt(noise[:, None] ** 2 + noise[None, :] ** 2)
    # 2 Phi(d / s) - 1 = erf(d / (s sqrt 2)); the floor stands for measured values, where any difference is sure.
    return torch.erf(difference / (spread * sqrt(2.0)).clamp_min(1e-12)).clamp_min(0.0)


def pairwise_hinge(predicted: Tensor, weights: Tensor, margin: float) -> Tensor:
    """Weighted mean over pairs of how far the better one falls short of being `margin` above the other.

    Herbrich et al., "Large margin rank boundaries for ordinal regression", 2000.

    Args:
        predicted: Scores of each member, `(members, n)`.
        weights: Weight of each pair, `(members, n, n)`, row above column; a member without pairs has no loss.
        margin: In units of `predicted`.

    Returns:
        The sum over members, each of which learns as if alone.
    """
    shortfall = ((margin - predicted)[:, :, None] + predicted[:, None, :]).relu_()
    total = weights.sum(dim=(1, 2)).clamp_min(1e-12)
    return ((weights * shortfall).sum(dim=(1, 2)) / total).sum()
