"""The model of Domhan et al.: a weighted combination of curves with noise, and what is believed of it beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from predictors.curves.domhan_families import FAMILIES, LINEAR, LOG_UNIFORM, N_PARAMETERS, family_values, ranges

Array = NDArray[np.float64]

N_DIMENSIONS = N_PARAMETERS + len(FAMILIES) + 1
NOISE = (1e-3, 0.3)
"""Between what bounds the standard deviation of the noise is log-uniform."""


@dataclass(frozen=True)
class CurveCombination:
    """`f(t) = sum_k w_k f_k(t | theta_k)`, measured with noise N(0, sigma^2) (section 3.2), for accuracies in [0, 1].

    All of its numbers are described by `z` of `N_DIMENSIONS` coordinates, whose prior is N(0, I): the parameters of the
    families, normal where a family is linear in them, uniform or log-uniform within their ranges otherwise; the
    weights, uniform on the simplex; and sigma, log-uniform.

    Attributes:
        horizon: The last step, H.
    """

    horizon: int

    @cached_property
    def _scales(self) -> tuple[Array, Array, NDArray[np.bool_], NDArray[np.bool_]]:
        """Offset and width of each parameter, which are linear, and which are uniform in their logarithm."""
        bounds = ranges(self.horizon)
        rows = []
        for family, names in FAMILIES.items():
            for name in names:
                linear = name in LINEAR.get(family, {})
                logarithmic = not linear and (family, name) in LOG_UNIFORM
                first, second = LINEAR[family][name] if linear else bounds[family][name]
                if logarithmic:
                    first, second = np.log(first), np.log(second)
                rows.append((first, second if linear else second - first, linear, logarithmic))
        offset, width, is_linear, is_log = map(np.array, zip(*rows, strict=True))
        return offset, width, is_linear, is_log

    @property
    def linear(self) -> NDArray[np.bool_]:
        """Which coordinates are parameters that `f` is linear in, `(N_DIMENSIONS,)`."""
        return np.append(self._scales[2], np.zeros(len(FAMILIES) + 1, dtype=bool))

    def parameters(self, z: Array) -> Array:
        """The families' parameters `(..., 36)` at coordinates `(..., N_DIMENSIONS)`."""
        offset, width, linear, logarithmic = self._scales
        z = z[..., :N_PARAMETERS]
        theta = offset + width * np.where(linear, z, ndtr(z))
        theta[..., logarithmic] = np.exp(theta[..., logarithmic])
        return np.asarray(theta)

    def weights(self, z: Array) -> Array:
        """The families' weights `(..., 11)`."""
        exponential = -log_ndtr(z[..., N_PARAMETERS:-1])  # Their shares are uniform on the simplex.
        return np.asarray(exponential / exponential.sum(-1, keepdims=True))

    def sigma(self, z: Array) -> Array:
        """The standard deviation of the noise, `(...)`."""
        low, high = np.log(NOISE)
        return np.asarray(np.exp(low + (high - low) * ndtr(z[..., -1])))

    def values(self, z: Array, x: Array) -> Array:
        """`f` at steps `x`, `(..., len(x))`."""
        return np.asarray((self.weights(z)[..., None, :] @ family_values(self.parameters(z), x))[..., 0, :])

    def log_posterior(self, z: Array, x: Array, y: Array) -> Array:
        """Unnormalised, `(p,)`; -inf unless the last value exceeds the first, as section 3.2 has it.

        Args:
            z: Coordinates, `(p, N_DIMENSIONS)`.
            x: Steps observed, `(n,)`.
            y: Values there, `(n,)`.
        """
        values, sigma = self.values(z, np.concatenate([x, [1.0, self.horizon]])), self.sigma(z)
        squares = ((values[:, :-2] - y) ** 2).sum(1)
        found = -0.5 * squares / sigma**2 - len(x) * np.log(sigma) - 0.5 * (z**2).sum(1)
        return np.where(values[:, -1] >= values[:, -2], found, -np.inf)
