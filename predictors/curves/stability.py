"""How soon in their training networks stand in the order of their final values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau, spearmanr

from predictors.curves.base import check_curves

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RankStability:
    """Rank correlations of the values after each step with the final ones.

    Attributes:
        kendall: Kendall's tau-b, `(n_steps,)`; 0 where all values are equal, since they order nothing, and NaN where
            fewer than two curves were observed.
        spearman: Spearman's rank correlation, likewise.
    """

    kendall: Array
    spearman: Array

    def first_step(self, kendall: float) -> int | None:
        """The first step, from 1, from which on Kendall's tau is at least `kendall`; None if not even at the last."""
        below = np.flatnonzero(~(self.kendall >= kendall))
        step = int(below[-1]) + 2 if len(below) else 1
        return step if step <= len(self.kendall) else None


def rank_stability(X: ArrayLike) -> RankStability:
    """Tests the performance ranking hypothesis on finished curves.

    "If cell A has higher validation performance than cell B at a specific epoch, it tends to be better after the
    training has converged": Zheng et al., "Multinomial Distribution Learning for Effective Neural Architecture
    Search" (ICCV 2019), section 3.3, who show Kendall's tau by epoch in their figure 3. Where it holds, networks can
    be compared by the value last observed, which is what `LastValueCurvePredictor` does.

    Args:
        X: Shape `(n_curves, n_steps)`, NaN where not observed. Curves without a value at the last step do not count.

    Raises:
        ValueError: When `X` is not such a matrix, or fewer than two curves have a value at the last step.
    """
    curves = check_curves(X)
    curves = curves[np.isfinite(curves[:, -1])]
    if len(curves) < 2:
        raise ValueError(f"`X` must hold at least two finished curves, but holds {len(curves)}.")
    return RankStability(_by_step(kendalltau, curves), _by_step(spearmanr, curves))


def _by_step(correlation: Callable[..., Any], curves: Array) -> Array:
    return np.array([_agreement(correlation, values, curves[:, -1]) for values in curves.T])


def _agreement(correlation: Callable[..., Any], values: Array, final: Array) -> float:
    seen = np.isfinite(values)
    if seen.sum() < 2:
        return math.nan
    if np.ptp(values[seen]) == 0 or np.ptp(final[seen]) == 0:
        return 0.0
    return float(correlation(values[seen], final[seen]).statistic)
