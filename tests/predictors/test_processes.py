from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator

import pytest

from predictors.processes import WorkerDiedError, run_each


def square(x: int) -> int:
    return x * x


def sleep_or_die(seconds: float) -> int:
    if seconds < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)
    return os.getpid()


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    before = multiprocessing.active_children()
    yield
    end = time.monotonic() + 10
    while set(multiprocessing.active_children()) - set(before) and time.monotonic() < end:
        time.sleep(0.05)
    assert set(multiprocessing.active_children()) <= set(before)


def test_one_process_is_this_one() -> None:
    assert list(run_each(square, [(1,), (2,), (3,)])) == [1, 4, 9]
    assert list(run_each(sleep_or_die, [(0.0,)])) == [os.getpid()]


def test_several_processes() -> None:
    assert sorted(run_each(square, [(1,), (2,), (3,)], 2)) == [1, 4, 9]
    assert list(run_each(square, [], 2)) == []


def test_a_killed_worker_is_an_error() -> None:
    with pytest.raises(WorkerDiedError, match="a worker process was killed"):
        list(run_each(sleep_or_die, [(0.0,), (-1.0,), (0.0,)], 2))


def test_leaving_early_ends_the_workers() -> None:
    results = run_each(sleep_or_die, [(0.0,), (600.0,), (600.0,)], 2)
    assert next(results) != os.getpid()
    results.close()  # type: ignore[attr-defined]
