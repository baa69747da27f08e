"""Which of several methods is better, over several data sets: ranks, the Friedman test, and Nemenyi's difference.

Demsar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7, 2006, sec. 3.2; Holm, "A Simple
Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as fisher
from scipy.stats import rankdata, studentized_range

Array = NDArray[np.float64]

ALPHA = 0.05
"""Level of the tests."""


@dataclass(frozen=True)
class Ranking:
    """Methods in the order of their average ranks; 1 is the best there can be.

    Attributes:
        methods: `k` names, the best first.
        ranks: Average rank of each over the data sets, `k`; equal ones share the mean of their ranks.
        data_sets: Number of data sets.
        p: Of the hypothesis that all are equal: the F test of Iman and Davenport (1980) on Friedman's statistic; None
            with fewer than two methods or data sets.
        critical_difference: Average ranks have to differ by so much (Nemenyi); None where there is no `p`.
        groups: Positions of the first and the last of each largest group whose ranks do not differ by that much.
    """

    methods: tuple[str, ...]
    ranks: tuple[float, ...]
    data_sets: int
    p: float | None
    critical_difference: float | None
    groups: tuple[tuple[int, int], ...]


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in the same order: the family has the level at which each is compared."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for step, k in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - step) * p_values[k]))
        adjusted[k] = largest
    return [float(p) for p in adjusted]


def rank(methods: Sequence[str], losses: Array) -> Ranking:
    """Ranks methods over data sets.

    Args:
        methods: `k` names.
        losses: What each lost on each data set, smaller is better, `(data sets, k)`.

    Raises:
        ValueError: When a number is missing, or there is no data set or method.
    """
    losses = np.asarray(losses, dtype=np.float64)
    if losses.ndim != 2 or losses.shape[1] != len(methods) or not losses.size or not np.isfinite(losses).all():
        raise ValueError(f"`losses` must be finite, (data sets, {len(methods)}), but has shape {losses.shape}.")
    n, k = losses.shape
    average = rankdata(losses, axis=1).mean(axis=0)
    order = np.argsort(average, kind="stable")
    ranks = average[order]
    several = n > 1 and k > 1
    distance = critical_difference(k, n) if several else None
    return Ranking(
        methods=tuple(methods[i] for i in order),
        ranks=tuple(map(float, ranks)),
        data_sets=n,
        p=friedman(average, n) if several else None,
        critical_difference=distance,
        groups=() if distance is None else _groups(ranks, distance),
    )


def friedman(average_ranks: Array, n: int) -> float:
    """P-value of equal average ranks over `n` data sets: F with `k - 1` and `(k - 1) (n - 1)` degrees of freedom."""
    k = len(average_ranks)
    chi2 = 12 * n / (k * (k + 1)) * (np.sum(np.square(average_ranks)) - k * (k + 1) ** 2 / 4)
    left = n * (k - 1) - chi2
    if left <= 0:  # every data set has the same order
        return 0.0
    return float(fisher.sf((n - 1) * chi2 / left, k - 1, (k - 1) * (n - 1)))


def critical_difference(k: int, n: int, alpha: float = ALPHA) -> float:
    """Nemenyi's critical difference of the average ranks of `k` methods over `n` data sets."""
    q = float(studentized_range.ppf(1 - alpha, k, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(k * (k + 1) / (6 * n)))


def _groups(ranks: Array, distance: float) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + distance, side="left")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return tuple(found)
