"""The protocol: under which rules methods are compared on a task, and what follows from their searches.

Every method has the same budget and, for a seed, the same first architectures. It searches by validation values; test
values are for the report alone. A search ends when the task is solved and stays at its best from then on. Methods are
compared after the whole budget, at equal simulated hours, and by what they spent until the task was solved: pair by
pair over the seeds that both have (Wilcoxon's signed-rank test, Holm's correction for all pairs of a task), and over
the tasks by average ranks (`smbo_nas.benchmarks.ranking`).

Lindauer and Hutter, "Best Practices for Scientific Research on Neural Architecture Search", JMLR 21, 2020.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from smbo_nas.benchmarks.measuring import TaskFile
from smbo_nas.benchmarks.methods import STARTS
from smbo_nas.benchmarks.ranking import ALPHA, Ranking, holm, rank
from smbo_nas.benchmarks.runner import SearchRun
from smbo_nas.benchmarks.statistics import capped, p_value, regret_curve, spread

Array = NDArray[np.float64]
Measure = Literal["regret", "regret_at_hours", "cost"]

MEASURES: tuple[Measure, ...] = ("regret", "regret_at_hours", "cost")
"""What a search lost, smaller is better: points to the best value there is after the whole budget, the same at equal
simulated hours, and what it spent until the task was solved (unsolved: the budget)."""

SEEDS = 50
"""Searches of each method, unless told otherwise."""

_POINTS = 96


@dataclass(frozen=True)
class Pair:
    """Two methods on a task.

    Attributes:
        first: A method.
        second: Another.
        seeds: Seeds that both have.
        wins: In how many of them the first lost less.
        losses: In how many it lost more.
        p: Of Wilcoxon's two-sided signed-rank test.
        p_holm: The same, corrected for all pairs.
    """

    first: str
    second: str
    seeds: int
    wins: int
    losses: int
    p: float
    p_holm: float

    @property
    def better(self) -> str | None:
        """The better one, or None where the difference may be chance."""
        if self.p_holm >= ALPHA or self.wins == self.losses:
            return None
        return self.first if self.wins > self.losses else self.second


@dataclass(frozen=True)
class Anytime:
    """How a method's regret falls: median and quartiles over its searches, `(points,)` each.

    Attributes:
        at: What was spent, or simulated hours.
        median: Of the regret, in points.
        low: Lower quartile.
        high: Upper quartile.
    """

    at: Array
    median: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class TaskRuns:
    """The searches of several methods on one task.

    Attributes:
        name: Of the task.
        unit: Of costs: queries or epochs.
        budget: In that unit.
        epochs: Cost of a whole training.
        optimum: The best value there is, in percent.
        runs: By method, its searches by seed.
    """

    name: str
    unit: str
    budget: int
    epochs: int
    optimum: float
    runs: Mapping[str, Mapping[int, SearchRun]]

    @classmethod
    def of(cls, file: TaskFile, methods: Sequence[str], seeds: Sequence[int]) -> TaskRuns:
        """What is there of some methods and seeds; a method without a search is left out."""
        found = {name: {run.seed: run for run in file.runs if run.method == name} for name in methods}
        found = {name: {seed: own[seed] for seed in seeds if seed in own} for name, own in found.items()}
        return cls(
            name=file.task.name,
            unit=file.measured.unit,
            budget=file.measured.budget,
            epochs=file.task.epochs,
            optimum=file.task.optimum,
            runs={name: own for name, own in found.items() if own},
        )

    def only(self, methods: Sequence[str]) -> TaskRuns:
        """The searches of some of the methods."""
        kept = {name: own for name, own in self.runs.items() if name in methods}
        return TaskRuns(self.name, self.unit, self.budget, self.epochs, self.optimum, kept)

    @cached_property
    def hours(self) -> float | None:
        """Simulated hours at which methods are compared: no search had to end before, for want of budget.

        Where all were solved, the longest took so long. None where hours are not known.
        """
        every = [run for own in self.runs.values() for run in own.values() if run.steps]
        ends = [(run, run.steps[-1][2]) for run in every]
        known = [(run, hours) for run, hours in ends if hours is not None]
        if len(known) < len(ends) or not known:
            return None
        spent = [hours for run, hours in known if run.reached is None and run.spent >= self.budget]
        return min(spent, default=max(hours for _, hours in known))

    def losses(self, method: str, measure: Measure) -> dict[int, float]:
        """What each search of a method lost, by seed; without any value, all of the best value."""
        own = self.runs[method]
        if measure == "cost":
            return {seed: float(capped(run, self.budget)) for seed, run in own.items()}
        by: Literal["cost", "hours"] = "cost" if measure == "regret" else "hours"
        end = self.budget if by == "cost" else self.hours
        if end is None:
            return {}
        at = np.array([end], dtype=np.float64)
        regrets = {seed: float(regret_curve(run, at, by=by)[0]) for seed, run in own.items()}
        return {seed: self.optimum if np.isnan(regret) else regret for seed, regret in regrets.items()}

    def anytime(self, method: str, by: Literal["cost", "hours"]) -> Anytime | None:
        """The curve of a method from the last of the first architectures on; None where hours are not known."""
        end = float(self.budget) if by == "cost" else self.hours
        if end is None:
            return None
        at = np.linspace(0.0, end, _POINTS)
        if by == "cost":
            at = np.unique(np.linspace(STARTS * self.epochs, end, _POINTS).round())
        curves = np.array([regret_curve(run, at, by=by) for run in self.runs[method].values()])
        told = np.isfinite(curves).all(axis=0)
        low, median, high = np.quantile(curves[:, told], [0.25, 0.5, 0.75], axis=0)
        return Anytime(at[told], median, low, high)

    def pairs(self, measure: Measure) -> list[Pair]:
        """All pairs of methods with seeds in common."""
        losses = {name: self.losses(name, measure) for name in self.runs}
        return compared([(a, b, losses[a], losses[b]) for a, b in combinations(losses, 2)])

    def summary(self, method: str) -> dict[str, Any]:
        """What the searches of a method say together; values in percent, larger is better."""
        own = list(self.runs[method].values())
        tests = [run.test for run in own if run.test is not None]
        seconds = [run.proposal_seconds for run in own if run.proposal_seconds is not None]
        at_hours = self.losses(method, "regret_at_hours")
        return {
            "seeds": len(own),
            "value": spread([self.optimum - loss for loss in self.losses(method, "regret").values()]),
            "value_at_hours": spread([self.optimum - loss for loss in at_hours.values()]) if at_hours else None,
            "test": spread(tests) if tests else None,
            "share_solved": float(np.mean([run.reached is not None for run in own])),
            "cost": spread(list(self.losses(method, "cost").values())),
            "repeats": float(np.mean([run.repeats for run in own])),
            "proposal_ms": 1000 * float(np.mean(seconds)) if seconds else None,
        }


def compared(pairs: Sequence[tuple[str, str, Mapping[int, float], Mapping[int, float]]]) -> list[Pair]:
    """Tests pairs of methods, and corrects for their number.

    Args:
        pairs: Two names, and what each lost by seed.
    """
    found = []
    for first, second, one, other in pairs:
        both = [(one[seed], other[seed]) for seed in one if seed in other]
        p = p_value(both)
        if p is not None:
            found.append((first, second, len(both), sum(a < b for a, b in both), sum(a > b for a, b in both), p))
    corrected = holm([p for *_, p in found])
    return [Pair(*each, p_holm) for each, p_holm in zip(found, corrected, strict=True)]


def ranking(tasks: Sequence[TaskRuns], measure: Measure) -> Ranking | None:
    """Methods by their average ranks over the tasks, by their mean losses; None where no method has all of them."""
    methods = [name for name in tasks[0].runs if all(name in task.runs for task in tasks)]
    losses = [[list(task.losses(name, measure).values()) for name in methods] for task in tasks]
    if not methods or not all(numbers for row in losses for numbers in row):
        return None
    return rank(methods, np.array([[np.mean(numbers) for numbers in row] for row in losses]))


def telling(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with seeds enough to be told apart, had all of them one sign.

    Of `n` differences of one sign, two of the `2^n` signs are as extreme; Holm multiplies the smallest p-value by the
    number of pairs.
    """
    return [pair for pair in pairs if len(pairs) * 2.0 ** (1 - pair.seeds) < ALPHA]
