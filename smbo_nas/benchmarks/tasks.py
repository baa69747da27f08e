"""Tasks: tables of trained architectures as Optuna objectives whose optimum is known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray

from predictors.graph import ArchGraph
from smbo_nas.benchmarks.fashion201 import load_fashion201
from smbo_nas.benchmarks.nasbench201 import DATASETS, load_table
from smbo_nas.benchmarks.tabular import CELL_KEY, EPOCHS_KEY, TabularObjective
from smbo_nas.spaces.base import Params, SearchSpace
from smbo_nas.spaces.listed import ListedSpace
from smbo_nas.spaces.nasbench101 import NASBench101Space
from smbo_nas.spaces.nasbench201 import NASBench201Space

Array = NDArray[np.float64]
Objective = Callable[[optuna.Trial], float]
"""Sets the user attributes `CELL_KEY` and `EPOCHS_KEY`; may raise `optuna.TrialPruned`."""

SECONDS_COLUMN = "train_time_s"
"""Field of a table of NAS-Bench-101: seconds of a training; not needed."""


@dataclass(frozen=True)
class Task:
    """What a search is measured on: `n` architectures and what became of each.

    Attributes:
        name: What results call it.
        space: The search space.
        cells: Params of each architecture, `n`.
        values: What is maximised, without noise, in percent, `(n,)`.
        seconds: Simulated seconds of a whole training, `(n,)`; NaN where it is not known.
        epochs: Cost of a whole training, in `unit`: 1 where the table has final values only.
        tolerance: An architecture solves the task within so many points of the best.
        objective: Makes the objective of one search from its seed.
        test: What is reported of what a search found, and never searched by: accuracy on a test split, in percent,
            `(n,)`; None where the table has none.
    """

    name: str
    space: SearchSpace
    cells: Sequence[Params]
    values: Array
    seconds: Array
    epochs: int
    tolerance: float
    objective: Callable[[int], Objective]
    test: Array | None = None

    @property
    def unit(self) -> str:
        """What a search spends: queries of whole trainings, or epochs."""
        return "queries" if self.epochs == 1 else "epochs"

    @property
    def optimum(self) -> float:
        """The best value."""
        return float(self.values.max())

    def regret(self, row: int) -> float:
        """Points that an architecture lacks to the optimum."""
        return self.optimum - float(self.values[row])

    def starts(self, seed: int, count: int) -> list[Params]:
        """The first architectures of a search, the same for every method: distinct rows, drawn uniformly."""
        rows = np.random.default_rng(seed).choice(len(self.cells), size=min(count, len(self.cells)), replace=False)
        return [dict(self.cells[row]) for row in rows]

    def fingerprint(self) -> str:
        """Hash (32 hex digits) of the architectures and their values."""
        found = hashlib.blake2b(np.ascontiguousarray(self.values).tobytes(), digest_size=16)
        for params in self.cells:
            found.update(" ".join(params.values()).encode())
        return found.hexdigest()


@dataclass(frozen=True)
class TaskSource:
    """Says which task, so that every process can load its own, once.

    Attributes:
        benchmark: `nasbench201`, `nasbench101` or `fashion201`.
        dataset: Of `nasbench201`.
        noisy: Whether a query returns one training of the table, drawn at random; for `nasbench201`.
        data: Table file of `nasbench101`.
        target: Its field to maximise, in percent.
    """

    benchmark: str
    dataset: str = ""
    noisy: bool = False
    data: Path | None = None
    target: str = ""

    def load(self) -> Task:
        """The task; the same object when asked again in one process.

        Raises:
            ValueError: When there is no such task, or the file is not its table.
            BenchmarkError: When the table is not installed.
        """
        return _load(self)


def source_of(name: str) -> TaskSource:
    """The task of a name: `nasbench201:cifar10`, `nasbench201:cifar100`, `nasbench201:imagenet` or `fashion201`.

    Raises:
        ValueError: When there is no such task.
    """
    benchmark, _, dataset = name.partition(":")
    datasets = {**{known: known for known in DATASETS}, "imagenet": "imagenet16-120"}
    if benchmark == "nasbench201" and dataset in datasets:
        return TaskSource(benchmark, dataset=datasets[dataset])
    if name == "fashion201":
        return TaskSource(name)
    known = ", ".join(f"nasbench201:{dataset}" for dataset in datasets)
    raise ValueError(f"`tasks` must be of {known}, fashion201, but got {name!r}.")


@cache
def _load(source: TaskSource) -> Task:
    if source.benchmark == "nasbench201":
        return nasbench201(source.dataset, noisy=source.noisy)
    if source.benchmark == "fashion201":
        return fashion201()
    if source.benchmark == "nasbench101" and source.data is not None:
        return nasbench101(source.data, source.target)
    raise ValueError(f"`benchmark` must be nasbench201, nasbench101 (with a file) or fashion201, but got {source}.")


def nasbench201(dataset: str, *, noisy: bool = False) -> Task:
    """All 15,625 cells of NAS-Bench-201 (Dong and Yang, ICLR 2020) after 200 epochs, validation accuracy.

    Every query costs one, also of a cell that was queried before: the tables of the papers count so, and Optuna's
    samplers would have it trained again.

    Args:
        dataset: `cifar10`, `cifar100` or `imagenet16-120`.
        noisy: Whether a query returns one of the table's two or three trainings of a cell; the regret is of their mean.
    """
    table = load_table(dataset)
    space = NASBench201Space()
    mean = table.mean_val_acc
    trainings = [row[np.isfinite(row)] for row in table.val_acc] if noisy else [mean[[k]] for k in range(len(mean))]
    return Task(
        name=f"nasbench201 {dataset}",
        space=space,
        cells=list(space.enumerate()),
        values=mean,
        seconds=table.train_time,
        epochs=1,
        tolerance=0.0,
        objective=partial(_final_values, space, trainings),
    )


def _final_values(space: SearchSpace, trainings: Sequence[Array], seed: int) -> Objective:
    """An objective that draws one of the trainings of what is suggested; rows are in the order of `enumerate`."""
    rng = np.random.default_rng([seed, 1])  # not the stream of the starts
    row_of = {tuple(params.values()): row for row, params in enumerate(space.enumerate())}

    def objective(trial: optuna.Trial) -> float:
        row = row_of[tuple(space.suggest(trial).params.values())]
        trial.set_user_attr(CELL_KEY, row)
        trial.set_user_attr(EPOCHS_KEY, 1)
        return float(rng.choice(trainings[row]))

    return objective


def nasbench101(data: Path, target: str = "val_e108") -> Task:
    """The cells of a table as the pool: cells of NAS-Bench-101 (Ying et al., ICML 2019) with a value each.

    Solved within 0.3 points of the best. What the pool lacks stands for the cell in it that differs least; a cell that
    was queried before costs nothing, since that may be the table's fault.

    Args:
        data: A table as `predictors.table` reads it, with graphs of `NASBench101Space`.
        target: Field of the values, in percent.

    Raises:
        ValueError: When the file is no such table.
    """
    from predictors.table import read_table

    table = read_table(data, target=target, columns=None)
    whole = NASBench101Space()
    rows: dict[str, int] = {}
    for row, graph in enumerate(table.graphs):
        rows.setdefault(graph.digest, row)
    kept = list(rows.values())
    cells = [nasbench101_params(whole, table.graphs[row]) for row in kept]
    seconds = table.columns.get(SECONDS_COLUMN, np.full(len(table), np.nan))
    return _listed("nasbench101", whole, cells, table.y[kept, None], seconds[kept], tolerance=0.3)


def nasbench101_params(space: NASBench101Space, graph: ArchGraph) -> Params:
    """The params of a graph that the space made: its vertices are the graph's nodes up to the merge before the output.

    Raises:
        SpaceError: When the graph is none of the space's.
    """
    last = len(graph.ops) - 2
    matrix = [[0] * (last + 1) for _ in range(last + 1)]
    for i, j in graph.edges:
        if i < last:
            matrix[i][min(j, last)] = 1
    return space.from_matrix(matrix, graph.ops[:-1])


def fashion201() -> Task:
    """Our real curves of cells of NAS-Bench-201 on small images; epochs are counted, so stopping pays.

    Solved within 0.1 points of the best final validation accuracy. What the table lacks stands for the cell in it that
    differs least; what was trained once is never paid for again.
    """
    table = load_fashion201()
    curves = 100.0 * table.val_accuracy
    task = _listed("fashion201", NASBench201Space(), table.cells, curves, table.seconds.sum(axis=1), tolerance=0.1)
    return replace(task, test=100.0 * table.test_accuracy[:, -1])


def _listed(
    name: str, whole: SearchSpace, cells: Sequence[Params], curves: Array, seconds: Array, *, tolerance: float
) -> Task:
    space = ListedSpace(whole, cells)
    return Task(
        name=name,
        space=space,
        cells=cells,
        values=curves[:, -1],
        seconds=seconds,
        epochs=curves.shape[1],
        tolerance=tolerance,
        objective=lambda _: TabularObjective(space, curves, nearest=True),
    )
