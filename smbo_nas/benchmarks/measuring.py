"""Runs the searches of one or several tasks that are not in their files yet, and keeps them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from smbo_nas.benchmarks.methods import STARTS
from smbo_nas.benchmarks.results import Measured, read_results, write_results
from smbo_nas.benchmarks.runner import SearchRun, marks, run_searches
from smbo_nas.benchmarks.tasks import TaskSource

WRITE_SECONDS = 10.0
"""A file is written at most so often, and at the end, also of an interrupted run: a search may take less than that."""


class TaskFile:
    """The searches of a task, and the file that keeps them.

    Args:
        source: The task.
        budget: Whole trainings of a search.
        batch: Trials that are asked for before the first of them is told.
        path: A JSON file; an old one is gone on with. None keeps nothing.
        about: What else is worth knowing.

    Attributes:
        task: The task.
        measured: What its searches have in common.
        runs: Those that are done.

    Raises:
        ValueError: When the file is something else, or its settings are others.
        BenchmarkError: When the task's table is not installed.
    """

    def __init__(
        self, source: TaskSource, *, budget: int, batch: int, path: Path | None, about: Mapping[str, Any]
    ) -> None:
        self.source = source
        self.task = source.load()
        settings = {
            "task": self.task.name,
            "noisy": source.noisy,
            "budget": budget,
            "batch": batch,
            "starts": STARTS,
            "fingerprint": self.task.fingerprint(),
        }
        self.measured = Measured(settings, self.task.unit, budget * self.task.epochs, marks(self.task, budget))
        self.runs = [] if path is None else read_results(path, settings=settings)
        self._path = path
        self._about = {**about, "optimum": self.task.optimum, "tolerance": self.task.tolerance}
        self._written = time.monotonic()
        self._new = False

    def add(self, run: SearchRun) -> None:
        """Keeps a search; in the file, unless that was written just now."""
        self.runs.append(run)
        self._new = True
        if time.monotonic() - self._written >= WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Writes what is not in the file yet."""
        if self._path is not None and self._new:
            write_results(self._path, self.measured, self.runs, about=self._about)
            self._new = False
        self._written = time.monotonic()


Search = tuple[TaskFile, str, int]
"""A task, a method and a seed."""


def missing(files: Sequence[TaskFile], methods: Sequence[Sequence[str]], seeds: Sequence[int]) -> list[Search]:
    """What is to be done so that every method of every task has every seed: all of one seed before the next.

    Args:
        files: The tasks.
        methods: Of each task, names that passed `check`.
        seeds: The seeds.
    """
    done = [{(run.method, run.seed) for run in file.runs} for file in files]
    return [
        (file, method, seed)
        for seed in seeds
        for file, names, before in zip(files, methods, done, strict=True)
        for method in names
        if (method, seed) not in before
    ]


def measure(searches: Sequence[Search], *, workers: int, advance: Callable[[int], None]) -> None:
    """Runs searches and keeps them; whatever ends this, what was done is written.

    Args:
        searches: Of tasks with the same budget and batch.
        workers: Processes side by side.
        advance: Hears how many are done.
    """
    files = {file.source: file for file, _, _ in searches}
    if not files:
        return
    settings = next(iter(files.values())).measured.settings
    fresh = run_searches(
        [(file.source, method, seed) for file, method, seed in searches],
        budget=settings["budget"],
        batch=settings["batch"],
        workers=workers,
    )
    try:
        for number, (source, run) in enumerate(fresh, start=1):
            files[source].add(run)
            advance(number)
    finally:
        for file in files.values():
            file.write()
