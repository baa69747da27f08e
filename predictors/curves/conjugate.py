"""Exact inference for `y(t) = a + b * phi(t) + noise`, for all curves and all shapes at once.

Given the shape `phi`, the final value `a`, the distance `b` from start to end and the noise
variance have a Normal-inverse-Gamma prior, so that the marginal likelihood and the predictive
(a Student-t) are closed forms of 2 x 2 matrices (Bishop 2006, section 3.3; Murphy 2012, section
7.6.3). The noise is correlated over the steps: `noise ~ N(0, variance * correlation)`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from predictors.curves.mixture import StudentMixture

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class CurvePrior:
    """What is believed of curves before one is seen.

    Attributes:
        phi: Shapes `(k, H)` that are 0 at the last step.
        log_weights: Log prior probabilities of the shapes, `(k,)`.
        mean: Prior mean of `(a, b)`, shape `(2,)` or one per curve, `(m, 2)`.
        cov: Prior covariance of `(a, b)`, `(2, 2)` or `(m, 2, 2)`.
        noise: Prior noise variance (the scale of the inverse Gamma over its shape), above 0.
        alpha: Shape of the inverse Gamma; `2 * alpha` are the degrees of freedom before any
            point is seen, above 1.
        correlation: `(H, H)`, covariance of the noise over the steps in units of `noise`.
    """

    phi: Array
    log_weights: Array
    mean: Array
    cov: Array
    noise: float
    alpha: float
    correlation: Array

    def of(self, rows: Index) -> CurvePrior:
        """The prior of some of the curves."""
        if self.mean.ndim == 1:
            return self
        return replace(self, mean=self.mean[rows], cov=self.cov[rows])

    def given_final(self, mean: Array, std: Array) -> CurvePrior:
        """The prior of curves about whose final values something is known from elsewhere.

        The distribution of `a` is replaced, and `b` follows it through their covariance.

        Args:
            mean: Shape `(m,)`.
            std: Shape `(m,)`, above 0.
        """
        var_a, cov_ab, var_b = self.cov[..., 0, 0], self.cov[..., 0, 1], self.cov[..., 1, 1]
        slope = cov_ab / var_a
        a = np.broadcast_to(mean, std.shape)
        b = self.mean[..., 1] + slope * (a - self.mean[..., 0])
        rest = var_b - slope * cov_ab
        cov = np.empty((len(std), 2, 2))
        cov[:, 0, 0] = std**2
        cov[:, 0, 1] = cov[:, 1, 0] = slope * std**2
        cov[:, 1, 1] = rest + slope**2 * std**2
        return replace(self, mean=np.stack([a, b], -1), cov=cov)

    def of_outliers(self, cov: Array) -> CurvePrior:
        """The prior of a curve that is not like the others: flat, as far as is known, and at any level.

        Args:
            cov: Covariance of its `(a, b)`, `(2, 2)`.
        """
        level = np.mean(np.atleast_2d(self.mean), axis=0)[0]
        return replace(self, mean=np.array([level, 0.0]), cov=cov)


@dataclass(frozen=True)
class Posterior:
    """The posterior of `m` curves that are observed at the same steps, under `k` shapes.

    Attributes:
        log_evidence: Log marginal likelihood of each curve, `(m,)`, up to what depends only on the noise prior.
        weights: Probabilities of the shapes, `(m, k)`.
        a: Posterior mean of the final value, `(m, k)`.
        b: Posterior mean of the distance from start to end, `(m, k)`.
        variance: Scale of the posterior noise variance, `(m, k)`.
        precision: The entries 11, 12 and 22 of the posterior precision of `(a, b)` in units of
            the noise variance, each `(1 or m, k)`.
        alpha: Posterior shape of the inverse Gamma.
    """

    log_evidence: Array
    weights: Array
    a: Array
    b: Array
    variance: Array
    precision: tuple[Array, Array, Array]
    alpha: float
    _prior: CurvePrior
    _steps: Index
    _chol: Array
    _one: Array
    _phi: Array
    _data: Array

    def predictive(self, at: int) -> StudentMixture:
        """The distribution of the measured value at column `at`, counted from 0."""
        correlation = self._prior.correlation
        gain = solve_triangular(self._chol, correlation[self._steps, at], lower=True)
        h1, h2 = 1.0 - gain @ self._one, self._prior.phi[:, at] - gain @ self._phi
        l11, l12, l22 = self.precision
        spread = (l22 * h1**2 - 2 * l12 * h1 * h2 + l11 * h2**2) / (l11 * l22 - l12**2)
        own = max(correlation[at, at] - gain @ gain, 0.0)
        loc = (gain @ self._data)[:, None] + h1 * self.a + h2 * self.b
        scale = np.sqrt(self.variance * (own + spread))
        return StudentMixture(self.weights, loc, scale, np.full_like(loc, 2.0 * self.alpha))


def condition(prior: CurvePrior, y: Array, steps: Index) -> Posterior:
    """Conditions the prior on curves that are all observed at the same steps.

    Args:
        prior: The prior, with one `(a, b)` prior for all curves or one for each.
        y: Shape `(m, n_observed)`, finite.
        steps: The observed columns, `(n_observed,)`, counted from 0; may be empty.
    """
    seen = prior.correlation[np.ix_(steps, steps)]
    chol = np.asarray(np.linalg.cholesky(seen), dtype=np.float64)
    design = np.concatenate([np.ones((1, len(steps))), prior.phi[:, steps]])
    whitened = solve_triangular(chol, np.concatenate([design, y]).T, lower=True)
    one, phi, data = whitened[:, 0], whitened[:, 1 : len(design)], whitened[:, len(design) :]

    mean, cov = np.atleast_2d(prior.mean)[:, None], prior.cov.reshape(-1, 1, 2, 2)
    a0, b0 = mean[..., 0], mean[..., 1]
    scale = prior.noise / (cov[..., 0, 0] * cov[..., 1, 1] - cov[..., 0, 1] ** 2)
    # Residuals from the prior mean keep the quadratic forms free of cancellation.
    q1, q2, q22 = one @ one, one @ phi, (phi**2).sum(0)
    rest = data - a0[:, 0] * one[:, None]
    rest_phi = rest.T @ phi
    r1 = (rest.T @ one)[:, None] - b0 * q2
    r2 = rest_phi - b0 * q22
    rr = (rest**2).sum(0)[:, None] - 2 * b0 * rest_phi + b0**2 * q22

    l11 = scale * cov[..., 1, 1] + q1
    l12 = q2 - scale * cov[..., 0, 1]
    l22 = scale * cov[..., 0, 0] + q22
    det = l11 * l22 - l12**2
    da, db = (l22 * r1 - l12 * r2) / det, (l11 * r2 - l12 * r1) / det
    alpha = prior.alpha + 0.5 * len(steps)
    beta = prior.noise * prior.alpha + 0.5 * np.maximum(rr - da * r1 - db * r2, 0.0)
    det_prior = scale * prior.noise  # of the prior precision, in units of the noise variance
    score = prior.log_weights + 0.5 * np.log(det_prior / det) - alpha * np.log(beta)
    log_evidence = logsumexp(score, axis=1)
    weights = np.exp(score - log_evidence[:, None])
    variance = beta / alpha
    precision = (l11, l12, l22)
    a, b = a0 + da, b0 + db
    return Posterior(log_evidence, weights, a, b, variance, precision, alpha, prior, steps, chol, one, phi, data)
