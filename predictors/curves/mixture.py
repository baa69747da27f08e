"""A mixture of Student-t distributions per curve: what a curve predictor says of one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, logsumexp, stdtr

Array = NDArray[np.float64]


_BULK = (0.158655, 0.5, 0.841345)


@dataclass(frozen=True)
class StudentMixture:
    """One mixture of `k` Student-t components for each of `m` curves.

    Attributes:
        weights: Shape `(m, k)`, each row sums to 1.
        loc: Shape `(m, k)`, in the units of the metric.
        scale: Shape `(m, k)`, not negative; 0 is a value known exactly.
        dof: Shape `(m, k)`, degrees of freedom, above 2 so that the standard deviation exists.
    """

    weights: Array
    loc: Array
    scale: Array
    dof: Array

    @classmethod
    def mixed(cls, parts: Sequence[StudentMixture], shares: Sequence[Array] | Array) -> Self:
        """The mixtures of mixtures of the same `m` values.

        Args:
            parts: `n` of them, with any numbers of components.
            shares: Of each, `(n, m)`, not negative, with sums of 1 over the parts.
        """
        weights = [share[:, None] * part.weights for part, share in zip(parts, shares, strict=True)]
        rest = ([getattr(part, name) for part in parts] for name in ("loc", "scale", "dof"))
        return cls(*(np.concatenate(each, axis=1) for each in (weights, *rest)))

    def mean(self) -> Array:
        """The mean of every mixture, shape `(m,)`."""
        return np.asarray((self.weights * self.loc).sum(1), dtype=np.float64)

    def std(self) -> Array:
        """The standard deviation of every mixture, shape `(m,)`."""
        within = self.scale**2 * self.dof / (self.dof - 2)
        between = (self.loc - self.mean()[:, None]) ** 2
        return np.asarray(np.sqrt((self.weights * (within + between)).sum(1)))

    def bulk(self) -> tuple[Array, Array]:
        """Median and half of the range of the central 68.3 % of every mixture, `(m,)` each.

        They stand for the Gaussian that the bulk of a mixture looks like. Mean and standard deviation do not: a
        component with next to no weight but wide tails decides the latter.
        """
        thrice = StudentMixture(*(np.tile(part, (3, 1)) for part in (self.weights, self.loc, self.scale, self.dof)))
        low, median, high = thrice.quantile(np.repeat(_BULK, len(self.loc))).reshape(3, -1)
        return median, 0.5 * (high - low)

    def cdf(self, value: ArrayLike) -> Array:
        """The probability of a value at or below `value` (one number or one per curve), `(m,)`."""
        threshold = np.broadcast_to(np.asarray(value, dtype=np.float64), len(self.loc))[:, None]
        gap = threshold - self.loc
        spread = np.where(self.scale > 0, self.scale, 1.0)
        below = np.where(self.scale > 0, stdtr(self.dof, gap / spread), gap >= 0)
        return np.asarray(np.clip((self.weights * below).sum(1), 0.0, 1.0))

    def log_density(self, value: ArrayLike) -> Array:
        """The natural logarithm of the density at `value` (one number or one per curve), `(m,)`.

        Where a value is known exactly there is no density: plus infinity at it, minus infinity elsewhere.
        """
        target = np.broadcast_to(np.asarray(value, dtype=np.float64), len(self.loc))[:, None]
        spread = np.where(self.scale > 0, self.scale, 1.0)
        own = gammaln(0.5 * (self.dof + 1)) - gammaln(0.5 * self.dof) - 0.5 * np.log(self.dof * np.pi) - np.log(spread)
        parts = own - 0.5 * (self.dof + 1) * np.log1p(((target - self.loc) / spread) ** 2 / self.dof)
        parts = np.where(self.scale > 0, parts, np.where(target == self.loc, np.inf, -np.inf))
        with np.errstate(divide="ignore"):
            return np.asarray(logsumexp(np.log(self.weights) + parts, axis=1))

    def quantile(self, q: float | Array) -> Array:
        """The `q`-quantile of every mixture by bisection, shape `(m,)`.

        Args:
            q: Probability strictly between 0 and 1, one number or one per curve.
        """
        share = self.weights[:, self.weights.max(0) > 1e-7]
        if share.shape[1] < self.weights.shape[1]:  # Most shapes of a dictionary are ruled out.
            kept = self.weights.max(0) > 1e-7
            share = share / share.sum(1, keepdims=True)
            return StudentMixture(share, self.loc[:, kept], self.scale[:, kept], self.dof[:, kept]).quantile(q)
        width = self.scale.max(1)
        low, high = self.loc.min(1) - width, self.loc.max(1) + width
        for _ in range(200):  # Heavy tails: widen until the quantile is inside.
            short_low, short_high = self.cdf(low) > q, self.cdf(high) < q
            if not (short_low.any() or short_high.any()):
                break
            width = 2 * width
            low, high = np.where(short_low, low - width, low), np.where(short_high, high + width, high)
        for _ in range(60):
            middle = 0.5 * (low + high)
            above = self.cdf(middle) >= q
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.asarray(high)
