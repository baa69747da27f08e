from __future__ import annotations

import numpy as np
import optuna
import pytest

from smbo_nas.observations import curve_matrix


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
