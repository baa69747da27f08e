"""How well the default orders curves of TaskSet beside the last value, with and without those that had diverged.

python results/curves/ties.py taskset.npz

A diverged curve stands at the worst value of its task, and mostly stays there: for the last value those curves are equal,
as the truth is, while predictions differ by little. With 5 finished curves; means over the tasks and the splits 0 to 4.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from predictors.curves import default_curve_predictor

FINISHED, SPLITS, SHARES = 5, 5, (0.1, 0.25, 0.5)


def order(curves: np.ndarray, share: float, seed: int) -> list[float]:  # type: ignore[type-arg]
    """Spearman's correlation of last value and default: of all unfinished curves, then of those not yet at the worst."""
    rows = np.random.default_rng(seed).permutation(len(curves))
    known, unseen = curves[rows[:FINISHED]], curves[rows[FINISHED:]]
    begun = unseen[:, : int(np.ceil(share * curves.shape[1]))]
    median, _ = default_curve_predictor().fit(known).predictive(begun).bulk()
    sound = (begun > curves.min()).all(axis=1)
    return [
        float(spearmanr(by[kept], unseen[kept, -1]).statistic)
        for kept in (np.ones(len(unseen), dtype=bool), sound)
        for by in (begun[:, -1], median)
    ]


def main(path: Path) -> None:
    """Writes the table to the standard output."""
    with np.load(path, allow_pickle=False) as file:
        curves, tasks = file["curves"], file["task"]
    lines = [
        "| seen | last value | default | last value, without diverged | default, without diverged |",
        "|---" * 5 + "|",
    ]
    for share in SHARES:
        found = [order(curves[tasks == task], share, seed) for task in np.unique(tasks) for seed in range(SPLITS)]
        lines.append(f"| {share:.0%} | " + " | ".join(f"{value:.3f}" for value in np.mean(found, axis=0)) + " |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
