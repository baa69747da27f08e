"""The dictionary of learning-curve shapes: parametric families on a grid, and learned shapes.

Every curve model of Domhan, Springenberg and Hutter (IJCAI 2015, Table 1) is `a + b * f(x)` with a
nonlinear `f`, once offset and amplitude are set free. Several of the eleven names then describe
the same set of shapes, so that six families are left:

=================  ==========================  ====================================
family             f(x)                        covers
=================  ==========================  ====================================
power              (x + d)^-alpha              pow3, pow4
exponential        exp(-(x / tau)^delta)       exp4, Janoschek, Weibull
sigmoid            1 / (1 + (x / tau)^delta)   MMF, Hill3, log power
inverse log        1 / log(x + 1)              ilog2
log log            log(log(x) + c)             log log linear
vapor pressure     exp(beta / x) * x^gamma     vapor pressure
=================  ==========================  ====================================

Two more are not in the paper: `late`, `1 - (x / H)^p`, for what a learning-rate schedule does at
the end, and `flat`, for networks that do not learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SAME = 0.015  # Two shapes nowhere further apart than this are one.


def _families(x: Array) -> Iterator[tuple[str, Array]]:
    horizon = x[-1]
    times = np.geomspace(0.5, max(2.0 * horizon, 2.0), 14)
    for shift, alpha in product((0.0, 0.03, 0.1, 0.5), (0.25, 0.5, 1.0, 2.0, 4.0)):
        yield "power", (x + shift * horizon) ** -alpha
    for tau, delta in product(times, (0.5, 1.0, 2.0)):
        yield "exponential", np.exp(-((x / tau) ** delta))
    for tau, delta in product(times, (1.0, 2.0, 4.0, 8.0)):
        yield "sigmoid", 1.0 / (1.0 + (x / tau) ** delta)
    yield "inverse log", 1.0 / np.log(x + 1.0)
    for c in (0.1, 0.5, 1.0, 3.0):
        yield "log log", np.log(np.log(x) + c)
    for beta, gamma in product((-2.0, -0.5, 0.5, 2.0), (-0.3, -0.05, 0.05, 0.3)):
        yield "vapor pressure", np.exp(beta / x) * x**gamma
    for p in (1.0, 2.0, 4.0, 8.0, 16.0):
        yield "late", 1.0 - (x / horizon) ** p
    yield "flat", np.zeros_like(x)


@lru_cache(maxsize=32)
def parametric_shapes(horizon: int) -> tuple[Array, Array]:
    """The shapes of all families, distinct ones only.

    Args:
        horizon: Number of steps `H` of a full curve, at least 1.

    Returns:
        `phi` of shape `(k, H)` with `phi[:, 0] = 1` and `phi[:, -1] = 0` (`flat` is 0 everywhere),
        and prior weights of shape `(k,)` that give every family the same mass. Both are cached
        and read-only.
    """
    x = np.arange(1.0, horizon + 1.0)
    kept: list[Array] = []
    names: list[str] = []
    for name, curve in _families(x):
        if name == "flat":
            shape = curve
        else:
            span = curve[0] - curve[-1]
            if abs(span) < 1e-6:
                continue
            shape = (curve - curve[-1]) / span
            if np.abs(shape).max() > 3.0:
                continue
        if kept and (np.abs(np.array(kept) - shape).max(1) < _SAME).any():
            continue
        kept.append(shape)
        names.append(name)
    sizes = {name: names.count(name) for name in names}
    weights = np.array([1.0 / sizes[name] for name in names])
    phi = np.array(kept)
    weights /= weights.sum()
    phi.setflags(write=False)
    weights.setflags(write=False)
    return phi, weights


def empirical_shapes(curves: Array, groups: int = 3) -> Array:
    """Shapes shared by the finished curves, learned from them.

    Args:
        curves: Shape `(m, H)`, finite, every row a whole curve.
        groups: Into how many groups of equal size, from quickly to slowly converging ones, many
            curves are split; every group adds the shape of its own.

    Returns:
        Shape `(k, H)`, normalised as in `parametric_shapes`; empty if nothing is shared.
    """
    gap = curves - curves[:, -1:]
    size = np.abs(gap).max(1)
    learned = size > 0
    gap = gap[learned] / size[learned, None]
    sign = np.sign(gap[:, :1])
    gap = gap * np.where(sign == 0, 1.0, sign)
    if len(gap) == 0 or curves.shape[1] < 3:
        return np.empty((0, curves.shape[1]))
    order = np.argsort(gap.mean(1), kind="stable")
    parts = [order]
    if len(gap) >= 5 * groups:
        parts += np.array_split(order, groups)
    shapes = []
    for part in parts:
        for summary in (np.mean, np.median):
            shape = summary(gap[part], axis=0)
            if abs(shape[0]) > 0.05:
                shapes.append(shape / shape[0])
    return np.array(shapes).reshape(-1, curves.shape[1])
