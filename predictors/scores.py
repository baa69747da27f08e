"""Normal scores: the monotone map between the user's units and standard normal quantiles of the ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()

_MIN_WEIGHT = 0.1
_REACH = 1.0
"""Scores over which the slope beyond the extremes is measured."""


@dataclass(frozen=True)
class ScoreMap:
    """An increasing, piecewise linear map between values and scores.

    Values are ranked, ranks become quantiles of the standard normal distribution, and ties share one score. Beyond the
    extremes the map goes on as steep as it was on average over the last unit of score. With a single distinct value
    nothing says how wide values are: one unit of score is then one unit of value.

    Attributes:
        values: Distinct observed values, ascending, `(k,)`.
        scores: Their normal scores, ascending, `(k,)`.
    """

    values: Array
    scores: Array

    @classmethod
    def fit(cls, y: Array, y_std: Array | None = None) -> Self:
        """Learns the map from values `(n,)`.

        A value known with a standard deviation counts for less the wider it is against the spread of the values, and
        one that counts for less than a tenth does not bend the map at all.
        """
        weights = np.ones(len(y))
        if y_std is not None:
            low, high = np.quantile(y, (0.16, 0.84))
            spread = 0.5 * (high - low) or 1.0
            weights = 1.0 / (1.0 + (y_std / spread) ** 2)
            weights /= weights.max()
        kept = weights >= _MIN_WEIGHT
        values, which = np.unique(y[kept], return_inverse=True)
        mass = np.bincount(which, weights=weights[kept])
        below = np.cumsum(mass) - 0.5 * mass
        return cls(values=values, scores=np.asarray(ndtri(below / mass.sum())))

    def to_scores(self, values: Array) -> Array:
        """Scores of values in the user's units, of any shape."""
        return self._map(values, self.values, self.scores)

    def to_values(self, scores: Array) -> Array:
        """Inverse of `to_scores`."""
        return self._map(scores, self.scores, self.values)

    def score_std(self, y: Array, y_std: Array) -> Array:
        """Standard deviation, in scores, of values known with the given standard deviations, `(n,)`."""
        return _moments(self.to_scores(y[:, None] + y_std[:, None] * _NODES))[1]

    def value_moments(self, mean: Array, std: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, in the user's units, of values whose scores are normal, each `(n,)`."""
        return _moments(self.to_values(mean[:, None] + std[:, None] * _NODES))

    def _map(self, x: Array, xs: Array, ys: Array) -> Array:
        if len(xs) == 1:
            return np.asarray(ys[0] + (x - xs[0]))
        inner, below, above = np.interp(x, xs, ys), np.minimum(x - xs[0], 0.0), np.maximum(x - xs[-1], 0.0)
        low, high = self._slopes()
        if xs is self.values:
            low, high = 1.0 / low, 1.0 / high
        return np.asarray(inner + low * below + high * above)

    def _slopes(self) -> tuple[float, float]:
        """Values per score below the lowest and above the highest."""
        reach = min(_REACH, self.scores[-1] - self.scores[0])
        low, high = np.interp([self.scores[0] + reach, self.scores[-1] - reach], self.scores, self.values)
        return float(low - self.values[0]) / reach, float(self.values[-1] - high) / reach


def _moments(at_nodes: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of what Gauss-Hermite nodes were mapped to, `(n, nodes)` to `(n,)` twice."""
    mean = at_nodes @ _WEIGHTS
    return mean, np.sqrt(np.maximum((at_nodes - mean[:, None]) ** 2 @ _WEIGHTS, 0.0))
