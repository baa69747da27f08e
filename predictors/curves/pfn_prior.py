"""The prior of the prior-fitted network: whole tasks of learning curves that share their ways.

A task stands for a study: one data set, one metric, one schedule. What its curves share (how fast,
how noisy and how different they are, the learning-rate schedule, how often a network fails) is
drawn first, then every curve given that. So a network trained on these tasks learns to learn
from finished curves, which the prior of Adriaensen et al., "Efficient Bayesian Learning Curve
Extrapolation using Prior-Data Fitted Networks" (NeurIPS 2023, section 3.1), does not hold: there,
every curve is on its own, lies in [0, 1] and rises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_LARGE = 1e5  # Diverged values and what a skewed metric makes of them stay under this, in units of the level's spread.


@dataclass(frozen=True)
class _Draw:
    """Random numbers for `T` tasks of `N` curves, all in single precision."""

    rng: np.random.Generator
    n_tasks: int
    n_curves: int

    def task(self) -> Array:
        """Uniform between 0 and 1, one for each task, `(T, 1, 1)`."""
        return np.asarray(self.rng.random((self.n_tasks, 1, 1), dtype=np.float32))

    def log_uniform(self, low: float, high: float) -> Array:
        """One for each task, `(T, 1, 1)`."""
        return np.asarray(np.exp(np.log(low) + self.task() * np.log(high / low)), dtype=np.float32)

    def chance(self, probability: float) -> Array:
        """1 with this probability, else 0, one for each task, `(T, 1, 1)`."""
        return (self.task() < probability).astype(np.float32)

    def curve(self) -> Array:
        """Standard normal, one for each curve, `(T, N, 1)`."""
        return self.rng.standard_normal((self.n_tasks, self.n_curves, 1), dtype=np.float32)

    def related(self, quality: Array) -> Array:
        """Standard normal, correlated with the quality of a network as strongly as the task has it, `(T, N, 1)`."""
        rho = 2 * self.task() - 1
        return np.asarray(rho * quality + np.sqrt(1 - rho**2) * self.curve(), dtype=np.float32)

    def noise(self, n_steps: int) -> Array:
        """Standard normal for each step, `(T, N, n_steps)`."""
        return self.rng.standard_normal((self.n_tasks, self.n_curves, n_steps), dtype=np.float32)


def draw_tasks(rng: np.random.Generator, n_tasks: int, n_curves: int, n_steps: int) -> Array:
    """Draws tasks of whole curves.

    Args:
        rng: Source of randomness.
        n_tasks: Number of tasks `T`.
        n_curves: Number of curves `N` of each task.
        n_steps: Number of steps `H` of every curve.

    Returns:
        Shape `(T, N, H)`, NaN from where a diverged curve stops being reported. The metric is in
        arbitrary units, and may rise or fall.
    """
    draw = _Draw(rng, n_tasks, n_curves)
    x = np.linspace(1 / n_steps, 1, n_steps, dtype=np.float32)
    quality = _quality(draw)
    distance = _distance(draw, quality, x)
    rate = _learning_rate(draw, x)
    start_scale = draw.log_uniform(0.3, 100.0)
    common = draw.chance(0.5)
    start = common * (start_scale + draw.log_uniform(0.01, 0.5) * start_scale * draw.curve())
    start += (1 - common) * (quality + start_scale * np.exp(draw.task() * draw.related(quality)))
    curves = quality + (start - quality) * distance
    curves += _schedule(draw, quality, rate, distance)
    curves += draw.chance(0.3) * _overfitting(draw, quality, x)
    curves += draw.chance(0.6) * draw.log_uniform(0.02, 1.0) * _wander(draw, x)
    curves += _noise(draw, distance, rate, x)
    curves = _skewed(draw, curves)
    curves = _failed(draw, curves, start)
    offset = (2 * draw.chance(0.5) - 1) * start_scale * draw.log_uniform(0.1, 30.0)
    sign = 2 * draw.chance(0.5) - 1
    return np.asarray(sign * np.clip(curves + offset, -_LARGE, _LARGE), dtype=np.float32)


def _quality(draw: _Draw) -> Array:
    """Final level of every network: normal, skewed, or of two kinds; smaller is better."""
    normal = draw.curve()
    skewed = np.exp(2 * draw.task() * normal) - 1
    skewed /= np.sqrt(np.mean(skewed**2, axis=1, keepdims=True)) + 1e-3
    kind = draw.rng.random(normal.shape, dtype=np.float32) < 0.5 * draw.task()
    two = draw.chance(0.25) * kind * draw.log_uniform(0.5, 5.0)
    skew = draw.chance(0.5)
    return np.asarray(skew * skewed + (1 - skew) * normal + two, dtype=np.float32)


def _distance(draw: _Draw, quality: Array, x: Array) -> Array:
    """What is left of the way from start to end, from 1 to about 0, `(T, N, H)`."""
    first = _decay(draw, quality, x, 0.4 / len(x), 1.0)
    second = _decay(draw, quality, x, 1.0 / len(x), 3.0)
    share = draw.chance(0.6) * draw.task() + 0.05 * draw.task() * draw.curve()
    share = np.clip(share, 0, 1)
    return np.asarray((1 - share) * first + share * second, dtype=np.float32)


def _decay(draw: _Draw, quality: Array, x: Array, shortest: float, longest: float) -> Array:
    """One phase of learning: a power law, an exponential or a sigmoid whose speed differs between the curves."""
    tau = draw.log_uniform(shortest, longest) * np.exp(draw.log_uniform(0.03, 2.5) * draw.related(quality))
    power = draw.log_uniform(0.3, 3.0) * np.exp(draw.log_uniform(0.02, 0.4) * draw.related(quality))
    ratio = x / np.clip(tau, 1e-3, 1e3)
    kind = draw.rng.integers(0, 3, draw.n_tasks)
    left: Array = np.empty_like(ratio)
    left[kind == 0] = (1 + ratio[kind == 0]) ** -power[kind == 0]
    left[kind == 1] = np.exp(-(ratio[kind == 1] ** np.clip(power[kind == 1], 0.2, 4)))
    left[kind == 2] = 1 / (1 + ratio[kind == 2] ** np.clip(2 * power[kind == 2], 0.5, 12))
    return left


def _learning_rate(draw: _Draw, x: Array) -> Array:
    """Learning rate relative to its largest: constant, cosine, linear, or with drops, `(T, 1, H)`."""
    kind = draw.task()
    cosine = 0.5 * (1 + np.cos(np.pi * x))
    first, factor = 0.2 + 0.6 * draw.task(), 0.05 + 0.35 * draw.task()
    second = first + (1 - first) * (0.3 + 0.7 * draw.task())
    drops = np.where(x > first, factor, 1.0) * np.where(x > second, factor, 1.0)
    rate = np.where(kind < 0.5, 1.0, np.where(kind < 0.72, cosine, np.where(kind < 0.8, 1 - x, drops)))
    return np.asarray(rate, dtype=np.float32)


def _schedule(draw: _Draw, quality: Array, rate: Array, distance: Array) -> Array:
    """What a high learning rate costs, once a network has learned something: gone at the end of a schedule."""
    cost = draw.log_uniform(0.05, 5.0) * np.exp(draw.log_uniform(0.1, 0.6) * draw.related(quality))
    bent = rate ** draw.log_uniform(0.5, 2.0)
    return np.asarray(cost * (bent - rate[..., -1:]) * (1 - np.clip(distance, 0, 1)), dtype=np.float32)


def _overfitting(draw: _Draw, quality: Array, x: Array) -> Array:
    """A metric that gets worse again, from a moment of each network's own."""
    begin = draw.task() + 0.2 * draw.related(quality)
    late = np.maximum(x - np.clip(begin, 0, 1), 0) ** (0.5 + 1.5 * draw.task())
    return np.asarray(late * draw.log_uniform(0.1, 10.0) * np.exp(draw.related(quality) * draw.task()))


