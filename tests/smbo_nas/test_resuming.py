from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState, create_trial

from predictors.curves import ParametricCurvePredictor
from smbo_nas import NASBench201Space
from smbo_nas.observations import StudyReader
from smbo_nas.resuming import RESUMES_KEY, begins, epochs_before, lineage, resumable, resumes, superseded
from smbo_nas.training import EpochRecord
from smbo_nas.training.evaluator import Evaluator
from smbo_nas.training.objective import TrainingObjective
from tests.smbo_nas.training.tiny import tiny_data


def trial(number: int, state: TrialState, continues: int | None = None) -> FrozenTrial:
    attributes = {} if continues is None else {RESUMES_KEY: continues}
    made = create_trial(state=state, value=1.0 if state == TrialState.COMPLETE else None, system_attrs=attributes)
    made.number = number
    return made


STOPPED, RUNNING, FAILED, COMPLETE = TrialState.PRUNED, TrialState.RUNNING, TrialState.FAIL, TrialState.COMPLETE


def test_a_trial_is_continued_once_at_a_time() -> None:
    trials = [trial(0, STOPPED), trial(1, STOPPED), trial(2, STOPPED, 0), trial(3, RUNNING, 1), trial(4, COMPLETE)]
    assert [t.number for t in resumable(trials)] == [2]
    assert superseded(trials) == {0}  # what runs has not ended: trial 1 is the last word on its network


def test_a_continuation_that_failed_is_none() -> None:
    trials = [trial(0, STOPPED), trial(1, FAILED, 0)]
    assert [t.number for t in resumable(trials)] == [0]
    assert superseded(trials) == frozenset()


def test_what_goes_on_is_no_further_network_unless_it_failed_or_got_no_further() -> None:
    trials = [trial(0, STOPPED), trial(1, FAILED, 0), trial(2, STOPPED, 0), trial(3, COMPLETE, 2), trial(4, STOPPED, 2)]
    for t, epochs in zip(trials, (2, 4, 3, 4, 3), strict=True):
        t.intermediate_values = dict.fromkeys(range(1, epochs + 1), 0.5)
    assert [t.number for t in trials if begins(t, trials)] == [0, 1, 4]


def test_a_lineage_goes_back_to_the_first() -> None:
    trials = [trial(0, STOPPED), trial(1, COMPLETE), trial(2, STOPPED, 0), trial(3, RUNNING, 2)]
    assert lineage(trials[3], trials) == [0, 2, 3]
    assert lineage(trials[1], trials) == [1]
    assert resumes(trials[3]) == 2
    assert resumes(trials[1]) is None


def test_a_circle_ends() -> None:
    trials = [trial(0, STOPPED, 1), trial(1, STOPPED, 0)]
    assert lineage(trials[0], trials) == [1, 0]


class Scripted(Evaluator):
    """A training whose curve follows from the seed, and which counts the epochs that it really trains."""

    horizon = 4

    def __init__(self) -> None:
        self.data = tiny_data()
        self.trained = 0

    def run(self, build: object, *, seed: int, checkpoint: Path | None = None) -> Iterator[EpochRecord]:
        values = np.random.default_rng(seed).random(self.horizon)
        assert checkpoint is not None
        done = int(checkpoint.read_text()) if checkpoint.exists() else 0
        for epoch, value in enumerate(values, start=1):
            if epoch > done:
                self.trained += 1
                checkpoint.write_text(str(epoch))
            yield EpochRecord(epoch, 0.0, 0.0, 0.0, float(value), 0.1, 0.0, replayed=epoch <= done)


class StopsAt(BasePruner):
    """Stops each trial at the epoch given by its number."""

    def __init__(self, *epochs: int) -> None:
        self.epochs = epochs

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        return max(trial.intermediate_values) >= self.epochs[trial.number]


@pytest.fixture
def thawed(tmp_path: Path) -> tuple[optuna.Study, Scripted, TrainingObjective]:
    """Trial 0 is stopped after one epoch, trial 1 goes on to the second, trial 2 to the end."""
    space, evaluator = NASBench201Space(), Scripted()
    objective = TrainingObjective(space, evaluator, folder=tmp_path, seed=3, channels=4)
    study = optuna.create_study(direction="maximize", pruner=StopsAt(1, 2, 9))
    params = space.sample(np.random.default_rng(0))
    for number in range(3):
        study.enqueue_trial(params)
        trial = study.ask()
        if number:
            study._storage.set_trial_system_attr(trial._trial_id, RESUMES_KEY, number - 1)
        try:
            study.tell(trial, objective(trial))
        except optuna.TrialPruned:
            study.tell(trial, state=STOPPED)
    return study, evaluator, objective


def test_a_network_is_trained_once_whatever_the_stops(
    thawed: tuple[optuna.Study, Scripted, TrainingObjective],
) -> None:
    study, evaluator, objective = thawed
    curve = np.random.default_rng(objective.training_seed(0)).random(4)
    assert [t.state for t in study.trials] == [STOPPED, STOPPED, COMPLETE]
    assert [list(t.intermediate_values.values()) for t in study.trials] == [[*curve[:1]], [*curve[:2]], [*curve]]
    assert evaluator.trained == 4
    assert [epochs_before(t, study.trials) for t in study.trials] == [0, 1, 2]


def test_only_the_last_word_on_a_network_is_an_observation(
    thawed: tuple[optuna.Study, Scripted, TrainingObjective],
) -> None:
    study, _, objective = thawed
    observed = StudyReader(objective.space, ParametricCurvePredictor()).observations(study.trials, study.direction)
    assert observed.numbers == (2,)
    assert observed.y_std.tolist() == [0.0]


def test_without_a_checkpoint_it_is_trained_anew_to_the_same_curve(tmp_path: Path) -> None:
    space = NASBench201Space()
    objective = TrainingObjective(space, Scripted(), folder=tmp_path, channels=4)
    study = optuna.create_study(direction="maximize", pruner=StopsAt(1, 9))
    for number in range(2):
        study.enqueue_trial(space.sample(np.random.default_rng(0)))
        trial = study.ask()
        if number:
            study._storage.set_trial_system_attr(trial._trial_id, RESUMES_KEY, 0)
            (tmp_path / "0" / "checkpoint.safetensors").unlink()
        try:
            study.tell(trial, objective(trial))
        except optuna.TrialPruned:
            study.tell(trial, state=STOPPED)
    assert objective.evaluator.trained == 1 + 4  # type: ignore[attr-defined]
    first, second = (list(t.intermediate_values.values()) for t in study.trials)
    assert second[:1] == first
