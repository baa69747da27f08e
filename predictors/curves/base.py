"""What every predictor of a final value from a partial learning curve can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from predictors.curves.mixture import StudentMixture

Array = NDArray[np.float64]
Prior = tuple[ArrayLike, ArrayLike]


_DIVERGED = 1e100


def check_curves(X: ArrayLike) -> Array:
    """Returns curves as a float matrix with NaN for what is not a finite number.

    An infinite value, or one beyond 1e100, says that training diverged; as a measurement it says
    nothing more, so it counts as not observed.

    Raises:
        ValueError: If `X` is not a matrix of real numbers with at least one column.
    """
    curves = np.array(X, dtype=np.float64)
    if curves.ndim != 2 or curves.shape[1] == 0:
        raise ValueError(
            f"`X` must have shape (n_curves, n_steps) with at least one step, but got shape {curves.shape}."
        )
    curves[~(np.abs(curves) <= _DIVERGED)] = np.nan
    return curves


class CurvePredictor(BaseEstimator, ABC):
    """Base of the estimators of a value late in a learning curve from its beginning.

    A curve is a row of a matrix: column `j` holds the metric after step `j + 1`, NaN where nothing
    was observed. The metric is any real number, rising or falling; whether larger is better is
    the caller's business. A subclass implements `fit`, which sets `horizon_`, and `predictive`.

    Attributes:
        horizon_: Number of steps of a whole curve.
    """

    horizon_: int

    @abstractmethod
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learns from finished curves.

        Args:
            X: Shape `(n_curves, n_steps)`, NaN where not observed; `n_curves` may be 0.
            y: Ignored, here for scikit-learn.
        """

    @abstractmethod
    def predictive(self, X: ArrayLike, at: int | None = None, prior: Prior | None = None) -> StudentMixture:
        """The distribution of the measured value (noise included) at one step.

        Args:
            X: Partial curves, shape `(n_curves, n_steps)` with `n_steps` up to the horizon; a
                row without an observed value gets the prior.
            at: The step to predict, counted from 1; the last step if None. Where a curve has
                been observed at that step, the answer is the observed value.
            prior: Mean and standard deviation of the final values as known from elsewhere (say,
                a graph predictor), one number or one per curve.

        Returns:
            One distribution for each curve.
        """

    @overload
    def predict(
        self,
        X: ArrayLike,
        at: int | None = ...,
        return_std: Literal[False] = ...,
        prior: Prior | None = ...,
    ) -> Array: ...
    @overload
    def predict(
        self,
        X: ArrayLike,
        at: int | None = ...,
        *,
        return_std: Literal[True],
        prior: Prior | None = ...,
    ) -> tuple[Array, Array]: ...
    def predict(
        self,
        X: ArrayLike,
        at: int | None = None,
        return_std: bool = False,
        prior: Prior | None = None,
    ) -> Array | tuple[Array, Array]:
        """The mean of the value at a step, with its standard deviation on request, `(n_curves,)`.

        See `predictive` for the arguments.
        """
        distribution = self.predictive(X, at=at, prior=prior)
        if return_std:
            return distribution.mean(), distribution.std()
        return distribution.mean()

    def quantiles(self, X: ArrayLike, q: ArrayLike, at: int | None = None, prior: Prior | None = None) -> Array:
        """Quantiles of the value at a step, shape `(n_curves, n_quantiles)`.

        Args:
            X: See `predictive`.
            q: Probabilities strictly between 0 and 1, shape `(n_quantiles,)`.
            at: See `predictive`.
            prior: See `predictive`.

        Raises:
            ValueError: If a probability is not strictly between 0 and 1.
        """
        levels = np.atleast_1d(np.asarray(q, dtype=np.float64))
        if not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"`q` must lie strictly between 0 and 1, but got {levels}.")
        distribution = self.predictive(X, at=at, prior=prior)
        return np.stack([distribution.quantile(level) for level in levels], axis=1)

    def prob_above(
        self,
        X: ArrayLike,
        threshold: ArrayLike,
        at: int | None = None,
        prior: Prior | None = None,
    ) -> Array:
        """The probability that the value at a step exceeds `threshold`, shape `(n_curves,)`.

        See `predictive` for the other arguments; `threshold` is one number or one per curve.
        """
        return 1.0 - self.predictive(X, at=at, prior=prior).cdf(threshold)

    def _check_query(self, X: ArrayLike, at: int | None) -> tuple[Array, int]:
        """Returns the curves padded to the horizon, and the column to predict."""
        check_is_fitted(self, "horizon_")
        curves = check_curves(X)
        n_steps = curves.shape[1]
        if n_steps > self.horizon_:
            raise ValueError(f"`X` must have at most {self.horizon_} steps, the horizon, but got {n_steps}.")
        step = self.horizon_ if at is None else at
        if not 1 <= step <= self.horizon_:
            raise ValueError(f"`at` must lie between 1 and {self.horizon_}, but got {at}.")
        return pad(curves, self.horizon_), int(step) - 1


def pad(curves: Array, n_steps: int) -> Array:
    """Returns curves with NaN columns added up to `n_steps`."""
    missing = ((0, 0), (0, n_steps - curves.shape[1]))
    return np.pad(curves, missing, constant_values=np.nan)
