"""Several workers of one search, a process each."""

from __future__ import annotations

import queue
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from predictors.processes import end_with_parent
from smbo_nas.search.events import Emit, Event
from smbo_nas.search.settings import SearchSettings
from smbo_nas.search.study import open_study
from smbo_nas.search.worker import make_objective, work

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event as StopEvent

_POLL_SECONDS = 0.2
_GRACE_SECONDS = 20.0


class SharedBudget:
    """The new networks that all workers together may begin.

    Args:
        left: A multiprocessing `Value` of type int.
    """

    def __init__(self, left: Any) -> None:
        self._left = left

    def claim(self) -> bool:
        """Takes one network, if there is one left."""
        with self._left.get_lock():
            found: bool = self._left.value > 0
            self._left.value -= found
            return found

    def give_back(self) -> None:
        """Returns one that was taken."""
        with self._left.get_lock():
            self._left.value += 1


class WorkerDiedError(RuntimeError):
    """A worker process was killed; its trial goes on when the search is started again."""


def run_workers(settings: SearchSettings, stale: Sequence[int], new: int, deadline: float | None, emit: Emit) -> None:
    """Runs `settings.workers` processes until all are done, passing on what they tell.

    Raises:
        KeyboardInterrupt: When interrupted, after the workers have stopped.
        WorkerDiedError: When a worker was killed, after the others are done.
    """
    import torch.multiprocessing as mp

    context = mp.get_context("spawn")  # CUDA does not survive a fork
    events: Queue[Event] = context.Queue()
    budget = SharedBudget(context.Value("i", new))
    stop = context.Event()
    workers = [
        context.Process(
            target=_work, args=(settings, list(stale[k :: settings.workers]), budget, deadline, events, stop)
        )
        for k in range(settings.workers)
    ]
    for worker in workers:
        worker.start()
    try:
        while any(worker.is_alive() for worker in workers):
            _pass_on(events, emit)
    except KeyboardInterrupt:
        stop.set()
        for worker in workers:
            worker.join(_GRACE_SECONDS)
        raise
    finally:
        for worker in workers:
            if worker.is_alive():
                worker.kill()
            worker.join()
        _pass_on(events, emit)
    dead = [worker.exitcode for worker in workers if worker.exitcode != 0]
    if dead:
        raise WorkerDiedError(
            f"{len(dead)} of {len(workers)} workers died (exit code {dead[0]}); start the search again to go on."
        )


def _pass_on(events: Queue[Event], emit: Emit) -> None:
    try:
        while True:
            emit(events.get(timeout=_POLL_SECONDS))
    except queue.Empty:
        return


def _work(
    settings: SearchSettings,
    stale: Sequence[int],
    budget: SharedBudget,
    deadline: float | None,
    events: Queue[Event],
    stop: StopEvent,
) -> None:
    """Entry point of a worker process. The parent alone decides when Ctrl-C ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()  # a killed search leaves nobody writing to its study

    def emit(event: Event) -> None:
        events.put(event)
        if stop.is_set():
            raise KeyboardInterrupt

    try:
        objective = make_objective(settings)
        study = open_study(settings, objective.space)
        work(settings, study, objective, stale, budget, deadline, emit)
    except KeyboardInterrupt:
        return
