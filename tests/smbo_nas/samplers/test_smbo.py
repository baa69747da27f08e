from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from predictors.architecture import GraphGP
from predictors.curves import ParametricCurvePredictor
from predictors.graph import ArchGraph
from smbo_nas import CellSpace, DARTSSpace, NASBench101Space, NASBench201Space, SMBOSampler
from smbo_nas.acquisition import LogEI, Scores
from smbo_nas.joint_scores import JointScores
from smbo_nas.observations import PREDICTION_KEY, StudyReader
from smbo_nas.samplers.smbo import refit_point
from smbo_nas.samplers.trials import SECONDS_KEY
from smbo_nas.spaces import SearchSpace

SPACE = NASBench201Space()
MIDDLE = CellSpace(nodes=3, ops=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))


def worth(graph: ArchGraph) -> float:
    """A made-up value of an architecture: live 3x3 convolutions are good, depth is good up to a point."""
    live = [op for op, alive in zip(graph.ops, graph.live, strict=True) if alive]
    return live.count("nor_conv_3x3") - 0.5 * live.count("avg_pool_3x3") + 0.3 * min(len(live), 6)


def objective(space: SearchSpace) -> Callable[[optuna.Trial], float]:
    return lambda trial: worth(space.suggest(trial).graph)


def run(space: SearchSpace, n_trials: int, seed: int, *, direction: str = "maximize", **kwargs: object) -> optuna.Study:
    sampler = SMBOSampler(space, predictor=GraphGP(random_state=0), n_startup_trials=5, seed=seed, **kwargs)
    study = optuna.create_study(direction=direction, sampler=sampler)
    sign = 1.0 if direction == "maximize" else -1.0
    study.optimize(lambda trial: sign * objective(space)(trial), n_trials=n_trials)
    return study


def digests(study: optuna.Study, space: SearchSpace) -> list[str]:
    return [space.graph({name: t.params[name] for name in space.choices}).digest for t in study.trials]


def test_it_finds_better_architectures_than_random_search() -> None:
    wins = 0
    for seed in range(4):
        ours = run(SPACE, 16, seed).best_value
        random = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=seed))
        random.optimize(objective(SPACE), n_trials=16)
        wins += ours > random.best_value
    assert wins >= 3


@pytest.mark.parametrize("space", [MIDDLE, NASBench101Space(), DARTSSpace()], ids=lambda s: s.name)
def test_no_isomorphic_architecture_is_proposed_twice(space: SearchSpace) -> None:
    found = digests(run(space, 12, seed=0), space)
    assert len(set(found)) == 12


def test_minimizing_mirrors_maximizing() -> None:
    up, down = run(MIDDLE, 12, seed=3), run(MIDDLE, 12, seed=3, direction="minimize")
    assert [t.params for t in up.trials] == [t.params for t in down.trials]
    predictions = [
        (a.system_attrs[PREDICTION_KEY]["mean"], b.system_attrs[PREDICTION_KEY]["mean"])
        for a, b in zip(up.trials, down.trials, strict=True)
        if PREDICTION_KEY in a.system_attrs
    ]
    assert len(predictions) == 7
    for a, b in predictions:
        assert a == pytest.approx(-b)


def test_a_sampler_rebuilt_for_every_trial_proposes_the_same() -> None:
    whole = run(MIDDLE, 12, seed=1)
    study = optuna.create_study(direction="maximize")
    for _ in range(12):
        study.sampler = SMBOSampler(MIDDLE, predictor=GraphGP(random_state=0), n_startup_trials=5, seed=1)
        study.optimize(objective(MIDDLE), n_trials=1)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


