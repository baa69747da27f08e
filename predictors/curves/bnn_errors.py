"""Errors over the steps of a curve as a multivariate t distribution: how large they are differs between curves."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from predictors.curves.base import Array
from predictors.curves.learning import Index, observed_groups

DOF = 4.0
"""Degrees of freedom."""

_ASSUMED_CURVES = 2.0  # Curves that count as much as what is assumed.
_ASSUMED_STD = 0.2  # In units of the curves' spread.
_SLOW = 1.0  # Share of the horizon in which errors drift.
_NOISE = 0.003  # Share of their variance.
_ROUNDS = 10
_LEAST_STD = 0.003  # In any direction, in units of the curves' spread.


def condition_t(scale_matrix: Array, error: Array, steps: Index, column: int) -> tuple[Array, Array, Array, Array]:
    """What the errors of several models at some steps say of the models, and of their error at another step.

    Ding, "On the conditional distribution of the multivariate t distribution" (American Statistician 2016, section 2).

    Args:
        scale_matrix: `(horizon, horizon)`.
        error: `(s, n)`.
        steps: Columns of the errors, `(n,)`, at least one.
        column: The other one.

    Returns:
        Probabilities of the models; location, scale and degrees of freedom of their errors at `column`; `(s,)` each.
    """
    n = len(steps)
    factor = cho_factor(scale_matrix[np.ix_(steps, steps)], lower=True)
    gain = cho_solve(factor, scale_matrix[steps, column])
    distance = (error * cho_solve(factor, error.T).T).sum(1)
    weights = softmax(-0.5 * (DOF + n) * np.log1p(distance / DOF))
    variance = max(scale_matrix[column, column] - gain @ scale_matrix[steps, column], _LEAST_STD**2)
    scale = np.sqrt(variance * (DOF + distance) / (DOF + n))
    return weights, error @ gain, scale, np.full(len(error), DOF + n)


def assumed_scale_matrix(horizon: int) -> Array:
    """Errors of a fifth of the curves' spread that are a level, a slow drift and hardly any noise."""
    step = np.arange(horizon) / horizon
    drift = np.exp(-0.5 * ((step[:, None] - step) / _SLOW) ** 2)
    return np.asarray(_ASSUMED_STD**2 * (0.5 + 0.5 * drift + _NOISE * np.eye(horizon)))


def learn_scale_matrix(error: Array, known: Array, assumed: Array) -> Array:
    """The scale matrix of errors, by expectation maximisation.

    Args:
        error: `(m, horizon)`, at least one, NaN where not observed.
        known: Deviations whose spread explains a part of the errors, `(s, m, horizon)`.
        assumed: Scale matrix whose correlations, but not whose size, count as much as two curves.
    """
    seen = np.isfinite(error)
    count = np.maximum(seen.T.astype(np.float64) @ seen, 1.0)
    share = len(error) / (len(error) + _ASSUMED_CURVES)
    filled, around = np.where(seen, error, 0.0), np.where(seen, known, 0.0) / np.sqrt(len(known))
    weight = np.ones(len(error))
    correlation = assumed / np.sqrt(np.outer(np.diag(assumed), np.diag(assumed)))
    for _ in range(_ROUNDS):
        scatter = (filled * weight[:, None]).T @ filled
        size = np.sqrt(np.maximum(np.diag(scatter) / np.diag(count), _LEAST_STD**2))
        explained = np.einsum("smi,smj->ij", around * weight[:, None], around)
        matrix = _positive(share * (scatter - explained) / count + (1 - share) * correlation * np.outer(size, size))
        for rows, steps in observed_groups(error):
            if len(steps):
                factor = cho_factor(matrix[np.ix_(steps, steps)], lower=True)
                own = filled[np.ix_(rows, steps)]
                distance = (own * cho_solve(factor, own.T).T).sum(1)
                weight[rows] = (DOF + len(steps)) / (DOF + distance)
    return matrix


def _positive(matrix: Array) -> Array:
    variance, axes = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return np.asarray((axes * np.maximum(variance, _LEAST_STD**2)) @ axes.T)
