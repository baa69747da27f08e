"""What the report states about a run, as numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smbo_nas.report.reader import CandidateRecord, Run

_MIN_POINTS = 5


def best_so_far(run: Run) -> list[tuple[CandidateRecord, float]]:
    """The complete trials, by number, each with the best value up to it."""
    better: Callable[[float, float], float] = min if run.summary.direction == "minimize" else max
    result: list[tuple[CandidateRecord, float]] = []
    for record in run.of_state("COMPLETE"):
        if record.value is not None:
            result.append((record, better(record.value, result[-1][1]) if result else record.value))
    return result


def epochs_after(run: Run) -> dict[int, int]:
    """Epochs trained in all up to the end of each trial, by trial number and in that order."""
    total, result = 0, {}
    for record in run.candidates:
        total += record.epochs - record.epochs_before
        result[record.number] = total
    return result


@dataclass(frozen=True)
class Agreement:
    """How well the predictions at proposal time ranked the trials; the correlations are None below five points."""

    points: int
    kendall_tau: float | None
    spearman: float | None


def predicted_records(run: Run) -> list[CandidateRecord]:
    """The complete trials that the sampler had a prediction for."""
    return [r for r in run.of_state("COMPLETE") if r.value is not None and r.predicted_mean is not None]


def agreement(run: Run) -> Agreement:
    """Rank correlations of predicted and measured values (Kendall's tau-b and Spearman's rho)."""
    records = predicted_records(run)
    predicted, actual = [r.predicted_mean for r in records], [r.value for r in records]
    if len(records) < _MIN_POINTS or len(set(predicted)) < 2 or len(set(actual)) < 2:
        return Agreement(len(records), None, None)
    from scipy.stats import kendalltau, spearmanr

    tau, rho = kendalltau(predicted, actual).statistic, spearmanr(predicted, actual).statistic
    return Agreement(len(records), float(tau), float(rho))
