"""Makes tables of curves for `python -m predictors evaluate-curves` from public learning curves (see README.md).

python results/curves/tables.py nlp_wikitext2_curves.npz taskset_rnn_curves.npz FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

_CURVES = 150
"""Optimizer settings of each task of TaskSet."""


def nlp(source: Path) -> dict[str, np.ndarray]:
    """Validation losses of recurrent cells on WikiText-2, negated: higher is better."""
    with np.load(source, allow_pickle=False) as file:
        return {"curves": -file["val_loss"].astype(np.float64)}


def taskset(source: Path, tasks: range = range(12)) -> dict[str, np.ndarray]:
    """Validation losses of optimizer settings, negated; a loss over twice the first one's median, or none, is that."""
    curves, labels = [], []
    with np.load(source, allow_pickle=False) as file:
        for task in tasks:
            loss = file[f"t{task:02d}_valid"].astype(np.float64)
            worst = 2.0 * np.nanmedian(loss[:, 0])
            chosen = np.random.default_rng(task).permutation(len(loss))[:_CURVES]
            curves.append(-np.where(loss[chosen] < worst, loss[chosen], worst))
            labels += [f"{task:02d}"] * _CURVES
    return {"curves": np.concatenate(curves), "task": np.array(labels)}


def main(nlp_source: Path, taskset_source: Path, folder: Path) -> None:
    """Writes `nlp.npz` and `taskset.npz`; the latter without the first six tasks, on which defaults were chosen."""
    np.savez_compressed(folder / "nlp.npz", **nlp(nlp_source))
    np.savez_compressed(folder / "taskset.npz", **taskset(taskset_source, range(6, 12)))
    np.savez_compressed(folder / "taskset_dev.npz", **taskset(taskset_source, range(6)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