def test_the_same_seed_proposes_the_same_in_any_process() -> None:
    code = (
        "import optuna; optuna.logging.set_verbosity(30);"
        "from tests.smbo_nas.samplers.test_smbo import run, SPACE;"
        "print([list(t.params.values()) for t in run(SPACE, 8, seed=5).trials])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed, "PATH": "", "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_running_trials_count_as_pending() -> None:
    study = run(MIDDLE, 8, seed=0)
    asked = [study.ask() for _ in range(4)]
    pending = [MIDDLE.suggest(trial).graph.digest for trial in asked]
    assert len(set(pending)) == 4
    assert not set(pending) & set(digests(study, MIDDLE)[:8])


def test_a_running_trial_is_believed_at_its_prediction() -> None:
    """Its uncertainty is used up, so that its neighbours lose their appeal too: barring it alone would not do that."""
    heard: list[tuple[float, float]] = []

    def listening(scores: Scores, graphs: Sequence[ArchGraph], *, measured: Sequence[ArchGraph], **_: object) -> object:
        if isinstance(scores, JointScores):
            heard.append((len(measured), float(scores.predict_scores(graphs)[1].mean())))
        return LogEI()(scores, graphs, best=1.0)

    study = run(SPACE, 8, seed=0, acquisition=listening)
    heard.clear()
    for _ in range(4):
        SPACE.suggest(study.ask())
    measured, std = zip(*heard, strict=True)
    assert measured == (8, 9, 10, 11)
    assert list(std) == sorted(std, reverse=True)


def test_what_finished_since_the_last_fit_counts() -> None:
    """Between two fits, a high value makes what resembles it more attractive, without a fit."""
    assert refit_point(41) == refit_point(40)

    def listening(scores: Scores, graphs: Sequence[ArchGraph], *, best: float, **_: object) -> object:
        heard.append((best, float(scores.predict_scores(graphs)[0].mean())))
        return LogEI()(scores, graphs, best=best)

    heard: list[tuple[float, float]] = []
    outcomes = []
    for value in (-5.0, 5.0):
        study = optuna.create_study(
            direction="maximize",
            sampler=SMBOSampler(
                SPACE, predictor=GraphGP(random_state=0), acquisition=listening, n_startup_trials=5, seed=0
            ),
        )
        rng = np.random.default_rng(0)
        for _ in range(40):
            params = SPACE.sample(rng)
            study.add_trial(trial_of(params, TrialState.COMPLETE, {1: worth(SPACE.graph(params))}))
        trial = study.ask()
        SPACE.suggest(trial)
        study.tell(trial, value)
        heard.clear()
        SPACE.suggest(study.ask())
        outcomes.append(heard[-1])
    (low_best, low_mean), (high_best, high_mean) = outcomes
    assert high_best > low_best
    assert high_mean > low_mean


def trial_of(params: dict[str, str], state: TrialState, curve: dict[int, float]) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=state,
        params=params,
        distributions=SPACE.distributions(),
        value=curve[max(curve)] if state == TrialState.COMPLETE else None,
        intermediate_values=curve,
    )


def test_a_stopped_trial_informs_through_its_predicted_final_value() -> None:
    """All stopped early and low, but on curves that end high: they must not be taken for bad architectures."""
    rng = np.random.default_rng(0)
    study = optuna.create_study(direction="maximize")
    rise = 1 - np.exp(-np.arange(1, 21) / 4)
    points = [SPACE.sample(rng) for _ in range(9)]
    for k, params in enumerate(points[:8]):
        curve = (0.80 + 0.01 * k) * rise
        study.add_trial(trial_of(params, TrialState.COMPLETE, dict(enumerate(curve.tolist(), start=1))))
    stopped = 0.95 * rise[:8]
    study.add_trial(trial_of(points[8], TrialState.PRUNED, dict(enumerate(stopped.tolist(), start=1))))
    observed = StudyReader(SPACE, ParametricCurvePredictor()).observations(study.trials, study.direction)
    assert len(observed) == 9
    assert observed.y_std[:8].tolist() == [0.0] * 8
    assert observed.y_std[8] > 0
    assert observed.y[8] > stopped[-1] + 0.02
    assert observed.y[8] == pytest.approx(0.95 * rise[-1], abs=3 * observed.y_std[8])


def test_stopped_trials_without_any_complete_curve_say_nothing() -> None:
    study = optuna.create_study(direction="maximize", sampler=SMBOSampler(SPACE, n_startup_trials=1, seed=0))
    params = SPACE.sample(np.random.default_rng(0))
    study.add_trial(trial_of(params, TrialState.PRUNED, {1: 0.1, 2: 0.2}))
    study.add_trial(trial_of(params, TrialState.PRUNED, {}))
    study.optimize(objective(SPACE), n_trials=2)
    assert all(SPACE.graph(t.params).digest != SPACE.graph(params).digest for t in study.trials[2:])


