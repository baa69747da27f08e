"""Learning curves of known shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def saturating(rng: np.random.Generator, n_curves: int, n_steps: int, *, noise: float = 0.005) -> Array:
    """Accuracies that saturate between 0.9 and 0.99 at speeds of their own, so that they cross."""
    step = np.arange(n_steps)
    end = np.clip(0.99 - 0.04 * rng.gamma(1.2, 0.6, n_curves), 0.6, 0.995)
    gap = rng.uniform(0.2, 0.5, n_curves)
    speed = np.exp(rng.normal(np.log(n_steps / 6), 0.4, n_curves))
    curves = end[:, None] - gap[:, None] * np.exp(-step / speed[:, None])
    return np.asarray(curves + noise * rng.standard_normal(curves.shape))


def cosine(rng: np.random.Generator, n_curves: int, n_steps: int, *, noise: float = 0.003) -> Array:
    """The same under a cosine learning rate: noisy and low while it is high, a rise at the end."""
    rate = 0.5 * (1 + np.cos(np.pi * np.arange(1, n_steps + 1) / n_steps))
    curves = saturating(rng, n_curves, n_steps, noise=0.0)
    curves = curves - 0.03 * rng.uniform(0.5, 1.5, (n_curves, 1)) * rate
    return np.asarray(curves + (noise + 0.012 * rate) * rng.standard_normal(curves.shape))
