"""The units of curves: where they lie, how far apart they are, and which way is up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictors.curves.base import Array
from predictors.curves.mixture import StudentMixture

_INSIDE = (-2.0, 3.0)  # Curves lie between 0 and 1; further out than this is as far as this.
_STRAY = 50  # Further than this many interquartile ranges from the median, a value tells nothing of the units.


@dataclass(frozen=True)
class CurveScale:
    """An affine map of curves to rising ones between 0 and 1, one for all or for each.

    Attributes:
        worst: What becomes 0, `(1,)` or `(m,)`.
        unit: What becomes a distance of 1, of the same shape, negative where the metric falls.
    """

    worst: Array
    unit: Array

    def apply(self, curves: Array) -> Array:
        """Curves `(m, n)` in these units, far ones drawn in."""
        return np.clip((curves - self.worst[:, None]) / self.unit[:, None], *_INSIDE)

    def moments(self, mean: Array, std: Array) -> tuple[Array, Array]:
        """A mean and a standard deviation, `(m,)` each, in these units."""
        return (mean - self.worst) / self.unit, std / np.abs(self.unit)

    def restore(self, mixture: StudentMixture) -> StudentMixture:
        """A mixture of each curve in the metric's own units."""
        worst, unit = self.worst[:, None], self.unit[:, None]
        return StudentMixture(mixture.weights, worst + unit * mixture.loc, np.abs(unit) * mixture.scale, mixture.dof)


def common_scale(curves: Array) -> CurveScale:
    """One scale for all curves, from finished ones, each with an observed value; stray values don't move it.

    The metric rises if most curves end above their start. The worst and the best twentieth of the values map to 0.1
    and 0.9.
    """
    first, last = ends(curves)
    values = curves[np.isfinite(curves)]
    low, middle, high = np.percentile(values, [25, 50, 75])
    if high > low:
        values = values[np.abs(values - middle) <= _STRAY * (high - low)]
    low, high = np.percentile(values, [5, 95])
    span = float(high - low) or float(np.ptp(values)) or abs(float(middle)) or 1.0
    unit = span / 0.8
    if np.sum(last < first) > np.sum(last > first):
        return CurveScale(np.array([high + 0.1 * unit]), np.array([-unit]))
    return CurveScale(np.array([low - 0.1 * unit]), np.array([unit]))


def own_scale(curves: Array, final: tuple[Array, Array] | None = None) -> CurveScale:
    """A scale of each curve's own, for want of others: from what was seen of it, and what is known of its end.

    It rises if it ends above its start; from its worst value to its best it goes from 0.1 to 0.6. Where nothing at all
    is known, it is a share between 0 and 1 that rises.

    Args:
        curves: `(m, n)`, NaN where not observed.
        final: Mean and standard deviation of the final values, `(m,)` each.
    """
    worst, unit = np.zeros(len(curves)), np.ones(len(curves))
    for row, curve in enumerate(curves):
        seen = curve[np.isfinite(curve)]
        spread = 0.0
        if final is not None:
            seen, spread = np.append(seen, final[0][row]), float(final[1][row])
        if len(seen) == 0:
            continue
        span = max(float(np.ptp(seen)), spread) or abs(float(seen[-1])) or 1.0
        falls = seen[-1] < seen[0]
        unit[row] = (-1 if falls else 1) * span / 0.5
        worst[row] = (seen.max() if falls else seen.min()) - 0.1 * unit[row]
    return CurveScale(worst, unit)


def ends(curves: Array) -> tuple[Array, Array]:
    """The first and the last observed value of each curve that has one, `(m,)` each."""
    seen = np.isfinite(curves)
    rows = np.arange(len(curves))
    return curves[rows, seen.argmax(1)], curves[rows, curves.shape[1] - 1 - seen[:, ::-1].argmax(1)]


def with_known(
    mixture: StudentMixture, curves: Array, column: int, final: tuple[Array, Array] | None = None
) -> StudentMixture:
    """The mixture, but for curves whose value at `column` is known, and those of which nothing but the end is.

    Args:
        mixture: Of the values at `column`.
        curves: `(m, horizon)`.
        column: Counted from 0.
        final: Mean and standard deviation of the final values; the answer where no value was observed.
    """
    loc, scale, dof = mixture.loc.copy(), mixture.scale.copy(), mixture.dof.copy()
    if final is not None and column == curves.shape[1] - 1:
        unseen = np.flatnonzero(~np.isfinite(curves).any(1))
        loc[unseen], scale[unseen], dof[unseen] = final[0][unseen, None], final[1][unseen, None], 1e6
    known = np.isfinite(curves[:, column])
    loc[known], scale[known] = curves[known, column, None], 0.0
    return StudentMixture(mixture.weights, loc, scale, dof)
