"""Gaussian process regression: exact, and with inducing points for many observations.

Rasmussen and Williams, "Gaussian Processes for Machine Learning", 2006, ch. 2 and sec. 8.3.4; Snelson and Ghahramani,
"Sparse Gaussian processes using pseudo-inputs", NIPS 2005.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from predictors.architecture.kernel import JITTER, Kernel

Array = NDArray[np.float64]

_CHUNK = 1024


class ExactGP:
    """The posterior of a Gaussian process of prior mean 0.

    Args:
        kernel: See `fit_kernel`.
        features: `(n, d)`.
        targets: `(n,)`.
        target_std: Standard deviation of each target beyond the kernel's noise, `(n,)`.
    """

    def __init__(self, kernel: Kernel, features: Array, targets: Array, target_std: Array) -> None:
        self.kernel = kernel
        self.points = features
        self.targets = targets
        self.noise = target_std**2 + kernel.noise + JITTER
        covariance = kernel.covariance(features, features)
        covariance[np.diag_indices_from(covariance)] += self.noise
        factor = cholesky(covariance, lower=True)
        # (K + noise)^-1 = root root^T
        self.root = solve_triangular(factor, np.eye(len(targets)), lower=True).T
        self.weights = self.root @ (self.root.T @ targets)

    def posterior(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function, free of noise, `(m,)` each."""
        return _posterior(self.kernel, self.points, self.weights, self.root, features)

    def joint(self, features: Array) -> tuple[Array, Array]:
        """Mean `(m,)` and covariance `(m, m)` of the function, free of noise."""
        return _joint(self.kernel, self.points, self.weights, self.root, features)

    def leave_one_out(self) -> tuple[Array, Array]:
        """Mean and standard deviation of each target, noise included, given all others, `(n,)` each.

        Rasmussen and Williams, eq. 5.12, under the hyperparameters of all of them.
        """
        precision = np.einsum("ij,ij->i", self.root, self.root)
        return self.targets - self.weights / precision, np.sqrt(1.0 / precision)

    def sample(self, features: Array, n: int, rng: np.random.Generator) -> Array:
        """Draws functions from the posterior, free of noise, `(n, m)`, in time linear in `m`.

        A draw from the prior is corrected where it misses the targets (Matheron's rule: Wilson et al., "Efficiently
        sampling functions from Gaussian process posteriors", ICML 2020).
        """
        prior = self.kernel.draw(n, rng)
        noise = rng.standard_normal((n, len(self.targets))) * np.sqrt(self.noise)
        weights = self.root @ (self.root.T @ (self.targets - prior(self.points) - noise).T)
        parts = [
            prior(features[rows]) + (self.kernel.covariance(features[rows], self.points) @ weights).T
            for rows in _chunks(len(features))
        ]
        return np.concatenate(parts, axis=1)


