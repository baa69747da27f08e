"""How far values fall from their predictions, learned from predictions of observations that were left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Array = NDArray[np.float64]

_FREEDOM = np.array([3.0, 4.0, 6.0, 10.0, 30.0])
_SCALES = np.exp(np.linspace(np.log(0.4), np.log(2.5), 41))
_PRIOR_WIDTH = 0.5
"""Standard deviation of the logarithm of the scale before any observation: predicted deviations are about right."""


@dataclass(frozen=True)
class HeldOut:
    """Predictions of normal scores of the observations of `fit`, each made without having seen its value.

    Attributes:
        mean: `(n,)`; NaN where there is none.
        std: `(n,)`.
    """

    mean: Array
    std: Array

    @classmethod
    def none(cls, n: int) -> Self:
        """No prediction was made."""
        return cls(np.full(n, np.nan), np.ones(n))


@dataclass(frozen=True)
class ErrorLaw:
    """A Student t distribution of errors in units of the predicted standard deviation.

    Normal intervals are too wide in the middle and too narrow in the tails where a few networks surprise; the degrees
    of freedom say how many do.

    Attributes:
        scale: Of the distribution.
        freedom: Degrees of freedom, more than 2.
    """

    scale: float = 1.0
    freedom: float = float(_FREEDOM[-1])

    @classmethod
    def fit(cls, held_out: HeldOut, scores: Array, noise: Array) -> Self:
        """The most probable law on a grid.

        Args:
            held_out: Predictions of `n` observations.
            scores: Their normal scores, `(n,)`.
            noise: Standard deviations of these, `(n,)`; the less sure a score, the less it counts.
        """
        known = np.isfinite(held_out.mean)
        if not known.any():
            return cls()
        std = np.sqrt(held_out.std[known] ** 2 + noise[known] ** 2)
        errors = (scores[known] - held_out.mean[known]) / std
        weights = 1.0 / (1.0 + noise[known] ** 2)
        densities = student.logpdf(errors, _FREEDOM[:, None, None], scale=_SCALES[:, None])
        posterior = densities @ weights - 0.5 * (np.log(_SCALES) / _PRIOR_WIDTH) ** 2
        freedom, scale = np.unravel_index(np.argmax(posterior), posterior.shape)
        return cls(scale=float(_SCALES[scale]), freedom=float(_FREEDOM[freedom]))

    @property
    def std(self) -> float:
        """Standard deviation."""
        return float(self.scale * np.sqrt(self.freedom / (self.freedom - 2.0)))

    def quantiles(self, q: Array) -> Array:
        """Quantiles, of the shape of `q`."""
        return np.asarray(self.scale * student.ppf(q, self.freedom))
