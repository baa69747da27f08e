"""Comparison: what the searches of several methods on several tasks say, by the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from smbo_nas.benchmarks.catalogue import ABLATIONS, Ablation, main_methods
from smbo_nas.benchmarks.methods import STARTS
from smbo_nas.benchmarks.protocol import MEASURES, Measure, Pair, TaskRuns, compared, ranking, telling
from smbo_nas.benchmarks.ranking import ALPHA, Ranking
from smbo_nas.benchmarks.results import BASELINE


@dataclass(frozen=True)
class Effect:
    """What a part is worth on a task.

    Attributes:
        ablation: What was left out.
        task: Where.
        measure: Of what.
        mean: What was lost without it, on average over the seeds that both have; above 0, the part helps.
        pair: The test: `first` is without the part, corrected for all parts and tasks.
    """

    ablation: Ablation
    task: str
    measure: Measure
    mean: float
    pair: Pair


@dataclass(frozen=True)
class Comparison:
    """The searches of a comparison.

    Attributes:
        every: Each task with all of its methods, those that lack a part too.
        budget: Whole trainings of a search.
        seeds: Searches of each method that there are to be.
    """

    every: tuple[TaskRuns, ...]
    budget: int
    seeds: int

    @cached_property
    def tasks(self) -> tuple[TaskRuns, ...]:
        """The tasks that have searches, with the methods that are ranked."""
        ranked = [task.only(main_methods(list(task.runs))) for task in self.every]
        return tuple(task for task in ranked if task.runs)

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """The methods, the best average rank first, then those that not every task has."""
        first = self.rankings["regret"]
        names = [] if first is None else list(first.methods)
        return tuple(dict.fromkeys([*names, *(name for task in self.tasks for name in task.runs)]))

    @cached_property
    def rankings(self) -> dict[Measure, Ranking | None]:
        """Average ranks over the tasks."""
        return {measure: ranking(self.tasks, measure) if self.tasks else None for measure in MEASURES}

    @cached_property
    def pairs(self) -> dict[str, dict[Measure, list[Pair]]]:
        """All tests by task and measure."""
        return {task.name: {measure: task.pairs(measure) for measure in MEASURES} for task in self.tasks}

    @cached_property
    def summaries(self) -> dict[str, dict[str, dict[str, Any]]]:
        """By task and method, what its searches say together."""
        return {task.name: {name: task.summary(name) for name in task.runs} for task in self.tasks}

    def standing(self, task: str, method: str, measure: Measure) -> tuple[int, int]:
        """Than how many methods one is better, and than how many it is worse, beyond chance."""
        own = [pair for pair in self.pairs[task][measure] if method in (pair.first, pair.second)]
        better = [pair.better for pair in own if pair.better is not None]
        return better.count(method), len(better) - better.count(method)

    @cached_property
    def controls(self) -> dict[str, list[Pair]]:
        """By task, each method against random search after the whole budget, corrected for their number alone.

        Comparisons with a control chosen beforehand are fewer than all pairs, and see more (Demsar, sec. 3.2.2).
        """
        found = {}
        for task in self.tasks:
            losses = {name: task.losses(name, "regret") for name in task.runs}
            control = losses.pop(BASELINE, {})
            found[task.name] = compared([(name, BASELINE, own, control) for name, own in losses.items()])
        return found

    def beside_random(self, method: str) -> dict[str, str | None]:
        """By task, which is better after the whole budget, the method or random search; None where it may be chance.

        Tasks on which the method has too few seeds to say are left out.
        """
        told = {task: telling(pairs) for task, pairs in self.controls.items()}
        return {task: pair.better for task, pairs in told.items() for pair in pairs if pair.first == method}

    @cached_property
    def no_better_than_random(self) -> tuple[str, ...]:
        """Methods that are not better than random search on any task, as far as can be told."""
        beside = {name: self.beside_random(name) for name in self.methods if name != BASELINE}
        return tuple(name for name, on in beside.items() if on and name not in on.values())

    @cached_property
    def sometimes_no_better(self) -> dict[str, tuple[str, ...]]:
        """The tasks on which the others are not better than random search; only methods that have such."""
        beside = {name: self.beside_random(name) for name in self.methods if name not in self.no_better_than_random}
        where = {name: tuple(task for task, better in on.items() if better != name) for name, on in beside.items()}
        return {name: tasks for name, tasks in where.items() if tasks}

    @cached_property
    def too_few(self) -> bool:
        """Whether there are too few seeds to tell any method from random search."""
        pairs = list(self.controls.values())
        return any(pairs) and not any(map(telling, pairs))

    @cached_property
    def effects(self) -> list[Effect]:
        """What each part is worth, by its measures, on every task that has both."""
        found = []
        for measure in MEASURES:
            both = [
                (ablation, task, task.losses(ablation.without, measure), task.losses(ablation.whole, measure))
                for ablation in ABLATIONS
                for task in self.every
                if {ablation.whole, ablation.without} <= set(task.runs)
            ]
            both = [each for each in both if each[2].keys() & each[3].keys()]
            pairs = compared([(a.without, a.whole, without, whole) for a, _, without, whole in both])
            for (ablation, task, without, whole), pair in zip(both, pairs, strict=True):
                differences = [without[seed] - whole[seed] for seed in without if seed in whole]
                mean = sum(differences) / len(differences)
                found.append(Effect(ablation, task.name, measure, mean, pair))
        return found

    def to_json(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """Everything, JSON-ready."""
        return {
            **about,
            "protocol": {"budget": self.budget, "seeds": self.seeds, "starts": STARTS, "level": ALPHA},
            "rankings": {name: None if found is None else asdict(found) for name, found in self.rankings.items()},
            "no_better_than_random": list(self.no_better_than_random),
            "tasks": {
                task.name: {
                    "unit": task.unit,
                    "budget": task.budget,
                    "optimum": task.optimum,
                    "equal_hours": task.hours,
                    "methods": self.summaries[task.name],
                    "beside_random": [asdict(pair) for pair in self.controls[task.name]],
                    "pairs": {name: [asdict(pair) for pair in pairs] for name, pairs in self.pairs[task.name].items()},
                }
                for task in self.tasks
            },
            "ablations": [asdict(effect) for effect in self.effects],
        }


def verdict(comparison: Comparison) -> str:
    """The outcome in plain text."""
    first, soonest = comparison.rankings["regret"], comparison.rankings["cost"]
    if first is None or soonest is None:
        return "No method was run on every task yet."
    where = "on one task" if len(comparison.tasks) == 1 else f"on {len(comparison.tasks)} tasks"
    text = (
        f"With {comparison.budget} trainings for each search, {_join(_best(first))} found the best networks: an "
        f"average rank of {first.ranks[0]:.1f} among {len(first.methods)} methods {where}. "
        f"Soonest to find the very best one: {_join(_best(soonest))} ({soonest.ranks[0]:.1f})."
    )
    if comparison.too_few:
        return f"{text} With so few searches, no method can be told from random search."
    if comparison.no_better_than_random:
        losers = _join(comparison.no_better_than_random)
        text += f" No better than random search on any of them, as far as can be told: {losers}."
    if comparison.sometimes_no_better:
        some = "; ".join(f"{name} (not on {_join(on)})" for name, on in comparison.sometimes_no_better.items())
        text += f" Better than random search, but not everywhere: {some}."
    return text


def _best(found: Ranking) -> list[str]:
    return [name for name, rank in zip(found.methods, found.ranks, strict=True) if rank == found.ranks[0]]


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
