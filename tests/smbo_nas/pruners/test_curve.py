from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from smbo_nas.observations import PREDICTION_KEY
from smbo_nas.pruners import CurvePruner
from smbo_nas.resuming import RESUMES_KEY
from tests.predictors.curves.synthetic import saturating

HOPELESS = [0.3, 0.42, 0.5, 0.53, 0.55, 0.55]


def study_of(
    curves: np.ndarray, *, first: int = 1, pace: int = 1, direction: str = "maximize", storage: object = None
) -> optuna.Study:
    study = optuna.create_study(direction=direction, storage=storage, study_name="curves")
    for curve in curves:
        values = {first + pace * i: float(v) for i, v in enumerate(curve)}
        study.add_trial(create_trial(value=float(curve[-1]), intermediate_values=values))
    return study


def running(values: list[float], *, first: int = 1, pace: int = 1) -> FrozenTrial:
    trial = create_trial(
        state=TrialState.RUNNING,
        intermediate_values={first + pace * i: v for i, v in enumerate(values)},
    )
    trial.number = 1000
    return trial


def curves(n_curves: int = 30, seed: int = 0) -> np.ndarray:
    return saturating(np.random.default_rng(seed), n_curves, 12)


@pytest.mark.parametrize(("first", "pace"), [(0, 1), (1, 1), (5, 5), (0, 7)])
@pytest.mark.parametrize("sign", [1, -1])
def test_prunes_the_hopeless_only(first: int, pace: int, sign: int) -> None:
    finished = sign * curves()
    direction = "maximize" if sign == 1 else "minimize"
    study = study_of(finished, first=first, pace=pace, direction=direction)
    pruner = CurvePruner()
    bad = [sign * v for v in HOPELESS]
    good = finished[np.argmax(sign * finished[:, -1]), :6].tolist()
    assert pruner.prune(study, running(bad, first=first, pace=pace))
    assert not pruner.prune(study, running(good, first=first, pace=pace))


def test_it_is_safe_where_it_cannot_know() -> None:
    pruner = CurvePruner(n_startup_trials=5)
    few = study_of(curves(4))
    assert not pruner.prune(few, running(HOPELESS))
    many = study_of(curves())
    assert not pruner.prune(many, running([]))
    assert not pruner.prune(many, running([float("nan")] * 4))
    assert not pruner.prune(many, running([0.1] * 12))
    assert not pruner.prune(many, running([0.1] * 20))
    silent = optuna.create_study()
    for _ in range(9):
        silent.add_trial(create_trial(value=1.0))
    assert not pruner.prune(silent, running(HOPELESS))
    pareto = optuna.create_study(directions=["maximize", "minimize"])
    assert not pruner.prune(pareto, running(HOPELESS))


def test_holes_and_foreign_steps_are_no_trouble() -> None:
    study = study_of(curves(), first=0, pace=5)
    study.add_trial(create_trial(value=0.5, intermediate_values={3: 0.4, 11: float("nan")}))
    pruner = CurvePruner()
    trial = create_trial(
        state=TrialState.RUNNING,
        intermediate_values={2: 0.3, 7: 0.42, 13: float("inf"), 21: 0.5, 26: 0.52, 31: 0.52},
    )
    assert pruner.prune(study, trial)


def test_the_state_of_trials_matters() -> None:
    study = optuna.create_study(direction="maximize")
    for curve in curves():
        values = dict(enumerate(curve.tolist()))
        study.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values=values))
        study.add_trial(create_trial(state=TrialState.RUNNING, intermediate_values=values))
    assert not CurvePruner().prune(study, running(HOPELESS))


