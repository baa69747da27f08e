"""The eleven parametric learning curves of Domhan, Springenberg and Hutter (IJCAI 2015, Table 1)."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FAMILIES = {
    "vapor pressure": ("a", "b", "c"),
    "pow3": ("c", "a", "alpha"),
    "log log linear": ("a", "b"),
    "Hill3": ("theta", "eta", "kappa"),
    "log power": ("a", "b", "c"),
    "pow4": ("c", "a", "b", "alpha"),
    "MMF": ("alpha", "beta", "kappa", "delta"),
    "exp4": ("c", "a", "b", "alpha"),
    "Janoschek": ("alpha", "beta", "kappa", "delta"),
    "Weibull": ("alpha", "beta", "kappa", "delta"),
    "ilog2": ("c", "a"),
}
"""The parameters of each family, in the order in which `family_values` takes them."""

N_PARAMETERS = sum(map(len, FAMILIES.values()))

_LEVEL = (0.5, 1.0)

LINEAR = {
    "pow3": {"c": _LEVEL, "a": _LEVEL},
    "Hill3": {"theta": _LEVEL},
    "log power": {"a": _LEVEL},
    "pow4": {"c": _LEVEL},
    "MMF": {"alpha": _LEVEL, "beta": _LEVEL},
    "exp4": {"c": _LEVEL},
    "Janoschek": {"alpha": _LEVEL, "beta": _LEVEL},
    "Weibull": {"alpha": _LEVEL, "beta": _LEVEL},
    "ilog2": {"c": _LEVEL, "a": (0.25, 0.5)},
}
"""Mean and standard deviation of the parameters in which a family is linear, for accuracies in [0, 1]."""


def ranges(horizon: int) -> dict[str, dict[str, tuple[float, float]]]:
    """The bounds of the other parameters, for curves of `horizon` steps.

    Rates and times reach from a third of a step to three times a whole curve.
    """
    rate, time = (1 / (3 * horizon), 3.0), (1 / 3, 3.0 * horizon)
    return {
        "vapor pressure": {"a": (-3.0, 0.5), "b": (-3.0, 0.5), "c": (-0.3, 0.3)},
        "pow3": {"alpha": (0.05, 4.0)},
        "log log linear": {"a": (0.0, 0.5), "b": (0.6, 2.7)},
        "Hill3": {"eta": (0.3, 5.0), "kappa": time},
        "log power": {"b": (log(time[0]), log(time[1])), "c": (-5.0, -0.3)},
        "pow4": {"a": rate, "b": (0.5, 5.0), "alpha": (0.1, 2.0)},
        "MMF": {"kappa": rate, "delta": (0.3, 5.0)},
        "exp4": {"a": rate, "b": (-3.0, 0.5), "alpha": (0.3, 2.0)},
        "Janoschek": {"kappa": rate, "delta": (0.3, 2.0)},
        "Weibull": {"kappa": rate, "delta": (0.3, 3.0)},
    }


LOG_UNIFORM = {("pow4", "a"), ("exp4", "a")} | {
    (family, name) for family in FAMILIES for name in ("alpha", "eta", "kappa", "delta") if name in FAMILIES[family]
}
"""Which of them are uniform in their logarithm."""


def family_values(theta: Array, x: Array) -> Array:
    """The values of all families, finite wherever the parameters lie within `ranges`.

    Args:
        theta: Parameters, `(..., 36)`, families and parameters in the order of `FAMILIES`.
        x: Steps from 1, `(n,)`.

    Returns:
        `(..., 11, n)`.
    """
    log_x = np.log(x)
    values = np.empty((*theta.shape[:-1], len(FAMILIES), len(x)))
    columns = iter(np.moveaxis(theta, -1, 0)[..., None])

    def take(n: int) -> list[Array]:
        return [next(columns) for _ in range(n)]

    a, b, c = take(3)
    values[..., 0, :] = np.exp(a + b / x + c * log_x)
    c, a, alpha = take(3)
    values[..., 1, :] = c - a * np.exp(-alpha * log_x)
    a, b = take(2)
    values[..., 2, :] = np.log(a * log_x + b)
    top, eta, kappa = take(3)
    values[..., 3, :] = top / (1.0 + np.exp(eta * (np.log(kappa) - log_x)))
    a, b, c = take(3)
    values[..., 4, :] = a / (1.0 + np.exp(c * (log_x - b)))
    c, a, b, alpha = take(4)
    values[..., 5, :] = c - np.exp(-alpha * np.log(a * x + b))
    alpha, beta, kappa, delta = take(4)
    values[..., 6, :] = alpha - (alpha - beta) / (1.0 + np.exp(delta * (np.log(kappa) + log_x)))
    c, a, b, alpha = take(4)
    values[..., 7, :] = c - np.exp(b - a * np.exp(alpha * log_x))
    alpha, beta, kappa, delta = take(4)
    values[..., 8, :] = alpha - (alpha - beta) * np.exp(-kappa * np.exp(delta * log_x))
    alpha, beta, kappa, delta = take(4)
    values[..., 9, :] = alpha - (alpha - beta) * np.exp(-np.exp(delta * (np.log(kappa) + log_x)))
    c, a = take(2)
    values[..., 10, :] = c - a / np.log1p(x)
    return values
