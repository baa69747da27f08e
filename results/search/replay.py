"""What stopping early saves and loses: complete curves of 90 random cells, and searches replayed on them.

Run: python results/search/replay.py (about 10 minutes on 2 cores).
"""

from __future__ import annotations

import multiprocessing
import sys
from functools import partial

import numpy as np
import torch
from scipy.stats import spearmanr

from smbo_nas import NASBench201Space, TrainingConfig, TrainingEvaluator, load_data
from smbo_nas.pruners import StopPolicy

CELLS, PARTS, TRIALS, STARTS, REPLAYS = 90, 2, 24, 10, 12


def train(part: int) -> list[list[float]]:
    """The validation curves of one part of the cells."""
    torch.set_num_threads(1)
    space, data = NASBench201Space(), load_data("digits", seed=0)
    evaluator = TrainingEvaluator(data, TrainingConfig(epochs=12))
    rng = np.random.default_rng(100 + part)
    curves = []
    for i in range(CELLS // PARTS):
        cell = space.candidate(space.sample(rng))
        build = partial(
            cell.build, input_shape=data.input_shape, num_classes=data.num_classes, channels=16, cells_per_stage=1
        )
        records = evaluator.run(build, seed=1000 * part + i)
        curves.append([record.val_accuracy for record in records])
    return curves


def replay(curves: np.ndarray, policy: StopPolicy, seed: int) -> tuple[float, float]:
    """Share of the epochs saved, and how much lower the best value is than without stopping."""
    rng = np.random.default_rng(seed)
    final, horizon = curves[:, -1], curves.shape[1]
    order = rng.permutation(len(curves))[:TRIALS]
    better_half = np.argsort(-final)[: len(curves) // 2]
    order = np.concatenate([order[:STARTS], rng.permutation(np.setdiff1d(better_half, order[:STARTS]))])[:TRIALS]
    finished: list[np.ndarray] = []
    epochs = 0
    for curve in curves[order]:
        for seen in range(1, horizon + 1):
            epochs += 1
            enough = len(finished) >= policy.n_startup_trials and seen < horizon
            if enough and policy.decide(np.array(finished), curve[:seen]).stop:
                break
        else:
            finished.append(curve)
    found = max(curve[-1] for curve in finished)
    return 1 - epochs / (TRIALS * horizon), float(final[order].max() - found)


def main() -> None:
    """Trains, replays, and writes the figures to standard output."""
    with multiprocessing.get_context("spawn").Pool(PARTS) as pool:
        curves = np.array([curve for part in pool.map(train, range(PARTS)) for curve in part])
    correlation = [spearmanr(curves[:, k], curves[:, -1])[0] for k in range(curves.shape[1])]
    sys.stdout.write(f"rank correlation with the last epoch, by epoch: {np.round(correlation, 2).tolist()}\n")
    for risk in (0.1, 0.15, 0.2, 0.25):
        saved, lost = np.array([replay(curves, StopPolicy(risk=risk), seed) for seed in range(REPLAYS)]).T
        sys.stdout.write(
            f"risk {risk}: {saved.mean():.3f} of the epochs saved (least {saved.min():.3f}), "
            f"best value {100 * lost.mean():.2f} points lower\n"
        )


if __name__ == "__main__":
    main()
