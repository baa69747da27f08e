"""The covariance of the graph Gaussian process, and its fit to observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, lapack
from scipy.optimize import minimize

Array = NDArray[np.float64]

JITTER = 1e-6
_FREQUENCIES = 512
_CENTRES = {"variance": 1.0, "slopes": 0.03, "noise": 0.05}
"""Of the priors, for targets of variance 1."""
_WIDTHS = {"variance": 1.5, "slopes": 2.5, "noise": 1.5, "groups": 1.0, "columns": 0.4}
"""Standard deviations of logarithms."""
_DOUBTS = (4.0, 0.1)
"""By how much longer squared lengthscales are expected to be in columns that have slopes: what rides along with a graph
may say nothing beyond it, as zero-cost scores do, or matter as much as the whole of it, as learning rates do."""
_FURTHEST = 6.0
_MAX_ITERATIONS = 60


@dataclass(frozen=True)
class Kernel:
    """`variance / (1 + |(x - x') / lengthscales|^2 / 2) + sum_j slopes_j x_j x'_j`, and noise beside it.

    A rational quadratic of shape 1, which is a mixture of RBF kernels of all scales (Rasmussen and Williams, "Gaussian
    Processes for Machine Learning", 2006, eq. 4.19), plus straight lines in the last columns.

    Attributes:
        variance: Of the rational quadratic.
        lengthscales: Of each column, `(d,)`.
        slopes: Variances of the slopes in the last `k` columns, `(k,)`.
        noise: Variance of an observation around the function.
    """

    variance: float
    lengthscales: Array
    slopes: Array
    noise: float

    def covariance(self, a: Array, b: Array) -> Array:
        """Of the function at the rows of `a` and at those of `b`, `(len(a), len(b))`."""
        found = squared_distances(a / self.lengthscales, b / self.lengthscales)
        found *= 0.5
        found += 1.0
        np.divide(self.variance, found, out=found)
        if len(self.slopes):
            found += (self._linear(a) * self.slopes) @ self._linear(b).T
        return found

    def variances(self, a: Array) -> Array:
        """Prior variance of the function at the rows of `a`, `(len(a),)`."""
        return np.asarray(self.variance + self._linear(a) ** 2 @ self.slopes)

    def _linear(self, a: Array) -> Array:
        return a[:, a.shape[1] - len(self.slopes) :]

    def draw(self, n: int, rng: np.random.Generator) -> PriorDraws:
        """Draws `n` functions from the prior."""
        d = len(self.lengthscales)
        scales = np.sqrt(rng.exponential(size=_FREQUENCIES))
        return PriorDraws(
            kernel=self,
            frequencies=rng.standard_normal((d, _FREQUENCIES)) * scales / self.lengthscales[:, None],
            amplitudes=rng.standard_normal((n, 2 * _FREQUENCIES)) * np.sqrt(self.variance / _FREQUENCIES),
            slopes=rng.standard_normal((n, len(self.slopes))) * np.sqrt(self.slopes),
        )


@dataclass(frozen=True)
class PriorDraws:
    """Functions in random Fourier features (Rahimi and Recht, NeurIPS 2007), each of which holds at all rows at once.

    Attributes:
        kernel: What they are drawn from.
        frequencies: `(d, f)`.
        amplitudes: Of the cosines and sines of each function, `(n, 2 f)`.
        slopes: Of each function, `(n, k)`.
    """

    kernel: Kernel
    frequencies: Array
    amplitudes: Array
    slopes: Array

    def __call__(self, a: Array) -> Array:
        """Values at the rows of `a`, `(n, len(a))`."""
        phases = a @ self.frequencies
        waves = self.amplitudes @ np.concatenate([np.cos(phases), np.sin(phases)], axis=1).T
        return np.asarray(waves + self.slopes @ self.kernel._linear(a).T)


def fit_kernel(features: Array, groups: Sequence[str], n_linear: int, targets: Array, target_std: Array) -> Kernel:
    """Maximises the marginal likelihood of targets of variance about 1, under log-normal priors (sec. 5.4.1 there).

    Each group of columns has a lengthscale and each column a factor on it. The priors keep the fit sane on a handful of
    points, on duplicates and on constant targets: lengthscales at which a typical distance in each group moves the
    covariance equally and, in all, by half, and little noise. What rides along has two such priors; the fit whose
    posterior density is higher is taken.

    Args:
        features: `(n, d)`.
        groups: Name of the group of each column, `(d,)`.
        n_linear: How many of the last columns have slopes.
        targets: `(n,)`.
        target_std: Standard deviation of each target beyond the noise to be learned, `(n,)`.
    """
    n, d = features.shape
    names = list(dict.fromkeys(groups))
    owner = np.array([names.index(name) for name in groups])
    typical = np.array([_typical_distance(features[:, owner == g]) for g in range(len(names))])
    n_varying = max(np.isfinite(typical).sum(), 1)
    base = np.log(np.nan_to_num(typical, nan=1.0) * n_varying)[owner]
    beside = np.arange(d) >= d - n_linear
    linear = features[:, beside]
    sizes = {"variance": 1, "groups": len(names), "columns": d, "slopes": n_linear, "noise": 1}
    ends = np.cumsum(list(sizes.values()))[:-1]
    centre = np.concatenate([np.full(k, np.log(_CENTRES.get(name, 1.0))) for name, k in sizes.items()])
    width = np.concatenate([np.full(k, _WIDTHS[name]) for name, k in sizes.items()])
    diagonal = np.diag_indices(n)

    def unpacked(expected: Array, theta: Array) -> tuple[float, Array, Array, float]:
        variance, by_group, by_column, slopes, noise = np.split(theta, ends)
        squares = np.exp(expected + by_group[owner] + by_column)
        return float(np.exp(variance[0])), squares, np.exp(slopes), float(np.exp(noise[0]))

    def loss(expected: Array, theta: Array) -> tuple[float, Array]:
        """Negative log posterior of the logarithms of all hyperparameters, and its gradient."""
        variance, squares, slopes, noise = unpacked(expected, theta)
        scaled = features / np.sqrt(squares)
        decay = 1.0 / (1.0 + 0.5 * squared_distances(scaled, scaled))
        covariance = variance * decay + (linear * slopes) @ linear.T
        covariance[diagonal] += noise + target_std**2 + JITTER
        try:
            factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            return np.inf, np.zeros_like(theta)
        inverse, _ = lapack.dpotri(factor, lower=True)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weights = inverse @ targets
        inner = inverse - np.outer(weights, weights)  # twice the derivative of the loss by the covariance
        by_decay = inner * decay
        pulled = by_decay * decay * (0.5 * variance)
        # Of sum_ij pulled_ij (x_i - x_j)^2 for each column, without the distances of each.
        by_column = pulled.sum(axis=1) @ scaled**2 - np.einsum("id,id->d", scaled, pulled @ scaled)
        gradient = np.concatenate(
            [
                [0.5 * variance * by_decay.sum()],
                np.bincount(owner, weights=by_column, minlength=len(names)),
                by_column,
                0.5 * slopes * np.einsum("ik,ik->k", linear, inner @ linear),
                [0.5 * noise * np.trace(inner)],
            ]
        )
        offset = (theta - centre) / width
        value = 0.5 * targets @ weights + np.log(factor[diagonal]).sum() + 0.5 * offset @ offset
        return float(value), gradient + offset / width

    bounds = [(c - _FURTHEST, c + _FURTHEST) for c in centre]
    options = {"maxiter": _MAX_ITERATIONS}
    found: list[tuple[float, Kernel]] = []
    for doubt in _DOUBTS if n_linear else (1.0,):
        expected = base + np.log(doubt) * beside
        end = minimize(partial(loss, expected), centre, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        variance, squares, slopes, noise = unpacked(expected, end.x)
        found.append((end.fun, Kernel(variance, np.sqrt(squares), slopes, noise)))
    return min(found, key=lambda fit: fit[0])[1]


def squared_distances(a: Array, b: Array) -> Array:
    """Squared Euclidean distances between rows, `(len(a), len(b))`."""
    distances = a @ (-2.0 * b.T)
    distances += np.einsum("id,id->i", a, a)[:, None]
    distances += np.einsum("jd,jd->j", b, b)
    return np.maximum(distances, 0.0, out=distances)


def _typical_distance(features: Array) -> float:
    """Median squared distance of rows that differ; NaN where none do."""
    distances = squared_distances(features, features)
    apart = distances[distances > 1e-9]
    return float(np.median(apart)) if len(apart) else np.nan
