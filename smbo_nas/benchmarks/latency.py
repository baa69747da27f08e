"""Accuracy against latency: the hypervolume that searches with two objectives find on NAS-Bench-201."""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler

from predictors.architecture import GraphGP
from predictors.graph import ArchGraph
from predictors.run_files import read_runs, require, write_runs
from smbo_nas.benchmarks.methods import STARTS
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.benchmarks.statistics import p_value, spread
from smbo_nas.samplers import MultiObjectiveSMBOSampler
from smbo_nas.spaces import NASBench201Space, Params, SearchSpace

Array = NDArray[np.float64]

MARKS = (10, 25, 50, 100, 150, 200)
"""Queries after which the hypervolume is told."""
OURS = ("smbo-gp", "smbo-gp-measured")
_ARCH = "arch"


@dataclass(frozen=True)
class LatencyTask:
    """Architectures with an accuracy and a latency.

    Attributes:
        space: The search space.
        cells: Params of each architecture, `n`.
        values: Accuracy, larger is better, and the negated latency, `(n, 2)`.
    """

    space: SearchSpace
    cells: Sequence[Params]
    values: Array

    @cached_property
    def reference(self) -> Array:
        """The point that hypervolume is measured from: BoTorch's, of the best front there is, `(2,)`."""
        from smbo_nas.hypervolume import reference_point

        return reference_point(self.values)

    @cached_property
    def best(self) -> float:
        """Hypervolume of the best front."""
        from smbo_nas.hypervolume import hypervolume

        return hypervolume(self.values, self.reference)

    @cached_property
    def _row_of(self) -> dict[ArchGraph, int]:
        return {self.space.graph(params): row for row, params in reversed(list(enumerate(self.cells)))}

    def row(self, graph: ArchGraph) -> int:
        """The architecture with a graph, as the space makes it."""
        return self._row_of[graph]

    def latency(self, graph: ArchGraph) -> float:
        """The latency of a graph, as the space makes it."""
        return float(-self.values[self.row(graph), 1])

    def share(self, rows: Sequence[int]) -> float:
        """Share of the best front's hypervolume that some architectures have."""
        from smbo_nas.hypervolume import hypervolume

        return hypervolume(self.values[list(rows)], self.reference) / self.best

    def starts(self, seed: int) -> list[Params]:
        """The first architectures of a search, the same for every method: distinct rows, drawn uniformly."""
        rows = np.random.default_rng(seed).choice(len(self.cells), size=STARTS, replace=False)
        return [dict(self.cells[row]) for row in rows]


@cache
def load_task(dataset: str, file: Path, device: str) -> LatencyTask:
    """Validation accuracies of NAS-Bench-201 (`load_table`) with latencies of a table.

    Args:
        dataset: `cifar10`, `cifar100` or `imagenet16-120`.
        file: CSV, perhaps gzipped: the column `arch` has NAS-Bench-201's strings of all 15,625 cells.
        device: The column of latencies.

    Raises:
        ValueError: When the file is no such table.
        BenchmarkError: When the accuracies are not installed.
    """
    space = NASBench201Space()
    cells = list(space.enumerate())
    found: dict[str, float] = {}
    with (gzip.open if file.suffix == ".gz" else open)(file, "rt", newline="") as lines:
        rows = csv.DictReader(lines)
        for name, what in ((_ARCH, "file"), (device, "device")):
            if name not in (rows.fieldnames or ()):
                raise ValueError(f"`{what}`: {file} has no column {name!r}; it has {', '.join(rows.fieldnames or ())}.")
        for row in rows:
            found[row[_ARCH]] = float(row[device])
    names = [space.to_arch_string(params) for params in cells]
    missing = [name for name in names if not np.isfinite(found.get(name, np.nan))]
    if missing:
        raise ValueError(f"`file`: {file} has no latency of {len(missing):,} cells, such as {missing[0]}.")
    accuracy = load_table(dataset).mean_val_acc
    return LatencyTask(space, cells, np.column_stack([accuracy, [-found[name] for name in names]]))


METHODS: Mapping[str, Callable[[LatencyTask, int], BaseSampler]] = {
    "smbo-gp": lambda task, seed: MultiObjectiveSMBOSampler(
        task.space, computed={1: task.latency}, predictor=GraphGP(random_state=seed), n_startup_trials=STARTS, seed=seed
    ),
    "smbo-gp-measured": lambda task, seed: MultiObjectiveSMBOSampler(
        task.space, predictor=GraphGP(random_state=seed), n_startup_trials=STARTS, seed=seed
    ),
    "tpe": lambda _, seed: TPESampler(n_startup_trials=STARTS, seed=seed),
    "nsga2": lambda _, seed: NSGAIISampler(seed=seed),
    "nsga2-20": lambda _, seed: NSGAIISampler(population_size=20, seed=seed),
    "random": lambda _, seed: RandomSampler(seed=seed),
}
"""`smbo-gp` knows the latency of every cell, `smbo-gp-measured` that of queried ones, as the peers do. NSGA-II has
Optuna's population of 50, or 20."""


