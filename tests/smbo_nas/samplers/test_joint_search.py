"""Architectures and hyperparameters of one study, searched together."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

from predictors.architecture import GraphGP
from smbo_nas import CellSpace, NASBench101Space, SMBOSampler
from smbo_nas.samplers import PNASSampler
from smbo_nas.spaces import PNASSpace, SearchSpace

SPACE = CellSpace(nodes=3, ops=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))


def convolutions(trial: optuna.Trial, space: SearchSpace = SPACE) -> float:
    graph = space.suggest(trial).graph
    return float(sum("3x3" in op and alive for op, alive in zip(graph.ops, graph.live, strict=True)))


def with_rate(trial: optuna.Trial) -> float:
    """The more convolutions, the lower the best learning rate."""
    live = convolutions(trial)
    rate = trial.suggest_float("learning_rate", 1e-4, 1.0, log=True)
    return live - 2.0 * abs(np.log10(rate) + live)


def study_of(seed: int = 0, space: SearchSpace = SPACE, **settings: Any) -> optuna.Study:
    settings = {"predictor": GraphGP(random_state=0), "n_startup_trials": 5, **settings}
    return optuna.create_study(direction="maximize", sampler=SMBOSampler(space, seed=seed, **settings))


def test_the_same_study_makes_the_same_proposals() -> None:
    whole, piece = study_of(), study_of()
    whole.optimize(with_rate, n_trials=10)
    for _ in range(10):
        piece.sampler = study_of().sampler
        piece.optimize(with_rate, n_trials=1)
    assert [t.params for t in piece.trials] == [t.params for t in whole.trials]


def test_a_parameter_is_searched_once_it_is_known() -> None:
    study = study_of()
    study.optimize(convolutions, n_trials=6)
    trial = study.ask()
    assert "learning_rate" not in trial.relative_params
    study.tell(trial, with_rate(trial))
    assert "learning_rate" in study.ask().relative_params


def test_parameters_that_only_some_trials_have() -> None:
    def conditional(trial: optuna.Trial) -> float:
        live = convolutions(trial)
        if trial.suggest_categorical("optimizer", ["sgd", None]) == "sgd":
            live += trial.suggest_float("momentum", 0.0, 1.0)
        return live + trial.suggest_int("width", 8, 64, step=8) / 64

    study = study_of()
    study.optimize(conditional, n_trials=16)
    assert any("momentum" in t.params for t in study.trials[5:])
    assert any("momentum" not in t.params for t in study.trials)


def test_ranges_that_change_are_left_to_the_other_sampler() -> None:
    study = study_of()
    study.optimize(lambda t: convolutions(t) - t.suggest_float("x", 0.0, 1.0 + t.number), n_trials=9)
    assert len(study.trials) == 9
    assert "x" not in study.ask().relative_params


def test_what_is_enqueued_is_kept() -> None:
    study = study_of()
    study.optimize(with_rate, n_trials=8)
    study.enqueue_trial({"learning_rate": 0.03})
    chosen = SPACE.sample(np.random.default_rng(5))
    study.enqueue_trial({**chosen, "learning_rate": 0.2})
    study.enqueue_trial(chosen)
    study.optimize(with_rate, n_trials=3)
    rate_alone, both, architecture_alone = (t.params for t in study.trials[8:])
    assert rate_alone["learning_rate"] == 0.03
    assert both == {**chosen, "learning_rate": 0.2}
    assert chosen.items() <= architecture_alone.items()


def test_running_trials_count() -> None:
    study = study_of()
    study.optimize(with_rate, n_trials=8)
    asked = [study.ask() for _ in range(4)]
    for trial in asked:
        SPACE.suggest(trial)
        trial.suggest_float("learning_rate", 1e-4, 1.0, log=True)
    points = {tuple(sorted((name, str(value)) for name, value in t.params.items())) for t in asked}
    assert len(points) == 4


def test_an_architecture_may_come_again_with_other_hyperparameters() -> None:
    one = CellSpace(nodes=2, ops=("skip_connect", "nor_conv_3x3"))
    study = study_of(space=one)
    study.optimize(lambda t: convolutions(t, one) - abs(t.suggest_float("x", 0.0, 1.0) - 0.7), n_trials=20)
    assert abs(study.best_params["x"] - 0.7) < 0.1


@pytest.mark.parametrize(
    ("space", "recipe"), [(NASBench101Space(), SMBOSampler), (PNASSpace(min_blocks=1), PNASSampler)]
)
def test_other_spaces_and_proposers(space: SearchSpace, recipe: type[SMBOSampler]) -> None:
    sampler = recipe(space, predictor=GraphGP(random_state=0), n_startup_trials=5, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(lambda t: convolutions(t, space) - t.suggest_float("x", 0.0, 1.0), n_trials=8)
    assert study.trials[-1].distributions["x"] == FloatDistribution(0.0, 1.0)
    assert "x" in study.ask().relative_params