class InducingPointGP:
    """An approximation to `ExactGP` in which observations speak through inducing points: linear in their number.

    FITC: given the function at the inducing points, observations are independent, each with the variance that these
    leave it.

    Args:
        kernel: See `fit_kernel`.
        features: `(n, d)`.
        targets: `(n,)`.
        target_std: Standard deviation of each target beyond the kernel's noise, `(n,)`.
        points: Inducing points, `(p, d)`.
    """

    def __init__(self, kernel: Kernel, features: Array, targets: Array, target_std: Array, points: Array) -> None:
        self.kernel = kernel
        self.points = points
        identity = np.eye(len(points))
        within = kernel.covariance(points, points) + JITTER * kernel.variance * identity
        self.factor = cholesky(within, lower=True)
        precision, projected = identity, np.zeros(len(points))
        parts = []
        for rows in _chunks(len(features)):
            basis = self._basis(features[rows])
            noise = kernel.variances(features[rows]) - np.einsum("pn,pn->n", basis, basis)
            noise = np.maximum(noise, 0.0) + target_std[rows] ** 2 + kernel.noise + JITTER
            precision = precision + (basis / noise) @ basis.T
            projected += basis @ (targets[rows] / noise)
            parts.append(noise)
        noise = np.concatenate(parts)
        self.inner = cholesky(precision, lower=True)
        self.mean = cho_solve((self.inner, True), projected)
        self.weights = solve_triangular(self.factor, self.mean, lower=True, trans="T")
        # What the observations explain of a variance: within^-1 - (factor precision factor^T)^-1 = root root^T
        whitened = solve_triangular(self.factor, identity, lower=True)
        explained = identity - cho_solve((self.inner, True), identity)
        self.root = whitened.T @ cholesky(explained + JITTER * identity, lower=True)
        self._held_out = self._leave_one_out(features, targets, noise)

    def _basis(self, features: Array) -> Array:
        cross = self.kernel.covariance(self.points, features)
        return np.asarray(solve_triangular(self.factor, cross, lower=True, overwrite_b=True, check_finite=False))

    def _leave_one_out(self, features: Array, targets: Array, noise: Array) -> tuple[Array, Array]:
        means, stds = [], []
        for rows in _chunks(len(features)):
            basis, own = self._basis(features[rows]), noise[rows]
            half = solve_triangular(self.inner, basis, lower=True, check_finite=False)
            precision = 1.0 / own - np.einsum("pn,pn->n", half, half) / own**2
            missed = (targets[rows] - self.mean @ basis) / own
            means.append(targets[rows] - missed / precision)
            stds.append(np.sqrt(1.0 / precision))
        return np.concatenate(means), np.concatenate(stds)

    def posterior(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function, free of noise, `(m,)` each."""
        return _posterior(self.kernel, self.points, self.weights, self.root, features)

    def joint(self, features: Array) -> tuple[Array, Array]:
        """Mean `(m,)` and covariance `(m, m)` of the function, free of noise."""
        return _joint(self.kernel, self.points, self.weights, self.root, features)

    def leave_one_out(self) -> tuple[Array, Array]:
        """Mean and standard deviation of each target, noise included, given all others, `(n,)` each.

        Rasmussen and Williams, eq. 5.12, in the approximate model.
        """
        return self._held_out

    def sample(self, features: Array, n: int, rng: np.random.Generator) -> Array:
        """Draws functions from the posterior, free of noise, `(n, m)`, in time linear in `m`.

        A draw from the prior is corrected to a draw of the function at the inducing points (Wilson et al., 2020).
        """
        prior = self.kernel.draw(n, rng)
        white = rng.standard_normal((len(self.points), n))
        drawn = self.mean[:, None] + solve_triangular(self.inner, white, lower=True, trans="T")
        missed = drawn - solve_triangular(self.factor, prior(self.points).T, lower=True)
        weights = solve_triangular(self.factor, missed, lower=True, trans="T")
        parts = [
            prior(features[rows]) + (self.kernel.covariance(features[rows], self.points) @ weights).T
            for rows in _chunks(len(features))
        ]
        return np.concatenate(parts, axis=1)


def _posterior(kernel: Kernel, points: Array, weights: Array, root: Array, features: Array) -> tuple[Array, Array]:
    means, variances = [], []
    for rows in _chunks(len(features)):
        cross = kernel.covariance(features[rows], points)
        explained = cross @ root
        means.append(cross @ weights)
        variances.append(kernel.variances(features[rows]) - np.einsum("mp,mp->m", explained, explained))
    return np.concatenate(means), np.sqrt(np.maximum(np.concatenate(variances), JITTER))


def _joint(kernel: Kernel, points: Array, weights: Array, root: Array, features: Array) -> tuple[Array, Array]:
    cross = kernel.covariance(features, points)
    explained = cross @ root
    covariance = kernel.covariance(features, features) - explained @ explained.T
    return cross @ weights, 0.5 * (covariance + covariance.T)


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, _CHUNK):
        yield slice(start, start + _CHUNK)
