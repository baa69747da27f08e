"""Stopped trainings that are proposed again."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from predictors.architecture import GraphGP
from smbo_nas import NASBench201Space, SMBOSampler
from smbo_nas.observations import PREDICTION_KEY, PROMISE_KEY
from smbo_nas.resuming import RESUMES_KEY

SPACE = NASBench201Space()
HORIZON = 10


def study_with_a_stopped_trial(promise: float, *, thaw: bool = True) -> optuna.Study:
    """Twelve trials that ended near 0.5 and one that was stopped half way at `promise`."""
    sampler = SMBOSampler(SPACE, predictor=GraphGP(random_state=0), n_startup_trials=5, thaw=thaw, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    rng = np.random.default_rng(0)
    for number in range(13):
        final = promise if number == 12 else 0.5 + 0.02 * rng.standard_normal()
        steps = HORIZON // 2 if number == 12 else HORIZON
        curve = {k: final * (1.0 - 0.5**k) / (1.0 - 0.5**HORIZON) for k in range(1, steps + 1)}
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE if steps == HORIZON else TrialState.PRUNED,
                value=final if steps == HORIZON else None,
                params=SPACE.sample(rng),
                distributions=SPACE.distributions(),
                intermediate_values=curve,
            )
        )
    return study


def ask(study: optuna.Study) -> optuna.trial.FrozenTrial:
    trial = study.ask()
    SPACE.suggest(trial)
    return study._storage.get_trial(trial._trial_id)


def test_a_stopped_training_that_promises_most_goes_on() -> None:
    study = study_with_a_stopped_trial(0.7)
    proposed = ask(study)
    assert proposed.system_attrs[RESUMES_KEY] == 12
    assert proposed.params == study.trials[12].params


def test_what_its_graph_says_is_told_without_its_curve() -> None:
    """The pruner judges graph and curve together: the curve must not count twice."""
    predicted = ask(study_with_a_stopped_trial(0.7)).system_attrs[PREDICTION_KEY]
    assert predicted["mean"] == pytest.approx(0.5, abs=0.05)


def test_one_that_promises_nothing_stays_stopped() -> None:
    assert RESUMES_KEY not in ask(study_with_a_stopped_trial(0.3)).system_attrs


def test_it_goes_on_once_at_a_time() -> None:
    study = study_with_a_stopped_trial(0.7)
    first, second = ask(study), ask(study)
    assert first.system_attrs[RESUMES_KEY] == 12
    assert RESUMES_KEY not in second.system_attrs


def test_nothing_goes_on_unasked() -> None:
    study = study_with_a_stopped_trial(0.7, thaw=False)
    proposed = ask(study)
    assert RESUMES_KEY not in proposed.system_attrs
    assert SPACE.graph(proposed.params).digest != SPACE.graph(study.trials[12].params).digest


def test_enqueued_parameters_start_a_network_of_their_own() -> None:
    study = study_with_a_stopped_trial(0.7)
    wanted = SPACE.sample(np.random.default_rng(99))
    study.enqueue_trial(wanted)
    proposed = ask(study)
    assert proposed.params == wanted
    assert RESUMES_KEY not in proposed.system_attrs


def started(values: list[float], *, thaw: bool = True) -> optuna.Study:
    """Some finished trainings of random networks, fewer than there are to be."""
    sampler = SMBOSampler(SPACE, predictor=GraphGP(random_state=0), n_startup_trials=10, thaw=thaw, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    rng = np.random.default_rng(0)
    for value in values:
        trial = create_trial(
            value=value, params=SPACE.sample(rng), distributions=SPACE.distributions(), intermediate_values={9: value}
        )
        study.add_trial(trial)
    return study


def test_a_random_start_is_weighed_against_what_could_be_trained_in_its_place() -> None:
    values = [0.9, 0.5, 0.6, 0.4, 0.55, 0.7]
    promises = []
    for start in range(2):
        study = started(values)
        if start:  # a random network, not one that the sampler draws
            study.enqueue_trial(SPACE.sample(np.random.default_rng(5)))
        promises.append(ask(study).system_attrs[PROMISE_KEY])
    assert all(0.0 < promise <= 1.0 for promise in promises)
    assert min(promises) < 1.0
    nothing = dict.fromkeys(SPACE.choices, "none")
    study = started(values)
    study.add_trial(create_trial(value=0.1, params=nothing, distributions=SPACE.distributions()))
    study.enqueue_trial({**nothing, next(iter(SPACE.choices)): "skip_connect"})
    assert ask(study).system_attrs[PROMISE_KEY] < 0.5


def test_without_a_model_or_unasked_nothing_is_weighed() -> None:
    assert PROMISE_KEY not in ask(started([0.9, 0.5, 0.6])).system_attrs
    assert PROMISE_KEY not in ask(started([0.9, 0.5, 0.6, 0.4, 0.55], thaw=False)).system_attrs


def test_what_the_model_chooses_promises_most() -> None:
    assert ask(study_with_a_stopped_trial(0.3)).system_attrs[PROMISE_KEY] == 1.0
