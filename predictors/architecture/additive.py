"""Exact Gaussian process regression under a sum of RBF kernels, one for each group of features.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006: ch. 2 (posterior) and sec. 5.4 (fit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, lapack, solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

_JITTER = 1e-6
_CHUNK = 2048
_FREQUENCIES = 512
_PRIOR_NOISE = 0.05
_PRIOR_WIDTH = 1.5
_MAX_ITERATIONS = 50


@dataclass(frozen=True)
class Hyperparameters:
    """Of the covariance `sum_g variances[g] exp(-|x_g - x'_g|^2 / (2 lengthscales[g]^2)) + noise * [x is x']`.

    Attributes:
        variances: `(groups,)`.
        lengthscales: `(groups,)`, in units of the features.
        noise: Variance.
    """

    variances: Array
    lengthscales: Array
    noise: float


class AdditiveGP:
    """The posterior of a Gaussian process of prior mean 0.

    Args:
        features: Training features of each group, `(n, d_g)` each.
        targets: `(n,)`.
        target_std: Standard deviation of each target beyond the learned noise, `(n,)`.
        hyperparameters: See `fit_hyperparameters`.
    """

    def __init__(
        self, features: Sequence[Array], targets: Array, target_std: Array, hyperparameters: Hyperparameters
    ) -> None:
        self.features = features
        self.targets = targets
        self.hyperparameters = hyperparameters
        self.noise = target_std**2 + hyperparameters.noise + _JITTER
        covariance = self._covariance(features, features)
        covariance[np.diag_indices_from(covariance)] += self.noise
        self._factor = cholesky(covariance, lower=True)
        self._weights = cho_solve((self._factor, True), targets)

    def _covariance(self, a: Sequence[Array], b: Sequence[Array]) -> Array:
        """Covariance of the function at `a` and at `b`, `(len(a), len(b))`."""
        total = np.zeros((len(a[0]), len(b[0])))
        h = self.hyperparameters
        for x, z, variance, lengthscale in zip(a, b, h.variances, h.lengthscales, strict=True):
            term = squared_distances(x / lengthscale, z / lengthscale)
            term *= -0.5
            np.exp(term, out=term)
            term *= variance
            total += term
        return total

    def posterior(self, features: Sequence[Array]) -> tuple[Array, Array]:
        """Mean and standard deviation of the function, free of noise, `(m,)` each."""
        m = len(features[0])
        mean, variance = np.empty(m), np.full(m, self.hyperparameters.variances.sum())
        for start in range(0, m, _CHUNK):
            rows = slice(start, start + _CHUNK)
            cross = self._covariance([x[rows] for x in features], self.features)
            mean[rows] = cross @ self._weights
            explained = solve_triangular(self._factor, cross.T, lower=True, overwrite_b=True, check_finite=False)
            variance[rows] -= np.einsum("nm,nm->m", explained, explained)
        return mean, np.sqrt(np.maximum(variance, _JITTER))

    def leave_one_out(self) -> tuple[Array, Array]:
        """Mean and standard deviation of each target, noise included, given all others, `(n,)` each.

        Rasmussen and Williams, eq. 5.12, under the hyperparameters of all of them.
        """
        precision = np.diag(cho_solve((self._factor, True), np.eye(len(self.targets))))
        return self.targets - self._weights / precision, np.sqrt(1.0 / precision)

    def sample(self, features: Sequence[Array], n: int, rng: np.random.Generator) -> Array:
        """Draws functions from the posterior, free of noise, `(n, m)`, in time linear in `m`.

        A draw from the prior, in random Fourier features (Rahimi and Recht, NeurIPS 2007), is corrected where it
        misses the targets (Matheron's rule: Wilson et al., "Efficiently sampling functions from Gaussian process
        posteriors", ICML 2020).
        """
        h = self.hyperparameters
        m, n_train = len(features[0]), len(self.targets)
        drawn, drawn_train = np.zeros((n, m)), np.zeros((n, n_train))
        for x, train, variance, lengthscale in zip(features, self.features, h.variances, h.lengthscales, strict=True):
            frequencies = rng.standard_normal((x.shape[1], _FREQUENCIES)) / lengthscale
            amplitudes = rng.standard_normal((n, 2 * _FREQUENCIES)) * np.sqrt(variance / _FREQUENCIES)
            drawn_train += amplitudes @ _waves(train, frequencies).T
            for start in range(0, m, _CHUNK):
                rows = slice(start, start + _CHUNK)
                drawn[:, rows] += amplitudes @ _waves(x[rows], frequencies).T
        missed = self.targets - drawn_train - rng.standard_normal((n, n_train)) * np.sqrt(self.noise)
        weights = cho_solve((self._factor, True), missed.T)
        for start in range(0, m, _CHUNK):
            rows = slice(start, start + _CHUNK)
            drawn[:, rows] += (self._covariance([x[rows] for x in features], self.features) @ weights).T
        return drawn


def fit_hyperparameters(features: Sequence[Array], targets: Array, target_std: Array) -> Hyperparameters:
    """Maximises the marginal likelihood of `targets`, of variance about 1, under log-normal priors.

    The priors keep the fit sane on a handful of points, on duplicates and on constant targets: lengthscales around
    the median distance of the features, equal variances, little noise, each within a factor of `exp(1.5)` or so.

    Args:
        features: Features of each group, `(n, d_g)` each.
        targets: `(n,)`.
        target_std: Standard deviation of each target beyond the noise to be learned, `(n,)`.
    """
    distances = np.stack([squared_distances(x, x) for x in features])
    groups, n = len(distances), len(targets)
    typical = np.array([np.median(d[d > 0]) if (d > 0).any() else 1.0 for d in distances])
    centre = np.log(np.concatenate([np.full(groups, 1.0 / groups), typical, [_PRIOR_NOISE]]))
    diagonal = np.diag_indices(n)

    def loss(theta: Array) -> tuple[float, Array]:
        """Negative log posterior of the logarithms of variances, squared lengthscales and noise, and its gradient."""
        variances, squares, noise = np.split(np.exp(theta), [groups, 2 * groups])
        terms = distances * (-0.5 / squares)[:, None, None]
        np.exp(terms, out=terms)
        terms *= variances[:, None, None]
        covariance = terms.sum(axis=0)
        covariance[diagonal] += noise + target_std**2 + _JITTER
        factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        inverse, _ = lapack.dpotri(factor, lower=True)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weights = inverse @ targets
        inner = inverse - np.outer(weights, weights)  # twice the derivative of the loss by the covariance
        terms *= inner
        gradient = np.empty_like(theta)
        gradient[:groups] = 0.5 * terms.sum(axis=(1, 2))
        gradient[groups:-1] = 0.25 * np.einsum("gij,gij->g", terms, distances) / squares
        gradient[-1] = 0.5 * np.trace(inner) * noise[0]
        offset = (theta - centre) / _PRIOR_WIDTH
        value = 0.5 * targets @ weights + np.log(factor[diagonal]).sum() + 0.5 * offset @ offset
        return float(value), gradient + offset / _PRIOR_WIDTH

    bounds = [(c - 5.0, c + 5.0) for c in centre]
    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _MAX_ITERATIONS}).x
    variances, squares, noise = np.split(np.exp(found), [groups, 2 * groups])
    return Hyperparameters(variances=variances, lengthscales=np.sqrt(squares), noise=float(noise[0]))


def squared_distances(a: Array, b: Array) -> Array:
    """Squared Euclidean distances between rows, `(len(a), len(b))`."""
    distances = a @ (-2.0 * b.T)
    distances += np.einsum("id,id->i", a, a)[:, None]
    distances += np.einsum("jd,jd->j", b, b)
    return np.maximum(distances, 0.0, out=distances)


def _waves(x: Array, frequencies: Array) -> Array:
    """Cosines and sines whose products average to an RBF kernel, `(m, 2 * n_frequencies)`."""
    phases = x @ frequencies
    return np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
