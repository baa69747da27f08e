"""run_search: the search command without its command line."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState

from smbo_nas.resuming import begins
from smbo_nas.search.clock import RunClock
from smbo_nas.search.events import Begun, Emit, EpochDone, Event
from smbo_nas.search.outputs import best_trial, tidy_checkpoints, write_outputs
from smbo_nas.search.pool import run_workers
from smbo_nas.search.settings import SearchSettings
from smbo_nas.search.study import JOURNAL, StudyError, open_study, repair_journal
from smbo_nas.search.worker import OWNER_KEY, LocalBudget, make_objective, work
from smbo_nas.training.objective import TrainingObjective

LOCK = ".lock"
_ADOPT_AFTER_SECONDS = 60.0
"""A trial in a shared storage that never got an owner is left alone this long: its process may be about to sign it."""


class Outcome(StrEnum):
    """How a run of a search ended; all but `COMPLETE` go on when it is started again."""

    COMPLETE = "complete"
    OUT_OF_TIME = "out of time"
    INTERRUPTED = "interrupted"


class OutputFolderError(ValueError):
    """The output folder is in use, or holds something else; nothing was changed."""


def run_search(settings: SearchSettings, emit: Emit, command: str = "") -> Outcome:
    """Searches, or goes on with the search in `settings.out`, and writes its results there.

    Args:
        settings: The search.
        emit: Told of every epoch and trial, in this process.
        command: How the search was started, for the report.

    Returns:
        How it ended. Unless complete, the same settings go on with nothing lost but the epochs under way.

    Raises:
        ValueError: When the settings, the folder or the study do not fit; nothing on disk is changed then.
    """
    objective = make_objective(settings)  # checks space, data and device before anything is written
    _check_sizes(objective)
    with _own(settings):
        study = open_study(settings, objective.space)
        before = study.get_trials(deepcopy=False)
        stale = [t._trial_id for t in before if t.state == TrialState.RUNNING and _is_ours(t, settings)]
        finished = _networks(before)
        new = settings.trials - finished - len(stale)  # below 0 where the study has more already
        started = time.time()
        deadline = None if settings.timeout is None else started + settings.timeout
        clock = RunClock(settings.out)

        def on_event(event: Event) -> None:
            clock.tick()
            if not isinstance(event, EpochDone):
                tidy_checkpoints(settings.out, study, thaw=settings.thaw)
            emit(event)

        best = best_trial(before)
        emit(Begun(finished, len(stale), None if best is None or best.value is None else (best.value, best.number)))
        outcome = Outcome.OUT_OF_TIME
        try:
            if settings.workers == 1:
                work(settings, study, objective, stale, LocalBudget(new), deadline, on_event)
            else:
                run_workers(settings, stale, new, deadline, on_event)
        except KeyboardInterrupt:
            outcome = Outcome.INTERRUPTED  # a trial under way stays RUNNING, with its checkpoint
        finally:
            clock.tick(force=True)
            write_outputs(settings, study, objective, seconds=clock.seconds, command=command)
        done = _networks(study.get_trials(deepcopy=False))
        return Outcome.COMPLETE if done >= settings.trials else outcome


def _networks(trials: Sequence[FrozenTrial]) -> int:
    """How many networks were trained; a trial that went on with a stopped one is not one more."""
    return sum(t.state.is_finished() and begins(t, trials) for t in trials)


def _check_sizes(objective: TrainingObjective) -> None:
    """Builds one network, so that a wrong size or operation is an error of the command, not of every trial."""
    import numpy as np
    import torch

    space, data = objective.space, objective.evaluator.data
    candidate = space.candidate(space.sample(np.random.default_rng(0)))
    with torch.device("meta"):
        candidate.build(input_shape=data.input_shape, num_classes=data.num_classes, **objective.sizes)


def _is_ours(trial: FrozenTrial, settings: SearchSettings) -> bool:
    """Whether a RUNNING trial was left by an earlier run of this search."""
    owner = trial.user_attrs.get(OWNER_KEY)
    if owner is not None:
        return bool(owner == str(settings.out.resolve()))
    if settings.storage is None:
        return True
    age = time.time() - trial.datetime_start.timestamp() if trial.datetime_start is not None else 0.0
    return age > _ADOPT_AFTER_SECONDS


@contextmanager
def _own(settings: SearchSettings) -> Iterator[None]:
    """Owns the output folder; the operating system frees it when this process dies, however it dies."""
    out = settings.out
    if out.exists() and not out.is_dir():
        raise OutputFolderError(f"`out` must be a folder, but {out} is a file.")
    ours = (out / LOCK).exists()
    if out.exists() and any(out.iterdir()) and not ours:
        raise OutputFolderError(f"`out` must be new, empty or of an earlier search, but {out} holds other files.")
    created = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise OutputFolderError(f"`out` {out} is in use by another search.") from None
    try:
        repair_journal(out)
        yield
    except StudyError:
        if created:  # nothing was written yet: leave no trace
            lock.release()
            for path in (out / LOCK, out / JOURNAL):
                path.unlink(missing_ok=True)
            out.rmdir()
        raise
    finally:
        lock.release()