def _wander(draw: _Draw, x: Array, n_waves: int = 3) -> Array:
    """Smooth deviations from the parametric shapes along a few directions that the task's curves share."""
    warped = x ** (0.2 + 0.8 * draw.task())
    total = np.zeros((draw.n_tasks, draw.n_curves, len(x)), dtype=np.float32)
    for _ in range(n_waves):
        wave = np.cos(draw.log_uniform(0.5, 20.0) * warped + 2 * np.pi * draw.task())
        total += (draw.curve() + 0.5 * draw.task()) * draw.task() * wave
    return total


def _noise(draw: _Draw, distance: Array, rate: Array, x: Array) -> Array:
    """White noise and drift, larger early or under a high learning rate, and heavy-tailed in some tasks."""
    n_steps = len(x)
    white = draw.noise(n_steps)
    tails = 1 + draw.chance(0.25) * (np.exp(0.7 * draw.noise(n_steps)) - 1)
    memory = np.exp(-1 / (draw.log_uniform(1.0, max(n_steps, 2))))
    drift = draw.noise(n_steps)
    for step in range(1, n_steps):
        drift[..., step] = memory[..., 0] * drift[..., step - 1] + np.sqrt(1 - memory[..., 0] ** 2) * drift[..., step]
    early = draw.chance(0.4) * draw.log_uniform(0.5, 30.0) * np.clip(distance, 0, 1)
    under = draw.chance(0.5) * draw.log_uniform(0.5, 10.0) * (rate - rate[..., -1:])
    own = np.exp(draw.log_uniform(0.05, 1.2) * draw.curve())
    size = draw.log_uniform(0.003, 0.7) * own * (1 + early + under)
    share = draw.task()
    return np.asarray(size * (np.sqrt(1 - share) * white * tails + np.sqrt(share) * drift), dtype=np.float32)


def _skewed(draw: _Draw, curves: Array) -> Array:
    """A metric with a bound on one side, as losses and accuracies have: differences shrink or grow along it."""
    spread = np.sqrt(np.mean(curves**2, axis=(1, 2), keepdims=True))
    strength = draw.log_uniform(0.2, 2.0) * (2 * draw.chance(0.5) - 1)
    bent = np.expm1(strength * np.clip(curves / spread, -4, 4)) / strength * spread
    chosen = draw.chance(0.4)
    return np.asarray(chosen * bent + (1 - chosen) * curves, dtype=np.float32)


def _failed(draw: _Draw, curves: Array, start: Array) -> Array:
    """Some networks learn nothing, and some diverge, to a large value or to none."""
    shape = (draw.n_tasks, draw.n_curves, 1)
    n_steps = curves.shape[-1]
    some = draw.chance(0.4)
    flat = draw.rng.random(shape, dtype=np.float32) < some * 0.35 * draw.task() ** 2
    still = start + draw.log_uniform(1e-3, 0.3) * draw.noise(n_steps)
    curves = np.where(flat, still, curves)
    diverged = draw.rng.random(shape, dtype=np.float32) < draw.chance(0.3) * 0.3 * draw.task() ** 2
    moment = np.ceil(n_steps * draw.rng.random(shape, dtype=np.float32) ** 2)
    after = diverged & (np.arange(n_steps) >= moment)
    bad = start + draw.log_uniform(0.3, 1000.0) * np.exp(draw.task() * draw.noise(n_steps))
    lost = draw.rng.random(shape, dtype=np.float32) < draw.chance(0.3)
    return np.asarray(np.where(after, np.where(lost, np.nan, bad), curves), dtype=np.float32)
