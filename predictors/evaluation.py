"""The rank protocol: how well a predictor orders the networks that it was not trained on.

For each seed the table is shuffled by `np.random.default_rng(seed)`; for each size the first that many networks are
trained on and ALL others are predicted. So sizes are nested: with one seed, a larger size has all networks of a smaller
one. The seed is also the predictor's `random_state`.

The measures of a run, by name:

- `kendall_tau`: Kendall's tau-b of predicted and true values; 0 where all predictions are equal.
- `spearman`: Spearman's rank correlation, likewise.
- `n_at_10`: true rank, from 1, of the best of the ten networks predicted to be best (N@K of Ning et al., "A generic
  graph-based neural architecture encoding scheme for predictor-based NAS", ECCV 2020).
- `p_at_0.5`: share of the true best 0.5 % that are among the predicted best 0.5 % (P@K of the same).
- `coverage_50`, `coverage_80`, `coverage_95`: share of true values inside the central interval of so many percent.
- `fit_seconds`, `predict_seconds`: wall time, on one thread, of `fit` and of predicting all others.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from predictors import run_files
from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.inputs import Described
from predictors.graph import ArchGraph
from predictors.processes import run_each

Array = NDArray[np.float64]

_TOP = 10
_PRECISION_SHARE = 0.005
_INTERVALS = (50, 80, 95)


@dataclass(frozen=True)
class Task:
    """A table and a way to make a predictor for it.

    Attributes:
        make_predictor: Called with `random_state=`; something that can be pickled where there are several processes.
        rows: The networks.
        y: Their values, `(len(rows),)`, higher is better.
        y_std: Standard deviations of the values, likewise; None where all were measured.
    """

    make_predictor: Callable[..., ArchitecturePredictor]
    rows: Sequence[ArchGraph] | Sequence[Described]
    y: Array
    y_std: Array | None = None

    def fingerprint(self) -> str:
        """Hash (32 hex digits) of the table."""
        found = hashlib.blake2b(digest_size=16)
        for row, *numbers in zip(self.rows, *(y.tolist() for y in (self.y, self.y_std) if y is not None), strict=True):
            graph, columns = (row.graph, row.columns) if isinstance(row, Described) else (row, ())
            found.update(f"{graph.to_json()} {columns} {numbers}\n".encode())
        return found.hexdigest()

    def run(self, size: int, seed: int) -> Run:
        """Trains on `size` networks and measures on all others."""
        order = np.random.default_rng(seed).permutation(len(self.rows))
        train, test = order[:size], order[size:]
        predictor = self.make_predictor(random_state=seed)
        began = time.perf_counter()
        predictor.fit(
            [self.rows[k] for k in train], self.y[train], y_std=None if self.y_std is None else self.y_std[train]
        )
        fitted = time.perf_counter()
        unseen = [self.rows[k] for k in test]
        predicted = predictor.predict(unseen)
        done = time.perf_counter()
        truth = self.y[test]
        measures = rank_measures(predicted, truth)
        bounds = predictor.quantiles(unseen, [0.5 + side * p / 200 for p in _INTERVALS for side in (-1, 1)])
        for percent, low, high in zip(_INTERVALS, bounds[::2], bounds[1::2], strict=True):
            measures[f"coverage_{percent}"] = float(np.mean((low <= truth) & (truth <= high)))
        measures["fit_seconds"] = fitted - began
        measures["predict_seconds"] = done - fitted
        return Run(size, seed, measures)


@dataclass(frozen=True)
class Run:
    """What was measured with one size and one seed.

    Attributes:
        size: Networks trained on.
        seed: Which networks these are.
        measures: By name.
    """

    size: int
    seed: int
    measures: dict[str, float]


def rank_measures(predicted: Array, truth: Array) -> dict[str, float]:
    """The measures that compare orders.

    Args:
        predicted: `(n,)`.
        truth: `(n,)`, higher is better.
    """
    best_predicted = np.argsort(-predicted, kind="stable")
    best = np.argsort(-truth, kind="stable")
    share = max(1, round(_PRECISION_SHARE * len(truth)))
    return {
        "kendall_tau": _or_zero(kendalltau(predicted, truth).statistic),
        "spearman": _or_zero(spearmanr(predicted, truth).statistic) if np.ptp(predicted) > 0 else 0.0,
        "n_at_10": 1.0 + float(np.sum(truth > truth[best_predicted[:_TOP]].max())),
        "p_at_0.5": len({*best[:share]} & {*best_predicted[:share]}) / share,
    }


def evaluate(
    task: Task,
    *,
    sizes: Sequence[int],
    seeds: Iterable[int],
    done: Collection[tuple[int, int]] = (),
    workers: int = 1,
) -> Iterator[Run]:
    """Measures every size with every seed, and yields each run as it ends.

    Args:
        task: What to measure.
        sizes: Numbers of networks to train on; each leaves at least two to test on.
        seeds: Seeds of the splits and of the predictor.
        done: Pairs of size and seed to leave out.
        workers: Processes side by side, with one thread each; 1 stays in this process.

    Raises:
        ValueError: When a size or `workers` is out of range.
    """
    for size in sizes:
        if not 1 <= size <= len(task.rows) - 2:
            raise ValueError(
                f"`sizes` must be from 1 to {len(task.rows) - 2}, which leaves two of the {len(task.rows)} networks to "
                f"test on, but got {size}."
            )
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1, but got {workers}.")
    pairs = [(size, seed) for seed in seeds for size in sizes if (size, seed) not in done]
    return run_each(task.run, pairs, workers)


def summarise(runs: Iterable[Run]) -> dict[int, dict[str, Any]]:
    """By size: its seeds, and the mean and the standard deviation (of a sample; 0 of one) of each measure over them."""
    by_size: dict[int, list[Run]] = {}
    for run in runs:
        by_size.setdefault(run.size, []).append(run)
    summary: dict[int, dict[str, Any]] = {}
    for size, of_size in sorted(by_size.items()):
        summary[size] = {"seeds": sorted(run.seed for run in of_size)}
        for name in of_size[0].measures:
            numbers = np.array([run.measures[name] for run in of_size])
            std = float(numbers.std(ddof=1)) if len(numbers) > 1 else 0.0
            summary[size][name] = {"mean": float(numbers.mean()), "std": std}
    return summary


def write_runs(path: Path, runs: Sequence[Run], *, settings: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Writes what was measured so far, whole or not at all.

    Args:
        path: A JSON file.
        runs: The runs.
        settings: What else decides what is measured; the file goes on only with the same.
        about: What else is worth knowing.
    """
    ordered = sorted(runs, key=lambda run: (run.size, run.seed))
    sizes = {str(size): numbers for size, numbers in summarise(ordered).items()}
    each = [{"size": run.size, "seed": run.seed, **run.measures} for run in ordered]
    run_files.write_runs(path, {"settings": dict(settings), **about, "sizes": sizes}, each)


def read_runs(path: Path, *, settings: Mapping[str, Any]) -> list[Run]:
    """The runs in a file of `write_runs`; none where there is no file.

    Raises:
        ValueError: When the file is something else, or its settings are others.
    """
    if not path.exists():
        return []
    before, runs = run_files.read_runs(path, _parse, what="evaluation to go on with")
    run_files.require(path, before, settings, what="an evaluation")
    return runs


def _parse(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[Run]]:
    runs = [Run(int(run.pop("size")), int(run.pop("seed")), dict(run)) for run in content["runs"]]
    return dict(content["settings"]), runs


def _or_zero(statistic: float) -> float:
    """A correlation with predictions that are all equal is not defined: they order nothing."""
    return 0.0 if math.isnan(statistic) else float(statistic)
