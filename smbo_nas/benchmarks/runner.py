"""One search on a task, and many: every method with every seed, through Optuna's ask and tell."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from predictors.processes import run_each
from smbo_nas.benchmarks.methods import STARTS, make
from smbo_nas.benchmarks.tabular import CELL_KEY, EPOCHS_KEY
from smbo_nas.benchmarks.tasks import Objective, Task, TaskSource
from smbo_nas.resuming import resumes

MARKS = (25, 50, 100, 150, 200)
"""Whole trainings after which the regret is told."""

_TRIALS_PER_TRAINING = 20
"""A search also ends after so many trials for each training of its budget: a method may repeat itself for ever."""


@dataclass(frozen=True)
class SearchRun:
    """What came of one search.

    Attributes:
        method: Its name.
        seed: Of the starts, the sampler and the noise.
        reached: What had been spent when the task was solved, that trial included; None where it was not.
        spent: What was spent in all, in the unit of the task.
        trials: Trials asked for.
        repeats: Trials after the starts whose architecture, up to isomorphism, an earlier one had; continued trainings
            are none.
        lost: Whether a training that would have solved the task was stopped, and the search ended without.
        proposal_seconds: Mean CPU time of a proposal after the starts, so that other processes do not count; None where
            there was none.
        steps: What had been spent, the regret in points and the simulated hours of training (None where they are not
            known), each time the regret fell, and at the end.
        hours_at: Simulated hours by what had been spent, one for each of `MARKS` that the search lived to see.
        test: What the first architecture of the least regret is worth on the test split, in percent, for the report
            alone; None where the task has no such split, or there is no architecture.
    """

    method: str
    seed: int
    reached: int | None
    spent: int
    trials: int
    repeats: int
    lost: bool
    proposal_seconds: float | None
    steps: tuple[tuple[int, float, float | None], ...]
    hours_at: dict[int, float | None] = field(default_factory=dict)
    test: float | None = None

    def regret_at(self, spent: int) -> float | None:
        """The regret when so much had been spent, or at the end where that came first; None before the first value."""
        before = [regret for at, regret, _ in self.steps if at <= spent]
        return before[-1] if before else None


def marks(task: Task, budget: int) -> list[int]:
    """`MARKS` in the unit of the task, as far as the budget goes, and the budget."""
    return [mark * task.epochs for mark in sorted({*(m for m in MARKS if m < budget), budget})]


class _Search:
    """A search under way: what it has spent, and what for."""

    def __init__(self, task: Task, method: str, seed: int, budget: int) -> None:
        sampler, pruner = make(method, task.space, seed, task.epochs)
        self.task = task
        self.study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
        self.objective: Objective = task.objective(seed)
        for params in task.starts(seed, STARTS):
            self.study.enqueue_trial(params)
        self.budget = budget * task.epochs
        self.most_trials = budget * _TRIALS_PER_TRAINING
        self.marks = marks(task, budget)
        self.spent = self.trials = self.repeats = 0
        self.seconds = self.proposing = 0.0
        self.reached: int | None = None
        self.stopped_best = False
        self.steps: list[tuple[int, float, float | None]] = []
        self.hours_at: dict[int, float | None] = {}
        self.best: int | None = None
        self._seen: set[str] = set()

    @property
    def is_over(self) -> bool:
        return self.reached is not None or self.spent >= self.budget or self.trials >= self.most_trials

    @property
    def hours(self) -> float | None:
        return self.seconds / 3600 if np.isfinite(self.seconds) else None

    @property
    def test(self) -> float | None:
        return None if self.task.test is None or self.best is None else float(self.task.test[self.best])

    def ask(self) -> optuna.Trial:
        """A trial whose architecture is decided."""
        began = time.process_time()
        trial = self.study.ask()
        for name, choices in self.task.space.choices.items():  # Optuna samples when a parameter is asked for
            trial.suggest_categorical(name, choices)
        if self.trials >= STARTS:
            self.proposing += time.process_time() - began
        self.trials += 1
        return trial

    def tell(self, trial: optuna.Trial) -> None:
        """Trains what a trial proposed."""
        try:
            ended = self.study.tell(trial, self.objective(trial))
        except optuna.TrialPruned:
            ended = self.study.tell(trial, state=TrialState.PRUNED)
        self._count(ended)

    def _count(self, trial: FrozenTrial) -> None:
        row = trial.user_attrs.get(CELL_KEY)
        if row is None:  # no architecture
            return
        epochs = int(trial.user_attrs[EPOCHS_KEY])
        self.spent += epochs
        self.seconds += float(self.task.seconds[row]) * epochs / self.task.epochs
        digest = self.task.space.graph(self.task.cells[row]).digest
        if trial.number >= STARTS and resumes(trial) is None and digest in self._seen:
            self.repeats += 1
        self._seen.add(digest)
        for mark in self.marks:
            if self.spent >= mark:
                self.hours_at.setdefault(mark, self.hours)
        regret = self.task.regret(row)
        if trial.state != TrialState.COMPLETE:
            self.stopped_best |= regret <= self.task.tolerance
            return
        if not self.steps or regret < self.steps[-1][1]:
            self.steps.append((self.spent, regret, self.hours))
            self.best = row
        if self.reached is None and regret <= self.task.tolerance and self.spent <= self.budget:
            self.reached = self.spent  # the last training may end past the budget


def run_search(task: Task, method: str, seed: int, *, budget: int = 200, batch: int = 1) -> SearchRun:
    """Searches until the task is solved or the budget is spent.

    The first ten architectures are the same for every method of a seed, and count. Of a batch, all trials are asked for
    before the first one is told.

    Args:
        task: What to search on.
        method: A name that `smbo_nas.benchmarks.methods.check` accepts.
        seed: Of every random choice.
        budget: Whole trainings.
        batch: Trials that are asked for at once.
    """
    search = _Search(task, method, seed, budget)
    while not search.is_over:
        left = -(-(search.budget - search.spent) // task.epochs)
        size = min(batch, left, STARTS - search.trials if search.trials < STARTS else batch)
        for trial in [search.ask() for _ in range(size)]:
            search.tell(trial)
            if search.is_over:
                break
    if search.steps and search.steps[-1][0] < search.spent:
        search.steps.append((search.spent, search.steps[-1][1], search.hours))
    proposed = search.trials - STARTS
    return SearchRun(
        method=method,
        seed=seed,
        reached=search.reached,
        spent=search.spent,
        trials=search.trials,
        repeats=search.repeats,
        lost=search.stopped_best and search.reached is None,
        proposal_seconds=search.proposing / proposed if proposed > 0 else None,
        steps=tuple(search.steps),
        hours_at=search.hours_at,
        test=search.test,
    )


@dataclass(frozen=True)
class _Work:
    """`run_search` for other processes."""

    settings: dict[str, Any]

    def __call__(self, source: TaskSource, method: str, seed: int) -> tuple[TaskSource, SearchRun]:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        return source, run_search(source.load(), method, seed, **self.settings)


def run_searches(
    searches: Sequence[tuple[TaskSource, str, int]], *, budget: int, batch: int, workers: int = 1
) -> Iterator[tuple[TaskSource, SearchRun]]:
    """Runs many searches, and yields each with its task as it ends.

    Args:
        searches: Task, method that passed `check`, and seed of each, in the order in which they begin.
        budget: As for `run_search`.
        batch: As for `run_search`.
        workers: Processes side by side.
    """
    return run_each(_Work({"budget": budget, "batch": batch}), searches, workers)
