"""Independent pieces of work in several processes, one thread each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from predictors.threads import single_blas_thread, single_torch_thread

T = TypeVar("T")

_work: Callable[..., Any]


class WorkerDiedError(RuntimeError):
    """A process was killed before its work was done."""


def run_each(work: Callable[..., T], arguments: Sequence[tuple[Any, ...]], workers: int = 1) -> Iterator[T]:
    """Yields `work(*a)`, done on one thread, for all of the arguments: in order in this process, else as they end.

    When the caller stops early, for whatever reason, the processes are ended at once; they also end with this one.

    Args:
        work: What to do. Several processes get it pickled, once each.
        arguments: What to do it with.
        workers: Number of processes; 1 stays in this one.

    Raises:
        WorkerDiedError: When a process was killed.
    """
    if workers == 1:
        for each in arguments:
            yield _on_one_thread(work, each)
        return
    before = multiprocessing.active_children()
    executor = ProcessPoolExecutor(
        min(workers, max(len(arguments), 1)),
        mp_context=multiprocessing.get_context("spawn"),  # CUDA and threads do not survive a fork
        initializer=_initialise,
        initargs=(work,),
    )
    try:
        with _inheriting_no_interrupts():
            results = [executor.submit(_run, each) for each in arguments]
        for done in as_completed(results):
            yield done.result()
    except BrokenProcessPool as error:
        raise WorkerDiedError("a worker process was killed (is there enough memory for `workers`?).") from error
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in before:
                process.terminate()


@contextmanager
def _inheriting_no_interrupts() -> Iterator[None]:
    """Processes started inside never see Ctrl-C: this one alone decides when they end."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _initialise(work: Callable[..., Any]) -> None:
    global _work
    _work = work
    end_with_parent()


def end_with_parent() -> None:
    """Ends this process as soon as its parent is gone, so that a killed one leaves nobody at work."""
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(arguments: tuple[Any, ...]) -> Any:
    return _on_one_thread(_work, arguments)


def _on_one_thread(work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    torch = single_torch_thread() if "torch" in sys.modules else nullcontext()
    with single_blas_thread(), torch:
        return work(*arguments)
