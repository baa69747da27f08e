from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from smbo_nas import NASBench201Space
from smbo_nas.benchmarks.tabular import CELL_KEY, EPOCHS_KEY, TabularObjective
from smbo_nas.resuming import RESUMES_KEY
from smbo_nas.spaces.listed import ListedSpace

SPACE = NASBench201Space()
LISTED = ListedSpace(SPACE, [c.params for c in list(SPACE.classes.values())[::900]])
CURVES = np.random.default_rng(0).random((len(LISTED), 5))


class StopsAt(BasePruner):
    """Stops trial n at the n-th of these epochs."""

    def __init__(self, *epochs: int) -> None:
        self.epochs = epochs

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return max(trial.intermediate_values) >= self.epochs[trial.number]


def test_a_trial_reports_the_curve_of_its_architecture() -> None:
    objective = TabularObjective(LISTED, CURVES)
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    for params in LISTED.enumerate():
        study.enqueue_trial(params)
    study.optimize(objective, n_trials=len(LISTED))
    for k, trial in enumerate(study.trials):
        assert trial.user_attrs == {CELL_KEY: k, EPOCHS_KEY: 5}
        assert list(trial.intermediate_values.values()) == CURVES[k].tolist()
        assert trial.value == CURVES[k, -1]


def test_only_new_epochs_cost() -> None:
    objective = TabularObjective(LISTED, CURVES)
    study = optuna.create_study(direction="maximize", pruner=StopsAt(2, 3, 9))
    params = next(LISTED.enumerate())
    for number in range(3):
        study.enqueue_trial(params)
        trial = study.ask()
        if number == 1:
            study._storage.set_trial_system_attr(trial._trial_id, RESUMES_KEY, 0)
        try:
            study.tell(trial, objective(trial))
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
    assert [t.user_attrs[EPOCHS_KEY] for t in study.trials] == [2, 1, 2]
    assert [len(t.intermediate_values) for t in study.trials] == [2, 3, 5]
    assert objective.trained[0] == 5


def test_what_the_table_lacks_is_pruned_or_stands_for_its_nearest() -> None:
    lacking = next(params for params in SPACE.enumerate() if not LISTED.is_valid(params))
    for nearest, state in ((False, TrialState.PRUNED), (True, TrialState.COMPLETE)):
        study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
        study.enqueue_trial(lacking)
        study.optimize(TabularObjective(LISTED, CURVES, nearest=nearest), n_trials=1)
        assert study.trials[0].state == state
    assert study.trials[0].user_attrs[CELL_KEY] == LISTED.nearest(lacking)


def test_curves_must_fit_the_list() -> None:
    with pytest.raises(ValueError, match=r"`curves` must have one row for each of the 7 architectures"):
        TabularObjective(LISTED, CURVES[:3])
