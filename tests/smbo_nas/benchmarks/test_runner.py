from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from smbo_nas.benchmarks.methods import PEERS, STARTS
from smbo_nas.benchmarks.runner import marks, run_search
from smbo_nas.benchmarks.tabular import EPOCHS_KEY
from smbo_nas.benchmarks.tasks import Task, fashion201
from tests.smbo_nas.benchmarks.small import CELLS, VALUES, task


class Spy(RandomSampler):
    """Proposes rows that never are the best, and notes how many trials were under way."""

    def __init__(self, rows: list[int]) -> None:
        super().__init__(seed=0)
        self.rows = rows
        self.running: list[int] = []

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        if param_name == next(iter(CELLS[0])):
            self.running.append(len(study.get_trials(states=(TrialState.RUNNING,))))
        return CELLS[self.rows[trial.number - STARTS]][param_name]


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    bad = int(np.argmin(VALUES))
    found = Spy([bad] * 100)
    monkeypatch.setitem(PEERS, "spy", lambda *_: found)
    return found


def seed_without_luck() -> int:
    """A seed whose starts do not have the best."""
    return next(s for s in range(20) if max(VALUES[CELLS.index(p)] for p in task().starts(s, STARTS)) < VALUES.max())


def test_a_search_of_bad_proposals_spends_its_budget(spy: Spy) -> None:
    seed = seed_without_luck()
    run = run_search(task(), "spy", seed, budget=23, batch=5)
    assert (run.reached, run.spent, run.trials) == (None, 23, 23)
    starts = [VALUES[CELLS.index(params)] for params in task().starts(seed, STARTS)]
    assert run.regret_at(1) == VALUES.max() - starts[0]
    assert run.regret_at(10) == run.regret_at(23) == run.regret_at(1000) == VALUES.max() - max(starts)
    assert run.hours_at == {23: 46.0}  # two hours each
    assert run.repeats >= 12  # all but the first


def test_a_batch_is_asked_for_before_any_of_it_is_told(spy: Spy) -> None:
    run_search(task(), "spy", seed_without_luck(), budget=23, batch=5)
    assert spy.running == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3]


def test_a_search_ends_with_the_trial_that_solves_it(spy: Spy) -> None:
    spy.rows = [0, 0, int(np.argmax(VALUES)), 0, 0]
    run = run_search(task(), "spy", seed_without_luck(), budget=60, batch=5)
    assert (run.reached, run.spent) == (13, 13)
    assert run.regret_at(12) > run.regret_at(13) == 0.0
    assert run.hours_at == {}
    assert run.steps[-1] == (13, 0.0, 26.0)


def test_methods_of_a_seed_begin_alike() -> None:
    runs = [run_search(task(), method, seed_without_luck(), budget=11) for method in ("random", "tpe")]
    assert runs[0].regret_at(STARTS) == runs[1].regret_at(STARTS)


def test_a_search_is_what_its_seed_says() -> None:
    first, again, other = (run_search(task(), "tpe", seed, budget=40, batch=3) for seed in (3, 3, 4))
    assert first.steps == again.steps != other.steps


def test_epochs_are_the_cost_where_there_are_curves() -> None:
    found = fashion201()
    assert marks(found, 60) == [25 * 30, 50 * 30, 60 * 30]
    whole = run_search(found, "random", 0, budget=12)
    stopped = run_search(found, "random+median", 0, budget=12)
    assert whole.spent >= 12 * 30
    assert whole.trials >= 12
    assert stopped.trials > whole.trials
    assert whole.steps[-1][2] is not None


def test_a_training_that_should_have_gone_on_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fashion201()
    best = int(np.argmax(found.values))
    starts = [found.cells[(best + k) % len(found.cells)] for k in range(STARTS)]
    monkeypatch.setattr(Task, "starts", lambda *_: starts)
    assert run_search(found, "random", 0, budget=10).lost is False
    stopped = run_search(task_that_stops_first(found), "random", 0, budget=10)
    assert (stopped.reached, stopped.lost) == (None, True)


def test_what_ends_past_the_budget_is_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fashion201()
    best = int(np.argmax(found.values))
    bad = [row for row in range(len(found.cells)) if found.regret(row) > found.tolerance]
    monkeypatch.setattr(Task, "starts", lambda *_: [found.cells[row] for row in [*bad[:9], best]])
    assert run_search(found, "random", 0, budget=10).reached == 10 * found.epochs

    def objective_of(seed: int) -> Any:
        objective = found.objective(seed)

        def dear(trial: optuna.Trial) -> float:
            value = objective(trial)
            trial.set_user_attr(EPOCHS_KEY, found.epochs + 1)
            return value

        return dear

    run = run_search(replace(found, objective=objective_of), "random", 0, budget=10)
    assert (run.reached, run.spent) == (None, 10 * found.epochs + 10)
    assert run.regret_at(10 * found.epochs) > 0.0


def task_that_stops_first(found: Task) -> Task:
    def objective_of(seed: int) -> Any:
        objective = found.objective(seed)

        def stops(trial: optuna.Trial) -> float:
            objective(trial)
            raise optuna.TrialPruned

        return stops

    return replace(found, objective=objective_of)


def test_the_simulated_clock_does_not_guess() -> None:
    run = run_search(task(seconds=np.full(125, np.nan)), "random", 0, budget=12)
    assert all(hours is None for _, _, hours in run.steps)


def test_a_method_that_only_repeats_itself_ends(spy: Spy) -> None:
    def objective_of(_: int) -> Any:
        def objective(trial: optuna.Trial) -> float:
            task().space.suggest(trial)
            raise optuna.TrialPruned

        return objective

    run = run_search(task(objective=objective_of), "random", 0, budget=10)
    assert (run.trials, run.spent, run.steps) == (200, 0, ())
    assert run.regret_at(10) is None
