"""How good a predictive distribution was, once the value is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictors.curves.mixture import StudentMixture

Array = NDArray[np.float64]

_NEGLIGIBLE = 1e-6  # Probability of the components left out of the integral.
_COARSE = np.sinh(np.linspace(-5.0, 5.0, 97))  # Where the distribution function is looked at, in standard deviations,
_LEVELS = np.linspace(0.0, 1.0, 130)[1:-1]  # and at about which of its values then again.


def crps(mixture: StudentMixture, value: Array) -> Array:
    """The continuous ranked probability score, `(m,)`, in the units of the values; lower is better.

    The integral of `(F(x) - [x >= value])**2` (Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and
    Estimation", JASA 2007, equation 20) by the trapezoidal rule on points that lie where `F` rises; a mixture of
    Student-t distributions has no closed form. For a point it is the absolute error.

    Args:
        mixture: Predictives of `m` values.
        value: The values, `(m,)`.
    """
    mixture = _without_negligible(mixture)
    mean = mixture.mean()
    width = np.maximum(mixture.std(), 1e3 * np.spacing(np.abs(mean)))  # so that a point, too, has two sides
    coarse = mean[:, None] + width[:, None] * _COARSE
    below = _cdf(mixture, coarse)
    fine = np.array([np.interp(_LEVELS, f, x) for f, x in zip(below, coarse, strict=True)]).reshape(-1, len(_LEVELS))
    fine = np.concatenate([fine, value[:, None]], axis=1)
    points = np.concatenate([coarse, fine], axis=1)
    order = np.argsort(points, axis=1)
    points = np.take_along_axis(points, order, axis=1)
    below = np.take_along_axis(np.concatenate([below, _cdf(mixture, fine)], axis=1), order, axis=1)
    missed = np.where(points[:, :-1] >= value[:, None], 1.0, 0.0)  # by interval: the value itself is one of the points
    squares = (below[:, :-1] - missed) ** 2 + (below[:, 1:] - missed) ** 2
    return np.asarray((0.5 * squares * np.diff(points, axis=1)).sum(1))


def _cdf(mixture: StudentMixture, points: Array) -> Array:
    """The distribution function of every mixture at points of its own, `(m, n)`."""
    return np.stack([mixture.cdf(column) for column in points.T], axis=1)


def _without_negligible(mixture: StudentMixture) -> StudentMixture:
    """Most shapes of a dictionary are ruled out for any one curve: without its least probable components."""
    order = np.argsort(-mixture.weights, axis=1)
    rest = 1.0 - np.cumsum(np.take_along_axis(mixture.weights, order, axis=1), axis=1)
    order = order[:, : int((rest > _NEGLIGIBLE).sum(1).max(initial=0)) + 1]
    weights, loc, scale, dof = (
        np.take_along_axis(part, order, axis=1) for part in (mixture.weights, mixture.loc, mixture.scale, mixture.dof)
    )
    return StudentMixture(weights / weights.sum(1, keepdims=True), loc, scale, dof)
