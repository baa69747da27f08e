"""The prior-fitted network on real curves beside the parametric mixture and the last value. Writes Markdown tables.

`python results/curves/pfn.py DATA` with the folder of `taskset_rnn_curves.npz`, `nlp_wikitext2_curves.npz` and
`lcdb11_error_curves.npz`: public measurements, which are not in this repository (DyHPO's copy of TaskSet,
NAS-Bench-NLP, LCDB 1.1). Curves that end further than two ranges of the central 80 % of the final values from their
median are left out, and of the rest of a task 200 are drawn at most. The odd half of the tasks is reported; the prior
was compared on some of the even half (of LCDB, on every 29th data set, which is left out here).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from predictors.curve_evaluation import CurveTask, evaluate_curves, spread, summarise_curves
from predictors.curves.base import Array, check_curves
from predictors.curves.table import CurveTable
from predictors.models import make_curve_model

MODELS = ("last_value", "parametric", "pfn")
MEASURES = ("log_score", "mae", "crps", "coverage_80", "spearman", "ms_per_curve")
SEEDS = range(2)
N_CURVES = 200


def taskset(folder: Path) -> dict[str, Array]:
    """Validation losses of recurrent networks under 1,000 optimiser settings."""
    with np.load(folder / "taskset_rnn_curves.npz") as file:
        return {f"TaskSet {index}": file[f"t{index:02d}_valid"] for index in range(1, 12, 2)}


def language(folder: Path) -> dict[str, Array]:
    """Validation losses of recurrent cells."""
    with np.load(folder / "nlp_wikitext2_curves.npz") as file:
        return {"NLP": file["val_loss"]}


def sample_size(folder: Path) -> dict[str, Array]:
    """Validation errors of 28 learners by training-set size, cut where half of a data set's learners end."""
    with np.load(folder / "lcdb11_error_curves.npz") as file:
        errors = file["err"][..., 1].astype(np.float64)
    errors[errors < 0] = np.nan
    tasks = {}
    for index in [i for i in range(1, 265, 16) if i % 29]:
        curves = errors[index] / 1e4
        horizon = int(np.median(np.isfinite(curves).sum(1)))
        curves = curves[:, :horizon]
        curves = curves[np.isfinite(curves).mean(1) > 0.8]
        if horizon >= 20 and len(curves) >= 24:
            tasks[f"LCDB {index}"] = curves
    return tasks


def table(curves: Array, task: str) -> CurveTable | None:
    """The curves of a task that are measured on; None if there are too few."""
    rows = check_curves(curves)
    rows = rows[np.isfinite(rows[:, -1])]
    final = rows[:, -1]
    rows = rows[np.abs(final - np.median(final)) <= 2 * spread(final)]
    rows = np.random.default_rng(0).permutation(rows)[:N_CURVES]
    return CurveTable(rows, (task,) * len(rows)) if len(rows) >= 22 else None


def say(line: str) -> None:
    """Writes a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Prints a table for each source."""
    folder = Path(sys.argv[1])
    for title, read in (("TaskSet", taskset), ("NAS-Bench-NLP", language), ("LCDB 1.1", sample_size)):
        runs = []
        tables = [found for name, curves in read(folder).items() if (found := table(curves, name)) is not None]
        for one in tables:
            task = CurveTask(make_curve_model, one)
            for several in evaluate_curves(task, MODELS, finished=(0, 5, 20), observed=(0.1, 0.25, 0.5), seeds=SEEDS):
                runs += several
        say(f"\n### {title}: {len(tables)} tasks, {sum(map(len, tables)):,} curves\n")
        say("| finished | observed | model | log score | MAE | CRPS | in 80 % | Spearman | ms / curve |")
        say("|---|---|---|---|---|---|---|---|---|")
        for row in summarise_curves(runs):
            cells = " | ".join(f"{row[name]['mean']:.3f}" for name in MEASURES)
            say(f"| {row['finished']} | {row['observed']:.2f} | {row['model']} | {cells} |")


if __name__ == "__main__":
    main()
