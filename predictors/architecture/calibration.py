"""From the scores of a ranking ensemble, which have no scale, to means and standard deviations of normal scores."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.base import draw_per_architecture
from predictors.architecture.error_law import HeldOut
from predictors.architecture.inputs import Inputs

Array = NDArray[np.float64]

_PRIOR_WEIGHT = 1.0
"""Observations that the prior, residuals of variance 1, counts for."""
_MIN_SLOPE = 0.1
"""Against the spread of the scores. A ranking learned from a few networks may look useless on those left out; it still
is the best guess."""
_MIN_SHARE = 0.25


@dataclass(frozen=True)
class Calibration:
    """A line from the members' mean to normal scores, and a spread that grows with their disagreement.

    Attributes:
        centre: Mean score of each member over the observations, `(members, 1)`.
        scale: Standard deviation of the same, `(members, 1)`.
        slope: Normal scores per unit of standardised score.
        intercept: Normal score at the centre.
        residual: Variance that the members' disagreement does not account for.
    """

    centre: Array
    scale: Array
    slope: float
    intercept: float
    residual: float

    @classmethod
    def fit(cls, predicted: Array, held_out: NDArray[np.bool_], scores: Array, noise: Array) -> Self:
        """Learns the line from what each member says about the observations it has not seen.

        Args:
            predicted: Scores of each member for each observation, `(members, n)`.
            held_out: Which observations each member was not trained on, `(members, n)`.
            scores: Normal scores of the observations, `(n,)`.
            noise: Their standard deviations, `(n,)`.
        """
        centre = predicted.mean(axis=1, keepdims=True)
        scale = predicted.std(axis=1, keepdims=True)
        scale[scale < 1e-9] = 1.0
        standard = (predicted - centre) / scale
        member, observation = np.nonzero(held_out)
        x, z = standard[member, observation], scores[observation]
        weights = 1.0 / (1.0 + noise[observation] ** 2)
        total = max(weights.sum(), 1e-12)
        x_mean, z_mean = weights @ x / total, weights @ z / total
        covariance = weights @ ((x - x_mean) * (z - z_mean))
        lowest = _MIN_SLOPE * np.sqrt(weights @ (z - z_mean) ** 2 / total)
        slope = max(covariance / (weights @ (x - x_mean) ** 2 + _PRIOR_WEIGHT), lowest)
        # The noise of an observation is no error of the prediction.
        squares = np.maximum((z - z_mean - slope * (x - x_mean)) ** 2 - noise[observation] ** 2, 0.0)
        error = (weights @ squares + _PRIOR_WEIGHT) / (weights.sum() + _PRIOR_WEIGHT)
        disagreement = slope**2 * float(np.mean(_spread(standard) ** 2))
        return cls(
            centre=centre,
            scale=scale,
            slope=float(slope),
            intercept=float(z_mean - slope * x_mean),
            residual=float(max(error - disagreement, _MIN_SHARE * error)),
        )

    def members(self, predicted: Array) -> Array:
        """Each member's normal scores, `(members, m)`, from its raw ones."""
        return np.asarray(self.intercept + self.slope * (predicted - self.centre) / self.scale)

    def held_out(self, predicted: Array, held_out: NDArray[np.bool_]) -> HeldOut:
        """What the members that have not seen an observation say about it, from raw scores `(members, n)`."""
        members = np.where(held_out, self.members(predicted), np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # an observation that every member has seen
            return HeldOut(np.nanmean(members, axis=0), self.moments(predicted)[1])

    def moments(self, predicted: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of normal scores, `(m,)` each, from the members' raw scores `(members, m)`."""
        members = self.members(predicted)
        return members.mean(axis=0), np.sqrt(self.residual + _spread(members) ** 2)

    def sample(self, predicted: Array, inputs: Inputs, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Mean `(m,)` and draws `(n, m)` of normal scores, from raw scores `(members, m)` of `inputs`.

        A draw goes from the mean towards some members and away from others, the same way for all architectures, and
        misses each by a residual of its own.
        """
        members = self.members(predicted)
        mean = members.mean(axis=0)
        mix = rng.standard_normal((n, len(members))) / np.sqrt(len(members) - 1)
        missed = draw_per_architecture(inputs, n, rng) * np.sqrt(self.residual)
        return mean, mean + mix @ (members - mean) + missed


def _spread(members: Array) -> Array:
    return np.asarray(members.std(axis=0, ddof=1))
