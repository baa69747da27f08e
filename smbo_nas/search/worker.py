"""One worker of a search: continues what a dead process left, then asks for new trials."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import optuna
from optuna.trial import TrialState

from predictors.threads import single_torch_thread
from smbo_nas.pruners import CurvePruner
from smbo_nas.resuming import begins, resumes
from smbo_nas.search.events import Emit, EpochDone, TrialEnded
from smbo_nas.search.settings import SearchSettings
from smbo_nas.spaces import get_space
from smbo_nas.training import EpochRecord, TrainingEvaluator, load_data
from smbo_nas.training.objective import REASON_KEY, TrainingObjective

OWNER_KEY = "smbo_nas:out"
"""User attribute of a trial: the output folder of the search that trains it."""
STOP_KEY = "stop_probability"
"""User attribute of a trial that `CurvePruner` stopped: its probability of beating the incumbent then."""
TRIALS_FOLDER = "trials"


class Budget(Protocol):
    """Counts the new networks that may still be begun, over all workers."""

    def claim(self) -> bool:
        """Takes one, if there is one left."""

    def give_back(self) -> None:
        """Returns one that was taken."""


class OutOfTimeError(Exception):
    """The search's time is over; the trial under way goes on when the search is started again."""


@dataclass
class LocalBudget:
    """The budget of a single worker."""

    left: int

    def claim(self) -> bool:
        """Takes one network, if there is one left."""
        found = self.left > 0
        self.left -= found
        return found

    def give_back(self) -> None:
        """Returns one that was taken."""
        self.left += 1


def make_objective(settings: SearchSettings) -> TrainingObjective:
    """The objective of a search: its space, data, training and checkpoints.

    Raises:
        ValueError: When space, data or device is none.
    """
    space = get_space(settings.space)
    config = settings.training_config()
    evaluator = TrainingEvaluator(load_data(settings.data, seed=settings.seed), config, device=settings.device)
    return TrainingObjective(
        space,
        evaluator,
        folder=settings.out / TRIALS_FOLDER,
        seed=settings.seed,
        **settings.network_sizes(space),
    )


def work(
    settings: SearchSettings,
    study: optuna.Study,
    objective: TrainingObjective,
    stale: Sequence[int],
    budget: Budget,
    deadline: float | None,
    emit: Emit,
) -> None:
    """Runs trials until the budget or the time is used up, on one thread, so that a seed means the same everywhere.

    Args:
        settings: The search.
        study: Its study, as this process opened it.
        objective: Its objective, from `make_objective`.
        stale: Ids of RUNNING trials whose process is gone; they are continued first, from their checkpoints, and count
            as taken from the budget.
        budget: Of new networks; trials that go on with stopped ones are free.
        deadline: `time.time()` after which no epoch is started.
        emit: Told of every epoch and trial.
    """

    def on_epoch(trial: optuna.Trial, record: EpochRecord) -> None:
        emit(EpochDone(trial.number, record.epoch, record.val_accuracy, record.replayed))
        if deadline is not None and time.time() > deadline and record.epoch < settings.epochs:
            raise OutOfTimeError

    objective.on_epoch = on_epoch
    with single_torch_thread(), suppress(OutOfTimeError):
        for trial_id in stale:
            _run_trial(study, optuna.trial.Trial(study, trial_id), objective, budget, emit)
        while (deadline is None or time.time() < deadline) and budget.claim():
            trial = study.ask()
            trial.set_user_attr(OWNER_KEY, str(settings.out.resolve()))
            _run_trial(study, trial, objective, budget, emit)


def _run_trial(
    study: optuna.Study, trial: optuna.Trial, objective: TrainingObjective, budget: Budget, emit: Emit
) -> None:
    """Runs one trial to its end; what goes wrong in its training ends the trial, not the search.

    What goes wrong in proposing its architecture is no fault of the trial, and does end the search.
    """
    state: TrialState | None = None
    value: float | None = None
    with suppress(optuna.TrialPruned):  # the objective will meet it again
        objective.space.suggest(trial)
    try:
        value = objective(trial)
    except OutOfTimeError:
        raise
    except optuna.TrialPruned:
        state = TrialState.PRUNED
        _explain_stop(study, trial)
    except Exception as error:
        state = TrialState.FAIL
        trial.set_user_attr(REASON_KEY, f"{type(error).__name__}: {error}")
    if value is not None and value != value:
        state, value = TrialState.FAIL, None
    told = study.tell(trial, value, state=state)
    one_more = begins(told, study.get_trials(deepcopy=False))
    emit(
        TrialEnded(
            trial=told.number,
            state=told.state.name,
            value=told.value if told.state == TrialState.COMPLETE else None,
            epochs=len(told.intermediate_values),
            reason=told.user_attrs.get(REASON_KEY),
            resumes=resumes(told),
            begins=one_more,
        )
    )
    if not one_more:
        budget.give_back()


def _explain_stop(study: optuna.Study, trial: optuna.Trial) -> None:
    """Notes why a trial was stopped, where the pruner can tell."""
    if isinstance(study.pruner, CurvePruner):
        verdict = study.pruner.verdict(study, study._storage.get_trial(trial._trial_id))
        if verdict is not None:
            trial.set_user_attr(STOP_KEY, verdict.probability)
            trial.set_user_attr(REASON_KEY, verdict.why)
