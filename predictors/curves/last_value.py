"""The baseline: a curve ends where it is."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictors.curves.base import CurvePredictor, Prior, check_curves, pad
from predictors.curves.learning import last_values
from predictors.curves.mixture import StudentMixture
from predictors.curves.prior import check_prior

Array = NDArray[np.float64]

_DOF = 4.0
_ASSUMED = 1.0  # Finished curves that the spread of the final values counts as, for the spread of what follows.
_SMALLEST = 1e-9  # Least scale, in units of the values: curves that never move do not make a value certain.
_PER_STD = np.sqrt((_DOF - 2) / _DOF)  # Scale of a Student t over its standard deviation.


class LastValueCurvePredictor(CurvePredictor):
    """Predicts the value last observed, as ranking networks early takes for granted (see `rank_stability`).

    The spread around it is a Student t distribution of four degrees of freedom, whose scale is learned for every
    length of the observed part from how far finished curves went from there.

    Args:
        horizon: Number of steps of a whole curve; None takes the number of columns in `fit`.

    Attributes:
        horizon_: Number of steps of a whole curve.
        finished_: The curves learned from, `(n_curves, horizon_)`.
    """

    finished_: Array

    def __init__(self, horizon: int | None = None) -> None:
        self.horizon = horizon

    def fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002
        """Learns spreads from finished curves.

        Args:
            X: Shape `(n_curves, n_steps)`, NaN where not observed; `n_curves` may be 0.
            y: Ignored, here for scikit-learn.

        Raises:
            ValueError: If `X` is not such a matrix or has more steps than `horizon`, or if that is less than 1.
        """
        curves = check_curves(X)
        horizon = curves.shape[1] if self.horizon is None else self.horizon
        if horizon < 1:
            raise ValueError(f"`horizon` must be at least 1, but got {horizon}.")
        if curves.shape[1] > horizon:
            raise ValueError(f"`X` must have at most {horizon} steps, the horizon, but got {curves.shape[1]}.")
        self.horizon_ = horizon
        self.finished_ = pad(curves[np.isfinite(curves).any(1)], horizon)
        return self

    def predictive(self, X: ArrayLike, at: int | None = None, prior: Prior | None = None) -> StudentMixture:
        """The distribution of the measured value at one step; see `CurvePredictor.predictive`.

        `prior` moves the prediction of the last step only, as a second measurement with its own variance would.

        Raises:
            ValueError: If `X` has more steps than the horizon, `at` lies outside 1 and the
                horizon, or the standard deviation in `prior` is not above 0.
        """
        curves, column = self._check_query(X, at)
        told = None if prior is None else check_prior(prior, len(curves))
        mean, std = self._marginal(column)
        seen, known = np.isfinite(curves).any(1), np.isfinite(curves[:, column])
        loc, scale = np.where(seen, last_values(curves), mean), np.where(seen, self._spread(curves, column), std)
        if told is not None and column == self.horizon_ - 1:
            trust = np.where(seen, 1.0 / (1.0 + (scale / told[1]) ** 2), 0.0)
            loc = trust * loc + (1.0 - trust) * told[0]
            scale = np.where(seen, np.sqrt(trust) * scale, told[1])
        scale = np.maximum(scale, _SMALLEST * np.maximum(np.abs(loc), 1e-3))
        loc, scale = np.where(known, curves[:, column], loc), np.where(known, 0.0, _PER_STD * scale)
        whole = np.ones((len(curves), 1))
        return StudentMixture(whole, loc[:, None], scale[:, None], _DOF * whole)

    def _spread(self, curves: Array, column: int) -> Array:
        """Standard deviation of what follows the last observed value of each curve, `(m,)`."""
        seen = np.isfinite(curves)
        if len(self.finished_) == 0:
            low, high = (
                extreme(np.where(seen, curves, last_values(curves)[:, None]), axis=1) for extreme in (np.min, np.max)
            )
            return np.where(high > low, high - low, np.where(high == 0, 1.0, np.abs(high)))
        last = curves.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
        by_length = {begin: self._scale(begin, column) / _PER_STD for begin in np.unique(last).tolist()}
        return np.array([by_length[begin] for begin in last.tolist()])

    def _marginal(self, column: int) -> tuple[float, float]:
        """Centre and standard deviation of the finished curves' values at a column, or of all where none has one."""
        values = self.finished_[:, column]
        values = values[np.isfinite(values)]
        if len(values) == 0:
            values = self.finished_[np.isfinite(self.finished_)]
        if len(values) == 0:
            return 0.0, 1.0
        low, middle, high = np.percentile(values, [10, 50, 90])
        return float(middle), float(high - low) / 2.56 or float(np.ptp(values)) or abs(float(middle)) or 1.0

    def _scale(self, begin: int, end: int) -> float:
        """Scale of how far finished curves went from one column to the other: the most probable one."""
        gaps = self.finished_[:, end] - self.finished_[:, begin]
        gaps = gaps[np.isfinite(gaps)]
        spread = self._marginal(end)[1]
        var = spread**2
        for _ in range(30):
            weights = (_DOF + 1) / (_DOF + gaps**2 / max(var, np.finfo(float).tiny))
            var = float(weights @ gaps**2 + _ASSUMED * spread**2) / (len(gaps) + _ASSUMED)
        return float(np.sqrt(var))
