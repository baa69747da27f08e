"""The protocol of curve predictors: how well the final value is known from the beginning of a curve.

For each seed the finished curves of a task are shuffled by `np.random.default_rng(seed)`; for each number of finished
curves the first that many are given to `fit`, and all others are cut at each observed share and predicted. So with one
seed a larger number has all curves of a smaller one. Where there are several tasks this is done within each, and the
measures are means over tasks. The seed is also the predictor's `random_state`, where it has one.

The measures of a run, by name. Tasks have units of their own, so errors are in units of the *spread* of the task: the
range of the central 80 % of the final values of its curves.

- `mae`, `median_error`: mean and median absolute error of the predicted median, which is what minimises the former.
- `rmse`: root mean squared error of the predicted mean (`predict`), likewise.
- `log_score`: mean log density (in nats) at the true final value, in units of the spread; higher is better.
- `crps`: continuous ranked probability score, a mean; lower is better.
- `spearman`: rank correlation of predicted medians and true final values; 0 where all predictions are equal.
- `coverage_50`, `coverage_80`, `coverage_95`: share of final values inside the central interval of so many percent.
- `fit_seconds`, `ms_per_curve`: wall time, on one thread, of `fit` and of `predictive` by curve, all curves at once.

`pit`, beside them, is the histogram of the probability integral transform (the predicted distribution functions at the
true values) in twenty bins: flat where predictions are calibrated.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from predictors import run_files
from predictors.curves.base import CurvePredictor
from predictors.curves.mixture import StudentMixture
from predictors.curves.scoring import crps_and_median
from predictors.curves.table import CurveTable
from predictors.processes import run_each

Array = NDArray[np.float64]
Key = tuple[str, int, int, float]

_INTERVALS = (50, 80, 95)
_BINS = 20
_WORST = 100.0
"""Nats that a density is taken to be from 1 at most: no single curve decides the mean log score."""


@dataclass(frozen=True)
class CurveRun:
    """What was measured of one model with one number of finished curves, one seed and one observed share.

    Attributes:
        model: Its name.
        finished: Curves given to `fit`, in each task.
        seed: Which curves these are.
        observed: Share of the steps of the others that was shown.
        measures: By name.
        pit: Shares of the true values in twenty bins of their predicted probabilities.
    """

    model: str
    finished: int
    seed: int
    observed: float
    measures: dict[str, float]
    pit: list[float]

    @property
    def key(self) -> Key:
        """What tells a run from others."""
        return self.model, self.finished, self.seed, self.observed


@dataclass(frozen=True)
class CurveTask:
    """A table of curves and a way to make predictors for it.

    Attributes:
        make_predictor: Called with a name and `random_state=`; something that can be pickled where there are several
            processes.
        table: The curves.
    """

    make_predictor: Callable[..., CurvePredictor]
    table: CurveTable

    @cached_property
    def curves(self) -> dict[str, Array]:
        """The finished curves by task."""
        return self.table.by_task()

    @cached_property
    def spreads(self) -> dict[str, float]:
        """The unit of errors by task."""
        return {task: spread(curves[:, -1]) for task, curves in self.curves.items()}

    def run(self, model: str, finished: int, seed: int, shares: Sequence[float]) -> list[CurveRun]:
        """Learns from `finished` curves and measures on all others, for each share."""
        parts: dict[float, list[tuple[dict[str, float], Array]]] = {share: [] for share in shares}
        for task, curves in self.curves.items():
            order = np.random.default_rng(seed).permutation(len(curves))
            predictor = self.make_predictor(model, random_state=seed)
            began = time.perf_counter()
            predictor.fit(curves[order[:finished]])
            seconds = time.perf_counter() - began
            unseen = curves[order[finished:]]
            for share in shares:
                began = time.perf_counter()
                predictive = predictor.predictive(unseen[:, : n_observed(share, curves.shape[1])])
                elapsed = time.perf_counter() - began
                measures, u = curve_measures(predictive, unseen[:, -1], self.spreads[task])
                measures |= {"fit_seconds": seconds, "ms_per_curve": 1e3 * elapsed / len(unseen)}
                parts[share].append((measures, np.histogram(u, _BINS, (0.0, 1.0))[0] / len(u)))
        return [
            CurveRun(
                model,
                finished,
                seed,
                share,
                {name: float(np.mean([m[name] for m, _ in of_share])) for name in of_share[0][0]},
                np.mean([pit for _, pit in of_share], axis=0).tolist(),
            )
            for share, of_share in parts.items()
        ]


def n_observed(share: float, n_steps: int) -> int:
    """How many steps of a curve are a share of it, at least one."""
    return max(1, round(share * n_steps))


def spread(final: Array) -> float:
    """The range of the central 80 % of values, or of all, or 1: the unit of errors."""
    low, high = np.percentile(final, [10, 90])
    return float(high - low) or float(np.ptp(final)) or 1.0


def curve_measures(predictive: StudentMixture, truth: Array, unit: float) -> tuple[dict[str, float], Array]:
    """The measures of predicted distributions, and the distribution functions at the true values.

    Args:
        predictive: Of `n` values.
        truth: The values, `(n,)`.
        unit: Of errors.
    """
    scores, median = crps_and_median(predictive, truth)
    error, u = np.abs(median - truth) / unit, predictive.cdf(truth)
    log_density = np.clip(predictive.log_density(truth) + math.log(unit), -_WORST, _WORST)
    ordered = np.ptp(median) > 0 and np.ptp(truth) > 0
    measures = {
        "mae": float(error.mean()),
        "rmse": float(np.sqrt(((predictive.mean() - truth) ** 2).mean()) / unit),
        "median_error": float(np.median(error)),
        "log_score": float(log_density.mean()),
        "crps": float(scores.mean() / unit),
        "spearman": float(spearmanr(median, truth).statistic) if ordered else 0.0,
    }
    inside = {f"coverage_{percent}": float(np.mean(np.abs(u - 0.5) <= percent / 200)) for percent in _INTERVALS}
    return measures | inside, u


def evaluate_curves(
    task: CurveTask,
    models: Sequence[str],
    *,
    finished: Sequence[int],
    observed: Sequence[float],
    seeds: Iterable[int],
    done: Collection[Key] = (),
    workers: int = 1,
) -> Iterator[list[CurveRun]]:
    """Measures every model, and yields the runs of one fitted predictor, one for each observed share, as it is done.

    Args:
        task: What to measure on.
        models: Names that `task.make_predictor` knows.
        finished: Numbers of curves to learn from; each leaves at least two of every task to test on. 0 is allowed.
        observed: Shares of the steps to show, above 0 and so that a step is left.
        seeds: Seeds of the splits and of the predictors.
        done: Keys of runs to leave out.
        workers: Processes side by side, with one thread each; 1 stays in this process.

    Raises:
        ValueError: When a number is out of range.
    """
    smallest, n_steps = min(map(len, task.curves.values())), task.table.curves.shape[1]
    for number in finished:
        if not 0 <= number <= smallest - 2:
            raise ValueError(
                f"`finished` must be from 0 to {smallest - 2}, which leaves two of a task's {smallest} finished curves "
                f"to test on, but got {number}."
            )
    for share in observed:
        if not (0 < share < 1 and n_observed(share, n_steps) < n_steps):
            raise ValueError(
                f"`observed` must be shares above 0 that leave one of {n_steps} steps to predict, but got {share}."
            )
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1, but got {workers}.")
    work = []
    for seed, number, model in product(seeds, finished, models):
        missing = [share for share in observed if (model, number, seed, share) not in done]
        if missing:
            work.append((model, number, seed, missing))
    return run_each(task.run, work, workers)


def summarise_curves(runs: Iterable[CurveRun]) -> list[dict[str, Any]]:
    """For each model, number and share: its seeds, and mean and standard deviation over them of each measure."""
    groups: dict[tuple[int, float, str], list[CurveRun]] = {}
    for run in runs:
        groups.setdefault((run.finished, run.observed, run.model), []).append(run)
    summary = []
    for (finished, observed, model), group in sorted(groups.items()):
        row: dict[str, Any] = {"model": model, "finished": finished, "observed": observed}
        row["seeds"] = sorted(run.seed for run in group)
        for name in group[0].measures:
            numbers = np.array([run.measures[name] for run in group])
            std = float(numbers.std(ddof=1)) if len(numbers) > 1 else 0.0
            row[name] = {"mean": float(numbers.mean()), "std": std}
        summary.append(row)
    return summary


def write_curve_runs(
    path: Path, runs: Sequence[CurveRun], *, settings: Mapping[str, Any], about: Mapping[str, Any]
) -> None:
    """Writes what was measured so far, whole or not at all.

    Args:
        path: A JSON file.
        runs: The runs.
        settings: What else decides what is measured; the file goes on only with the same.
        about: What else is worth knowing.
    """
    ordered = sorted(runs, key=lambda run: run.key)
    content = {"settings": dict(settings), **about, "summary": summarise_curves(ordered)}
    run_files.write_runs(path, content, [asdict(run) for run in ordered])


def read_curve_runs(path: Path, *, settings: Mapping[str, Any]) -> list[CurveRun]:
    """The runs in a file of `write_curve_runs`; none where there is no file.

    Raises:
        ValueError: When the file is something else, or its settings are others.
    """
    if not path.exists():
        return []
    before, runs = run_files.read_runs(path, _parse, what="evaluation of curve predictors to go on with")
    run_files.require(path, before, settings, what="an evaluation")
    return runs


def _parse(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[CurveRun]]:
    return dict(content["settings"]), [CurveRun(**run) for run in content["runs"]]