def test_failed_architectures_are_not_tried_again() -> None:
    study = optuna.create_study(direction="maximize", sampler=SMBOSampler(MIDDLE, n_startup_trials=3, seed=0))

    def failing(trial: optuna.Trial) -> float:
        graph = MIDDLE.suggest(trial).graph
        if trial.number % 2:
            return float("nan")
        return worth(graph)

    study.optimize(failing, n_trials=12)
    assert len(set(digests(study, MIDDLE))) == 12


def test_a_space_that_is_used_up_goes_on_with_repeats() -> None:
    space = CellSpace(nodes=2, ops=("none", "nor_conv_1x1", "nor_conv_3x3"))
    study = run(space, 6, seed=0)
    assert len(set(digests(study, space))) == 3
    assert len(study.trials) == 6


def test_infinite_values_are_the_worst_there_is() -> None:
    study = optuna.create_study(direction="maximize", sampler=SMBOSampler(MIDDLE, n_startup_trials=3, seed=0))
    study.optimize(lambda t: float("-inf") if t.number < 2 else worth(MIDDLE.suggest(t).graph), n_trials=3)
    study.optimize(lambda t: float("-inf") if t.number == 4 else worth(MIDDLE.suggest(t).graph), n_trials=8)
    assert np.isfinite(study.best_value)


def test_another_sampler_may_sample_the_other_parameters() -> None:
    other = optuna.samplers.RandomSampler(seed=1)
    sampler = SMBOSampler(MIDDLE, n_startup_trials=3, other_sampler=other, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def with_rate(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", 1e-4, 1.0, log=True)
        return worth(MIDDLE.suggest(trial).graph) - abs(np.log10(rate) + 2)

    study.optimize(with_rate, n_trials=15)
    alone = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    rates = [alone.ask().suggest_float("learning_rate", 1e-4, 1.0, log=True) for _ in range(15)]
    assert [t.params["learning_rate"] for t in study.trials] == rates
    assert len(set(digests(study, MIDDLE))) == 15


def test_enqueued_parameters_are_kept() -> None:
    study = run(MIDDLE, 6, seed=0)
    study.enqueue_trial({"edge_0_1": "avg_pool_3x3"})
    study.optimize(objective(MIDDLE), n_trials=1)
    assert study.trials[-1].params["edge_0_1"] == "avg_pool_3x3"
    chosen = next(iter(MIDDLE.enumerate()))
    study.enqueue_trial(chosen)
    study.optimize(objective(MIDDLE), n_trials=1)
    assert study.trials[-1].params == chosen


def test_proposals_keep_what_a_killed_process_had_suggested() -> None:
    space = NASBench101Space()
    study = run(space, 7, seed=0)
    begun = study.ask()
    names = list(space.choices)
    for name in names[:6]:
        begun.suggest_categorical(name, space.choices[name])
    again = optuna.trial.Trial(study, begun._trial_id)
    candidate = space.suggest(again)
    assert {name: candidate.params[name] for name in names[:6]} == begun.params
    assert space.is_valid(candidate.params)


def test_every_proposal_records_its_time_and_prediction() -> None:
    study = run(MIDDLE, 8, seed=0)
    assert all(t.system_attrs[SECONDS_KEY] >= 0 for t in study.trials)
    assert [PREDICTION_KEY in t.system_attrs for t in study.trials] == [False] * 5 + [True] * 3
    assert all(t.system_attrs[PREDICTION_KEY]["std"] >= 0 for t in study.trials[5:])


def test_trials_of_another_space_are_ignored() -> None:
    study = run(MIDDLE, 3, seed=0)
    study.sampler = SMBOSampler(SPACE, n_startup_trials=2, seed=0)
    study.optimize(objective(SPACE), n_trials=3)
    assert all(set(SPACE.choices) <= set(t.params) for t in study.trials[3:])


def test_threads_may_share_the_sampler() -> None:
    sampler = SMBOSampler(MIDDLE, predictor=GraphGP(random_state=0), n_startup_trials=3, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective(MIDDLE), n_trials=12, n_jobs=2)
    assert all(t.state == TrialState.COMPLETE for t in study.trials)


def test_refits_follow_from_the_number_of_trials_alone() -> None:
    points = [refit_point(n) for n in range(5001)]
    assert points[:21] == list(range(21))
    assert all(n - p < max(1, p / 10) for n, p in enumerate(points))
    assert points == sorted(points)
    assert len(set(points)) < 150


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="`n_startup_trials` must be at least 1, but got 0"):
        SMBOSampler(SPACE, n_startup_trials=0)