def test_the_horizon_can_be_given() -> None:
    finished = curves()
    study = study_of(finished)
    # Half way to a longer horizon nobody has seen the end of, less is certain.
    pruner, longer = CurvePruner(), CurvePruner(horizon=48)
    trial = running(finished[8, :8].tolist())
    verdict, wide = pruner.verdict(study, trial), longer.verdict(study, trial)
    assert verdict is not None
    assert wide is not None
    assert wide.std > verdict.std
    # At a shorter one there is nothing left to save.
    assert CurvePruner(horizon=6).verdict(study, running(HOPELESS)) is None
    assert CurvePruner(horizon=8).prune(study, running(HOPELESS))


def test_a_new_worker_decides_alike(tmp_path: Path) -> None:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal")))
    finished = curves(25)
    study = study_of(finished[:20], storage=storage)
    old = CurvePruner()
    for n in range(20, 25):
        again = optuna.load_study(study_name="curves", storage=storage)
        for begun in (HOPELESS, finished[n, :5].tolist()):
            assert old.verdict(study, running(begun)) == CurvePruner().verdict(again, running(begun))
        values = {i + 1: float(v) for i, v in enumerate(finished[n])}
        again.add_trial(create_trial(value=float(finished[n, -1]), intermediate_values=values))


def test_two_studies_can_share_a_pruner() -> None:
    shared = CurvePruner()
    up = study_of(curves())
    down = study_of(-curves(), direction="minimize")
    for _ in range(2):
        for study, sign in ((up, 1), (down, -1)):
            trial = running([sign * v for v in HOPELESS])
            assert shared.verdict(study, trial) == CurvePruner().verdict(study, trial)


def test_composes_with_optunas_patient_pruner() -> None:
    finished = curves()
    study = study_of(finished)
    patient = optuna.pruners.PatientPruner(CurvePruner(), patience=1)
    assert not patient.prune(study, running(HOPELESS))  # It still improves.
    assert patient.prune(study, running([*HOPELESS, 0.54, 0.53]))


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="`horizon` must be at least 1, but got 0"):
        CurvePruner(horizon=0)
    with pytest.raises(ValueError, match="`risk` must lie"):
        CurvePruner(risk=2.0)


def test_a_decision_takes_milliseconds() -> None:
    finished = saturating(np.random.default_rng(0), 500, 100)
    study = study_of(finished)
    pruner = CurvePruner()
    seconds = []
    for n in range(1, 30):
        trial = running(finished[n, : 2 * n].tolist())
        start = time.process_time()
        pruner.prune(study, trial)
        seconds.append(time.process_time() - start)
    assert np.median(seconds) < 0.05  # About 5 ms; the bound allows for slow machines.


def test_what_goes_on_gets_a_tenth_of_a_training_before_it_is_stopped_again() -> None:
    study = study_of(saturating(np.random.default_rng(0), 30, 30))
    hopeless = [0.2 + 0.001 * k for k in range(12)]
    stopped = create_trial(state=TrialState.PRUNED, intermediate_values=dict(enumerate(hopeless[:8], start=1)))
    study.add_trial(stopped)
    verdicts = []
    for n in (9, 10, 11):
        trial = running(hopeless[:n])
        trial.system_attrs = {RESUMES_KEY: 30}
        verdicts.append(CurvePruner().prune(study, trial))
    assert verdicts == [False, False, True]
    assert CurvePruner().prune(study, running(hopeless[:9]))


def test_what_the_sampler_said_counts_where_it_is_asked_for() -> None:
    finished = curves()
    study = study_of(finished)
    trial = running(HOPELESS)
    alone = CurvePruner().verdict(study, trial)
    trial.system_attrs = {PREDICTION_KEY: {"mean": float(finished[:, -1].max()) + 0.1, "std": 0.01}}
    assert CurvePruner().verdict(study, trial) == alone
    hoped = CurvePruner(use_graph=True).verdict(study, trial)
    assert alone is not None
    assert hoped is not None
    assert hoped.before > alone.before
    for unusable in ({"mean": float("nan"), "std": 1.0}, {"mean": 0.5, "std": 0.0}):
        trial.system_attrs = {PREDICTION_KEY: unusable}
        assert CurvePruner(use_graph=True).verdict(study, trial) == alone
