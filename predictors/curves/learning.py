"""Empirical Bayes: what finished curves say of the next one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from predictors.curves.conjugate import CurvePrior, condition
from predictors.curves.shapes import empirical_shapes, parametric_shapes

Array = NDArray[np.float64]
Index = NDArray[np.intp]

# Pseudo-observations: how many finished curves it takes to outweigh what is assumed. All were
# chosen by log score on recurrent networks' and TaskSet's validation losses.
_SHAPE_CURVES = 4.0
_NOISE_CURVES = 25.0
_LEVEL_CURVES = 2.0
_EMPIRICAL_MASS = 0.8  # Prior probability of a shape learned from the finished curves.
_ALPHA = 1.5  # Noise differs between curves: three degrees of freedom before the first point.
_ROUNDS = 2
_BROAD = np.diag([0.25, 1.0])  # Covariance of (a, b) in units of the curves' spread.


def observed_groups(curves: Array) -> Iterator[tuple[Index, Index]]:
    """Yields the rows that are observed at the same columns, and these columns."""
    groups: dict[bytes, list[int]] = {}
    seen = np.isfinite(curves)
    for row, pattern in enumerate(seen):
        groups.setdefault(pattern.tobytes(), []).append(row)
    for rows in groups.values():
        yield np.array(rows, dtype=np.intp), np.flatnonzero(seen[rows[0]])


def last_values(curves: Array) -> Array:
    """The last observed value of every row, NaN for a row without one, shape `(m,)`."""
    seen = np.isfinite(curves)
    column = curves.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    return np.asarray(curves[np.arange(len(curves)), column])


def assumed_correlation(horizon: int) -> Array:
    """Noise over the steps before it is learned: drifting misfit and a share of white noise."""
    step = np.arange(horizon)
    drift = np.exp(-np.abs(step[:, None] - step) / max(1.0, horizon / 6))
    return np.asarray(0.1 * np.eye(horizon) + 0.9 * drift)


def vague_prior(horizon: int) -> CurvePrior:
    """The prior without finished curves, in units of what was seen of the curve itself."""
    phi, weights = parametric_shapes(horizon)
    cov = np.diag([1.0, 4.0])
    correlation = assumed_correlation(horizon)
    return CurvePrior(phi, np.log(weights), np.zeros(2), cov, 0.01, _ALPHA, correlation)


def learn_prior(curves: Array) -> CurvePrior:
    """Learns shapes, levels and noise from finished curves by expectation maximisation.

    Args:
        curves: Shape `(m, H)` with m of at least 1, standardised, NaN where not observed, every
            row with an observed value.
    """
    horizon = curves.shape[1]
    phi, assumed_weights = _dictionary(curves)
    start = np.array([row[np.isfinite(row)][0] for row in curves])
    final = last_values(curves)
    levels = np.stack([final, start - final], axis=1)
    mean, cov = _robust_moments(levels)
    assumed = assumed_correlation(horizon)
    prior = CurvePrior(phi, np.log(assumed_weights), mean, cov, _rough_noise(curves), _ALPHA, assumed)
    n_seen = np.isfinite(curves).sum(0) + _NOISE_CURVES
    for _ in range(_ROUNDS):
        share = np.zeros(len(phi))
        variance = np.zeros(len(curves))
        residual = np.zeros_like(curves)
        for rows, steps in observed_groups(curves):
            seen = curves[np.ix_(rows, steps)]
            posterior = condition(prior, seen, steps)
            share += posterior.weights.sum(0)
            a, scaled = posterior.weights * posterior.a, posterior.weights * posterior.b
            levels[rows] = np.stack([a.sum(1), scaled.sum(1)], axis=1)
            variance[rows] = (posterior.weights * posterior.variance).sum(1)
            residual[np.ix_(rows, steps)] = seen - a.sum(1)[:, None] - scaled @ phi[:, steps]
        weights = (share + _SHAPE_CURVES * assumed_weights) / (len(curves) + _SHAPE_CURVES)
        mean, cov = _robust_moments(levels)
        residual /= np.sqrt(variance)[:, None]
        pooled = residual.T @ residual + _NOISE_CURVES * assumed
        correlation = pooled / np.sqrt(np.outer(n_seen, n_seen))
        noise = max(float(np.median(variance)), 1e-8)
        prior = CurvePrior(phi, np.log(weights), mean, cov, noise, _ALPHA, correlation)
    return prior


def _dictionary(curves: Array) -> tuple[Array, Array]:
    """The shapes and their weights before the curves are explained by them."""
    phi, weights = parametric_shapes(curves.shape[1])
    whole = curves[np.isfinite(curves[:, [0, -1]]).all(1)]
    column = np.arange(curves.shape[1])
    filled = [np.interp(column, column[np.isfinite(row)], row[np.isfinite(row)]) for row in whole]
    learned = empirical_shapes(np.array(filled).reshape(whole.shape))
    if len(learned) == 0:
        return phi, weights
    share = np.full(len(learned), _EMPIRICAL_MASS / len(learned))
    return np.concatenate([phi, learned]), np.append((1 - _EMPIRICAL_MASS) * weights, share)


def _rough_noise(curves: Array) -> float:
    """A first noise variance from second differences, which a smooth curve hardly has."""
    bend = np.diff(curves, 2, axis=1)
    bend = bend[np.isfinite(bend)]
    if len(bend) == 0:
        return 0.01
    return max(float(np.median(np.abs(bend)) / 0.6745) ** 2 / 6, 1e-6)


def _robust_moments(values: Array, dof: float = 3.0) -> tuple[Array, Array]:
    """Location and covariance under a multivariate t, so that diverged curves do not count.

    The spread of the estimate of the location is in the covariance.
    """
    m = len(values)
    mean, cov = np.median(values, axis=0), _BROAD
    for _ in range(15):
        gap = values - mean
        distance = np.einsum("mi,ij,mj->m", gap, np.linalg.inv(cov), gap)
        weight = (dof + 2) / (dof + distance)
        mean = weight @ values / weight.sum()
        gap = values - mean
        cov = ((gap * weight[:, None]).T @ gap + _LEVEL_CURVES * _BROAD) / (m + _LEVEL_CURVES)
    return mean, cov * (1 + 1 / m)
