"""Stochastic gradient Hamiltonian Monte Carlo that adapts itself, for many chains at once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_FRICTION = 0.05
_STEEPEST = 10.0  # A gradient this many times as steep as usual is cut: the one of a chain that has lost its way.


def sample_by_sghmc(
    gradient_of: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    burn_in: int,
    steps: int,
    keep: int,
    step_size: float,
    exact: bool,
    generator: torch.Generator,
) -> Tensor:
    """Draws from a distribution of which only noisy gradients are known.

    Chen, Fox and Guestrin, "Stochastic gradient Hamiltonian Monte Carlo" (ICML 2014), with the adaptation of
    Springenberg, Klein, Falkner and Hutter, "Bayesian optimization with robust Bayesian neural networks" (NIPS 2016,
    equations 8 to 10): during burn-in, a running average of the squared gradient, over a window that adapts as well,
    sets the mass of each coordinate. Departures: a draw is taken in the middle of a step, not at its end; there the
    variance of a normal distribution is right at any step size (Leimkuhler and Matthews, Applied Mathematics Research
    eXpress 2013). And where the gradients are exact, there is no noise of theirs to make up for.

    Args:
        gradient_of: Unbiased gradient of the negative log density at each chain, `(c, d)` to `(c, d)`.
        start: Where the chains start, `(c, d)`.
        burn_in: Steps to adapt in; none of them is kept.
        steps: Steps after that.
        keep: Number of draws to keep of each chain, evenly, at most `steps`.
        step_size: epsilon of the paper.
        exact: Whether the gradients have no noise, as those of all data at once.
        generator: Source of the noise, on the device of `start`.

    Returns:
        Draws, `(keep, c, d)`.
    """
    position, momentum = start.clone(), torch.zeros_like(start)
    window, average, square = torch.ones_like(start), torch.zeros_like(start), torch.ones_like(start)
    kept = []
    spacing = steps // keep
    for step in range(burn_in + spacing * keep):
        gradient = gradient_of(position)
        bound = _STEEPEST * square.sqrt() if step else torch.full_like(square, torch.inf)
        gradient = torch.nan_to_num(gradient).clamp(-bound, bound)
        if step < burn_in:
            share = 1.0 / (window + 1.0)
            window += 1.0 - window * average**2 / square.clamp_min(1e-12)
            average += share * (gradient - average)
            square += share * (gradient**2 - square)
        mass = square.sqrt().clamp_min(1e-6)
        noise = torch.empty_like(position).normal_(generator=generator)
        variance = 2.0 * step_size**2 * _FRICTION / mass
        if not exact:
            variance = (variance - step_size**4).clamp_min(0.0)
        momentum = (1.0 - _FRICTION) * momentum - step_size**2 * gradient / mass + variance.sqrt() * noise
        position = position + momentum
        if step >= burn_in and (step - burn_in + 1) % spacing == 0:
            kept.append(position - 0.5 * momentum)
    return torch.stack(kept)
