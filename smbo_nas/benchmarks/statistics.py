"""What many searches say together: means with intervals, quartiles, paired tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon
from scipy.stats import t as student

from smbo_nas.benchmarks.methods import is_peer
from smbo_nas.benchmarks.runner import SearchRun

Array = NDArray[np.float64]


def spread(numbers: Sequence[float]) -> dict[str, Any]:
    """Mean with its 95 % interval (Student's t; None of one number), median and quartiles.

    Raises:
        ValueError: When there is no number.
    """
    values = np.asarray(numbers, dtype=np.float64)
    if not len(values):
        raise ValueError("`numbers` must hold at least one number, but is empty.")
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    mean = float(values.mean())
    interval = None
    if len(values) > 1:
        half = float(student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
        interval = [mean - half, mean + half]
    return {
        "mean": mean,
        "interval_95": interval,
        "median": float(median),
        "quartiles": [float(low), float(high)],
    }


def capped(run: SearchRun, budget: int) -> int:
    """What a search spent until the task was solved; one that did not solve it counts as if it had at the end."""
    return budget if run.reached is None else min(run.reached, budget)


def summarise(runs: Sequence[SearchRun], *, unit: str, budget: int, at: Sequence[int]) -> dict[str, Any]:
    """What the searches of one method say together.

    Args:
        runs: At least one.
        unit: Of the cost, for the names.
        budget: In that unit.
        at: Costs at which the regret is told.

    Returns:
        By name a number, a `spread` or, by cost, spreads. An unsolved search counts with the whole budget in
        `queries_to_optimum`; hours are the mean of the searches that lasted so long.
    """
    regrets = {mark: [r for run in runs if (r := run.regret_at(mark)) is not None] for mark in at}
    hours = {mark: [h for run in runs if (h := run.hours_at.get(mark)) is not None] for mark in at}
    spent = [h for run in runs if run.reached is not None and run.steps and (h := _hours_to_solve(run)) is not None]
    seconds = [run.proposal_seconds for run in runs if run.proposal_seconds is not None]
    return {
        "seeds": len(runs),
        "share_solved": float(np.mean([run.reached is not None for run in runs])),
        f"{unit}_to_optimum": spread([capped(run, budget) for run in runs]),
        "regret_at": {str(mark): spread(numbers) for mark, numbers in regrets.items() if numbers},
        "simulated_gpu_hours_at": {str(mark): float(np.mean(h)) for mark, h in hours.items() if h},
        "simulated_gpu_hours_to_optimum": spread(spent) if spent else None,
        "proposal_seconds_per_trial": spread(seconds) if seconds else None,
        "share_lost": float(np.mean([run.lost for run in runs])),
        "repeats": float(np.mean([run.repeats for run in runs])),
    }


def _hours_to_solve(run: SearchRun) -> float | None:
    return next((hours for at, _, hours in run.steps if at == run.reached), None)


def regret_curve(run: SearchRun, at: Array, *, by: Literal["cost", "hours"] = "cost") -> Array:
    """The regret of a search after each cost, or each number of simulated hours, in `at`.

    NaN before its first value, and where the hours are not known. What was reached is kept.
    """
    where = np.array([spent if by == "cost" else hours for spent, _, hours in run.steps], dtype=np.float64)
    if not len(where) or np.isnan(where).any():
        return np.full(len(at), np.nan)
    regrets = np.array([np.nan, *(regret for _, regret, _ in run.steps)])
    found: Array = regrets[np.searchsorted(where, at, side="right")]
    return found


def best_peer(runs: Mapping[str, Sequence[SearchRun]], budget: int, besides: str) -> str | None:
    """The peer, other than `besides`, that solves the task soonest on average; of equals the one with less regret."""
    peers = [method for method in runs if is_peer(method) and method != besides and runs[method]]

    def order(method: str) -> tuple[float, float]:
        of = runs[method]
        regrets = [regret for run in of if (regret := run.regret_at(budget)) is not None]
        return float(np.mean([capped(run, budget) for run in of])), float(np.mean(regrets)) if regrets else np.inf

    return min(peers, key=order, default=None)


def paired_test(
    first: Sequence[SearchRun], second: Sequence[SearchRun], *, unit: str, budget: int, at: Sequence[int]
) -> dict[str, Any]:
    """Two-sided Wilcoxon signed-rank tests over the seeds that both methods have (`scipy.stats.wilcoxon`).

    Returns:
        The number of `pairs`, in how many the first solved the task sooner (`wins`) and later (`losses`), and p-values
        of what was spent until the optimum, unsolved searches with the whole budget, and of the regrets.
    """
    other = {run.seed: run for run in second}
    pairs = [(run, other[run.seed]) for run in first if run.seed in other]

    costs = [(capped(x, budget), capped(y, budget)) for x, y in pairs]
    regrets = {mark: [(x.regret_at(mark), y.regret_at(mark)) for x, y in pairs] for mark in at}
    return {
        "pairs": len(pairs),
        "wins": sum(a < b for a, b in costs),
        "losses": sum(a > b for a, b in costs),
        f"p_{unit}_to_optimum": p_value(costs),
        "p_regret_at": {str(mark): p_value(numbers) for mark, numbers in regrets.items()},
    }


def p_value(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    """Of a two-sided Wilcoxon signed-rank test; None without pairs that have both numbers, 1 where none differ.

    Pairs that do not differ are left out (Wilcoxon, 1945). Up to 50 that do, the p-value is exact, equal differences
    sharing their ranks; beyond, it is the normal approximation of `scipy.stats.wilcoxon`.
    """
    differences = np.array([a - b for a, b in pairs if a is not None and b is not None])
    if not len(differences):
        return None
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    return _exact(differences) if len(differences) <= _MOST_EXACT else float(wilcoxon(differences).pvalue)


def _exact(differences: Array) -> float:
    """By counting the signs that give each sum of ranks; SciPy lists them all where ranks are shared, which is slow."""
    doubled = np.rint(2 * rankdata(np.abs(differences))).astype(np.int64)  # shared ranks are halves
    share = np.zeros(doubled.sum() + 1)
    share[0] = 1.0
    for rank in doubled:
        share[rank:], share[:rank] = (share[rank:] + share[:-rank]) / 2, share[:rank] / 2
    positive = doubled[differences > 0].sum()
    return float(min(1.0, 2 * min(share[: positive + 1].sum(), share[positive:].sum())))


_MOST_EXACT = 50
