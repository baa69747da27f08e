from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from smbo_nas.pruners import CurvePruner, StopPolicy, TrialCurve
from tests.predictors.curves.synthetic import saturating

EPOCHS = 12


def run(curves: np.ndarray, *, direction: str = "maximize") -> optuna.Study:
    """A study of two objectives whose trials have these curves."""
    policy = StopPolicy()

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        curve = TrialCurve(trial, horizon=EPOCHS, direction=direction, policy=policy)  # type: ignore[arg-type]
        for epoch, value in enumerate(curves[trial.number], start=1):
            curve.report(value, epoch)
            if curve.should_stop():
                raise optuna.TrialPruned
        return float(curves[trial.number, -1]), float(trial.number)

    study = optuna.create_study(directions=[direction, "minimize"])
    study.optimize(objective, n_trials=len(curves))
    return study


@pytest.mark.parametrize(("direction", "sign"), [("maximize", 1.0), ("minimize", -1.0)])
def test_hopeless_trainings_stop_in_studies_of_two_objectives(direction: str, sign: float) -> None:
    curves = sign * saturating(np.random.default_rng(0), 20, EPOCHS)
    study = run(curves, direction=direction)
    states = [t.state for t in study.trials]
    assert states[:4] == [TrialState.COMPLETE] * 4
    assert states.count(TrialState.PRUNED) >= 5
    assert states[int(np.argmax(sign * curves[:, -1]))] == TrialState.COMPLETE


def test_it_stops_what_the_pruner_of_one_objective_stops() -> None:
    curves = saturating(np.random.default_rng(1), 12, EPOCHS)

    def objective(trial: optuna.Trial) -> float:
        for epoch, value in enumerate(curves[trial.number], start=1):
            trial.report(float(value), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(curves[trial.number, -1])

    study = optuna.create_study(direction="maximize", pruner=CurvePruner(horizon=EPOCHS))
    study.optimize(objective, n_trials=len(curves))
    assert [t.state for t in study.trials] == [t.state for t in run(curves).trials]


def test_a_curve_goes_on_in_another_process() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    trial = study.ask()
    TrialCurve(trial, horizon=3).report(0.5, 1)
    again = TrialCurve(optuna.trial.Trial(study, trial._trial_id), horizon=3)
    again.report(float("nan"), 2)
    assert again.values[1] == 0.5
    assert np.isnan(again.values[2])
    assert not again.should_stop()


def test_bad_arguments() -> None:
    trial = optuna.create_study().ask()
    with pytest.raises(ValueError, match="`horizon` must be at least 1, but got 0"):
        TrialCurve(trial, horizon=0)
    with pytest.raises(ValueError, match="`direction` must be"):
        TrialCurve(trial, horizon=3, direction="up")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`step` must be from 1 to 3, but got 4"):
        TrialCurve(trial, horizon=3).report(0.5, 4)
