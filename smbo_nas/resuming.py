"""Stopped trainings that go on: which trial continues which (freeze-thaw)."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

RESUMES_KEY = "smbo_nas:resumes"
"""System attribute of a trial: the number of the stopped trial whose training it continues."""


def resumes(trial: FrozenTrial) -> int | None:
    """The number of the stopped trial that this one continues, or None."""
    number = trial.system_attrs.get(RESUMES_KEY)
    return None if number is None else int(number)


def superseded(trials: Sequence[FrozenTrial]) -> frozenset[int]:
    """Numbers of stopped trials that say nothing any more: another trial went on from there and ended."""
    ended = (TrialState.COMPLETE, TrialState.PRUNED)
    return frozenset(number for t in trials if t.state in ended and (number := resumes(t)) is not None)


def resumable(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The stopped trials that no other one has continued or is continuing."""
    taken = {resumes(t) for t in trials if t.state != TrialState.FAIL}
    return [t for t in trials if t.state == TrialState.PRUNED and t.number not in taken]


def lineage(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> list[int]:
    """Numbers of the trials that trained one network, from the one that began to `trial` itself."""
    by_number = {t.number: t for t in trials}
    numbers = [trial.number]
    before = resumes(trial)
    while before is not None and before not in numbers:
        numbers.append(before)
        before = resumes(by_number[before]) if before in by_number else None
    return numbers[::-1]


def epochs_before(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> int:
    """Reports of `trial` that repeat what the trial it continues had trained."""
    before = resumes(trial)
    stopped = next((t for t in trials if t.number == before), None)
    return 0 if stopped is None else min(len(stopped.intermediate_values), len(trial.intermediate_values))


def begins(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> bool:
    """Whether a finished trial counts as one more network: it went on with no stopped one, failed or got no further."""
    further = len(trial.intermediate_values) > epochs_before(trial, trials)
    return resumes(trial) is None or trial.state == TrialState.FAIL or not further
