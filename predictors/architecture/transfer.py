"""Learning from a predictor of another data set or task: what it says is where the new one starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.error_law import HeldOut

Array = NDArray[np.float64]

_SLOPE_WEIGHT = 5.0
"""Observations that the prior of the slope, 1, counts for."""
_PRIOR_VARIANCE = 0.25
"""Of what the source does not explain, worth one observation."""


@dataclass(frozen=True)
class PriorMean:
    """A prior mean `intercept + slope * s` of normal scores, `s` being the source's; what is left is learned anew.

    As the mean function of Gaussian process transfer (e.g. Golovin et al., "Google Vizier", KDD 2017, sec. 3.3: a stack
    of regressors on residuals), for any kind of predictor. The identity, `intercept` 0 and `slope` 0, is no source.

    Attributes:
        slope: Scores per score of the source.
        intercept: Where the source's scores are 0.
        scale: Standard deviation of what is left.
    """

    slope: float = 0.0
    intercept: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, source: Array, scores: Array, noise: Array) -> Self:
        """Ridge regression towards slope 1.

        Args:
            source: The source's scores of `n` observations.
            scores: Their normal scores, `(n,)`.
            noise: Standard deviations of these, `(n,)`.
        """
        weights = 1.0 / (1.0 + noise**2)
        source_mean, mean = np.average(source, weights=weights), np.average(scores, weights=weights)
        x, z = source - source_mean, scores - mean
        slope = (weights @ (x * z) + _SLOPE_WEIGHT) / (weights @ (x * x) + _SLOPE_WEIGHT)
        left = z - slope * x
        variance = (weights @ (left * left) + _PRIOR_VARIANCE) / (weights.sum() + 1.0)
        return cls(slope=float(slope), intercept=float(mean - slope * source_mean), scale=float(np.sqrt(variance)))

    def remove(self, scores: Array, source: Array) -> Array:
        """What the source leaves unexplained, in units of `scale`, `(n,)`."""
        return (scores - self.intercept - self.slope * source) / self.scale

    def add(self, rest: Array, source: Array) -> Array:
        """Inverse of `remove`; `rest` may be `(draws, n)`."""
        return np.asarray(self.intercept + self.slope * source + self.scale * rest)

    def add_to(self, held_out: HeldOut, source: Array) -> HeldOut:
        """Predictions of what is left, as predictions of scores."""
        return HeldOut(self.add(held_out.mean, source), self.scale * held_out.std)
