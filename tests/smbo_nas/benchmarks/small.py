"""A task of 125 settings, whose values follow from the graphs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from predictors.graph import ArchGraph
from smbo_nas.benchmarks.protocol import TaskRuns
from smbo_nas.benchmarks.runner import SearchRun
from smbo_nas.benchmarks.tabular import CELL_KEY, EPOCHS_KEY
from smbo_nas.benchmarks.tasks import Objective, Task
from smbo_nas.spaces import CellSpace

SPACE = CellSpace(nodes=3, ops=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))
CELLS = list(SPACE.enumerate())


def worth(graph: ArchGraph) -> float:
    """Live 3x3 convolutions are good, pooling is bad."""
    live = [op for op, alive in zip(graph.ops, graph.live, strict=True) if alive]
    return 10.0 * live.count("nor_conv_3x3") + 3.0 * live.count("nor_conv_1x1") - 5.0 * live.count("avg_pool_3x3")


VALUES = np.array([worth(SPACE.graph(params)) for params in CELLS])


def task(**changes: object) -> Task:
    def objective_of(seed: int) -> Objective:
        def objective(trial):  # type: ignore[no-untyped-def]
            row = CELLS.index(SPACE.suggest(trial).params)
            trial.set_user_attr(CELL_KEY, row)
            trial.set_user_attr(EPOCHS_KEY, 1)
            return float(VALUES[row])

        return objective

    given: dict[str, object] = {
        "name": "small", "space": SPACE, "cells": CELLS, "values": VALUES, "seconds": np.full(125, 7200.0),
        "epochs": 1, "tolerance": 0.0, "objective": objective_of,
    }  # fmt: skip
    return Task(**(given | changes))  # type: ignore[arg-type]


def run(method: str, seed: int, reached: int | None, *, spent: int = 100, regret: float = 1.0) -> SearchRun:
    """A run that found `regret` at once and, perhaps, the optimum later."""
    steps: list[tuple[int, float, float | None]] = [(1, regret, 0.5)]
    if reached is not None:
        steps.append((reached, 0.0, 2.0))
    return SearchRun(
        method=method,
        seed=seed,
        reached=reached,
        spent=reached or spent,
        trials=reached or spent,
        repeats=0,
        lost=False,
        proposal_seconds=0.25,
        steps=tuple(steps),
        hours_at={25: 1.0} if (reached or spent) >= 25 else {},
    )


def task_runs(runs: Iterable[SearchRun], *, name: str = "small", unit: str = "queries") -> TaskRuns:
    """Searches with a budget of 100 on a task whose best value is 90."""
    by: dict[str, dict[int, SearchRun]] = {}
    for each in runs:
        by.setdefault(each.method, {})[each.seed] = each
    return TaskRuns(name=name, unit=unit, budget=100, epochs=1, optimum=90.0, runs=by)
