from __future__ import annotations

import numpy as np
import optuna
import pytest

from predictors.curves import ParametricCurvePredictor
from smbo_nas.observations import FinalValues, curve_matrix
from tests.predictors.curves.synthetic import saturating


def trial(values: dict[int, float]) -> optuna.trial.FrozenTrial:
    return optuna.trial.create_trial(value=0.0, intermediate_values=values)


def test_the_axis_is_the_sorted_union_of_the_steps() -> None:
    steps, curves = curve_matrix([trial({5: 0.2, 0: 0.1}), trial({}), trial({10: 0.4, 5: np.nan})])
    assert steps.tolist() == [0, 5, 10]
    assert steps.dtype == np.int64
    nan = np.nan
    np.testing.assert_array_equal(curves, [[0.1, 0.2, nan], [nan, nan, nan], [nan, nan, 0.4]])


@pytest.mark.parametrize("n_trials", [0, 2])
def test_without_reports_there_are_no_columns(n_trials: int) -> None:
    steps, curves = curve_matrix([trial({})] * n_trials)
    assert steps.shape == (0,)
    assert curves.shape == (n_trials, 0)


def test_a_short_curve_is_no_evidence_and_a_long_one_nearly_all_there_is() -> None:
    curves = saturating(np.random.default_rng(0), 21, 12)
    complete = [trial(dict(enumerate(curve.tolist(), start=1))) for curve in curves[:20]]
    stopped = []
    for number, steps in enumerate((1, 11)):
        begun = optuna.trial.create_trial(
            state=optuna.trial.TrialState.PRUNED,
            intermediate_values=dict(enumerate(curves[20, :steps].tolist(), start=1)),
        )
        begun.number = number
        stopped.append(begun)
    predicted = FinalValues(ParametricCurvePredictor())(complete, stopped)
    evidence = FinalValues(ParametricCurvePredictor(), evidence=True)(complete, stopped)
    assert evidence[0][1] > 1.5 * predicted[0][1]
    assert evidence[1][1] == pytest.approx(predicted[1][1], rel=0.2)
    assert evidence[1][0] == pytest.approx(predicted[1][0], abs=0.02)
    ends = curves[:20, -1]
    assert all(min(ends.min(), predicted[k][0]) <= evidence[k][0] <= max(ends.max(), predicted[k][0]) for k in (0, 1))