@dataclass(frozen=True)
class FrontRun:
    """What came of one search.

    Attributes:
        method: Its name.
        seed: Of the starts and the sampler.
        proposal_seconds: Mean CPU time of a proposal after the starts.
        rows: The architectures in the order in which they were queried.
        shares: Share of the best front's hypervolume after each query, `len(rows)`.
    """

    method: str
    seed: int
    proposal_seconds: float
    rows: tuple[int, ...]
    shares: tuple[float, ...]


def search(task: LatencyTask, method: str, seed: int, budget: int) -> FrontRun:
    """Searches with one method; the ten first architectures are the same for every method of a seed, and count.

    Args:
        task: What to search on.
        method: A name of `METHODS`.
        seed: Of every random choice.
        budget: Queries, at least 11.
    """
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=METHODS[method](task, seed))
    for params in task.starts(seed):
        study.enqueue_trial(params)
    rows: list[int] = []
    shares: list[float] = []
    proposing = 0.0
    for number in range(budget):
        began = time.process_time()
        trial = study.ask()
        graph = task.space.suggest(trial).graph
        if number >= STARTS:
            proposing += time.process_time() - began
        row = task.row(graph)
        rows.append(row)
        shares.append(task.share(rows))
        study.tell(trial, [float(task.values[row, 0]), float(-task.values[row, 1])])
    return FrontRun(method, seed, proposing / (budget - STARTS), tuple(rows), tuple(shares))


@dataclass(frozen=True)
class Work:
    """`search` for other processes."""

    dataset: str
    file: Path
    device: str

    def __call__(self, method: str, seed: int, budget: int) -> FrontRun:
        """One search; Optuna says nothing."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        return search(load_task(self.dataset, self.file, self.device), method, seed, budget)


def summaries(runs: Sequence[FrontRun]) -> dict[str, dict[str, Any]]:
    """By method: the share of the best hypervolume at each mark, and ours after 100 queries against it after its last.

    `<ours>_at_100` are two-sided Wilcoxon signed-rank tests over common seeds.
    """
    by_method = {run.method: [r for r in runs if r.method == run.method] for run in runs}
    found: dict[str, dict[str, Any]] = {}
    for method, own in by_method.items():
        at = {mark: [run.shares[mark - 1] for run in own if len(run.shares) >= mark] for mark in MARKS}
        found[method] = {
            "seeds": len(own),
            "share_at": {str(mark): spread(shares) for mark, shares in at.items() if shares},
            "proposal_seconds_per_trial": spread([run.proposal_seconds for run in own]),
        }
        if method in OURS:
            continue
        last = {run.seed: run.shares[-1] for run in own}
        for name in OURS:
            ours = [r for r in by_method.get(name, ()) if r.seed in last and len(r.shares) >= 100]
            pairs = [(r.shares[99], last[r.seed]) for r in ours]
            if pairs:
                wins = sum(a > b for a, b in pairs)
                found[method][f"{name}_at_100"] = {"pairs": len(pairs), "wins": wins, "p": p_value(pairs)}
    return found


def write_fronts(path: Path, settings: Mapping[str, Any], runs: Sequence[FrontRun], about: Mapping[str, Any]) -> None:
    """Writes what was measured so far, whole or not at all."""
    ordered = sorted(runs, key=lambda run: (run.method, run.seed))
    each = [{**asdict(run), "shares": [round(share, 6) for share in run.shares]} for run in ordered]
    write_runs(path, {"settings": dict(settings), **about, "methods": summaries(ordered)}, each)


def read_fronts(path: Path, settings: Mapping[str, Any]) -> list[FrontRun]:
    """The runs in a file of `write_fronts`; none where there is no file.

    Raises:
        ValueError: When the file is something else, or its settings are others.
    """
    if not path.exists():
        return []
    before, runs = read_runs(path, _parse, what="benchmark of latency")
    require(path, before, settings)
    return runs


def _parse(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[FrontRun]]:
    runs = [FrontRun(**{**run, "rows": tuple(run["rows"]), "shares": tuple(run["shares"])}) for run in content["runs"]]
    return dict(content["settings"]), runs
