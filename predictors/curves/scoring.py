"""How good a predictive distribution was, once the value is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from predictors.curves.mixture import StudentMixture

Array = NDArray[np.float64]

_NEGLIGIBLE = 1e-5  # Most shapes of a dictionary are ruled out for any one curve: probability of a component left out.
_COARSE = np.sinh(np.linspace(-5.0, 5.0, 41))  # Where the distribution function is looked at, in standard deviations,
_LEVELS = np.linspace(0.0, 1.0, 66)[1:-1]  # and at about which of its values then again.


def crps_and_median(mixture: StudentMixture, value: Array) -> tuple[Array, Array]:
    """The continuous ranked probability scores, in the units of the values, and the medians, `(m,)` each.

    The score, which is better lower, is the integral of `(F(x) - [x >= value])**2` (Gneiting and Raftery, "Strictly
    Proper Scoring Rules, Prediction, and Estimation", JASA 2007, equation 20) by the trapezoidal rule on points that
    lie where `F` rises; a mixture of Student-t distributions has no closed form. For a point it is the absolute error.

    Args:
        mixture: Predictives of `m` values.
        value: The values, `(m,)`.
    """
    if len(value) == 0:
        return np.empty(0), np.empty(0)
    cdf, mean = _distribution_functions(mixture), mixture.mean()
    width = np.maximum(mixture.std(), 1e3 * np.spacing(np.abs(mean)))  # so that a point, too, has two sides
    coarse = mean[:, None] + width[:, None] * _COARSE
    below = cdf(coarse)
    fine = np.array([np.interp(_LEVELS, f, x) for f, x in zip(below, coarse, strict=True)])
    fine = np.concatenate([fine, value[:, None]], axis=1)
    points, below = np.concatenate([coarse, fine], axis=1), np.concatenate([below, cdf(fine)], axis=1)
    order = np.argsort(points, axis=1)
    points, below = np.take_along_axis(points, order, axis=1), np.take_along_axis(below, order, axis=1)
    median = np.array([np.interp(0.5, f, x) for f, x in zip(below, points, strict=True)])
    missed = np.where(points[:, :-1] >= value[:, None], 1.0, 0.0)  # by interval: the value itself is one of the points
    squares = (below[:, :-1] - missed) ** 2 + (below[:, 1:] - missed) ** 2
    return (0.5 * squares * np.diff(points, axis=1)).sum(1), median


def _distribution_functions(mixture: StudentMixture) -> Callable[[Array], Array]:
    """The distribution functions of all mixtures, at points of their own, `(m, n)` to `(m, n)`."""
    kept = mixture.weights > _NEGLIGIBLE
    row, begin = np.nonzero(kept)[0], np.flatnonzero(np.diff(np.nonzero(kept)[0], prepend=-1))
    weight, loc, scale, dof = (part[kept] for part in (mixture.weights, mixture.loc, mixture.scale, mixture.dof))
    weight = weight / np.add.reduceat(weight, begin)[row]
    spread = np.where(scale > 0, scale, 1.0)

    def cdf(points: Array) -> Array:
        gaps = (column[row] - loc for column in points.T)
        parts = (np.where(scale > 0, stdtr(dof, gap / spread), gap >= 0) for gap in gaps)
        return np.stack([np.add.reduceat(weight * part, begin) for part in parts], axis=1)

    return cdf
