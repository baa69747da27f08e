"""What a stop could know at best: how much curves of Fashion201 say beside graphs about the networks a search tries.

python results/curves/ceiling.py

A `GraphGP` learns from 60 cells, and predicts all others; that six times, with the seed 100. Among the 150 cells of the
highest mean prediction, which are those that a search tries, a linear regression explains the final accuracy by the
prediction, the accuracy of an epoch and the mean of the last three. It is fitted on the very cells it is asked about:
no predictor of a search can know as much.

Then, without graphs, how well the beginnings of curves order all cells: Spearman's correlation with the final accuracy
of the last value, and of linear regressions on all values so far, fitted on the very cells, of the accuracy and of its
normal scores.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import spearmanr

from predictors.architecture.gp import GraphGP
from predictors.scores import ScoreMap
from smbo_nas.benchmarks.fashion201 import load_fashion201

CELLS, TOP, TIMES = 60, 150, 6
EPOCHS = (5, 10, 12, 15, 18, 20, 22, 24, 26, 28)
BEGINNINGS = (3, 8, 15)


def promised(graphs: list, final: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """What the graph predictor says of each cell without having seen it, `(n,)`."""
    rng, total, times = np.random.default_rng(100), np.zeros(len(final)), np.zeros(len(final))
    for seed in range(TIMES):
        known = rng.permutation(len(final))[:CELLS]
        others = np.setdiff1d(np.arange(len(final)), known)
        predictor = GraphGP(random_state=seed).fit([graphs[k] for k in known], final[known])
        total[others] += predictor.predict([graphs[k] for k in others])
        times[others] += 1
    return total / times


def ordered(curves: np.ndarray, epochs: int) -> list[float]:  # type: ignore[type-arg]
    """How well the first epochs order the cells: the last value, a regression of accuracies, one of normal scores."""
    final, begun = curves[:, -1], curves[:, :epochs]
    features = np.column_stack([np.ones(len(final)), begun])
    targets = (final, ScoreMap.fit(final).to_scores(final))
    fits = [features @ np.linalg.lstsq(features, target, rcond=None)[0] for target in targets]
    return [float(spearmanr(by, final).statistic) for by in (begun[:, -1], *fits)]


def main() -> None:
    """Writes the table to the standard output."""
    table = load_fashion201()
    curves = 100.0 * table.val_accuracy
    final = curves[:, -1]
    graph = promised(table.graphs, final)
    top, best = np.argsort(-graph)[:TOP], int(final.argmax())
    before = (final[top] - np.polyval(np.polyfit(graph[top], final[top], 1), graph[top])).var()
    lines = [
        f"The best cell is number {int((graph > graph[best]).sum()) + 1} in the order of the graph predictor.\n",
        "| epoch | explained of what the graph leaves open | of 150, promise at least as much as the best |",
        "|---|---|---|",
    ]
    for epoch in EPOCHS:
        recent = curves[:, max(0, epoch - 3) : epoch].mean(axis=1)
        features = np.column_stack([np.ones(len(final)), graph, curves[:, epoch - 1], recent])
        weights = np.linalg.lstsq(features[top], final[top], rcond=None)[0]
        predicted = features @ weights
        explained = 1.0 - (final - predicted)[top].var() / before
        lines.append(f"| {epoch} | {explained:.0%} | {int((predicted[top] >= predicted[best]).sum())} |")
    lines += ["", "| epochs seen | last value | regression | regression of normal scores |", "|---|---|---|---|"]
    for epochs in BEGINNINGS:
        last, plain, scores = ordered(curves, epochs)
        lines.append(f"| {epochs} | {last:.3f} | {plain:.3f} | {scores:.3f} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
