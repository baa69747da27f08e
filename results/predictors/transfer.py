"""What a predictor of CIFAR-10 is worth on ImageNet16-120: Kendall tau with few labels of the target.

    python results/predictors/transfer.py

For each split: a source learned from 156 cells of CIFAR-10, a target learned from some cells of ImageNet16-120, tested
on the next cells of the same shuffle, up to 3,000 with those.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import kendalltau

from predictors.architecture import GraphGP
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.spaces.nasbench201 import NASBench201Space


def main() -> None:
    """Prints the mean and standard deviation of tau over splits: source alone, target alone, target with source."""
    space = NASBench201Space()
    graphs = [space.graph(params) for params in space.enumerate()]
    before, after = load_table("cifar10").mean_val_acc, load_table("imagenet16-120").mean_val_acc
    for n_labels in (5, 20, 78):
        taus = []
        for seed in range(100, 105):
            learned = np.random.default_rng(seed + 50).permutation(len(graphs))[:156]
            order = np.random.default_rng(seed).permutation(len(graphs))[:3000]
            few, unseen = [graphs[k] for k in order[:n_labels]], [graphs[k] for k in order[n_labels:]]
            y = after[order[:n_labels]]
            source = GraphGP().fit([graphs[k] for k in learned], before[learned])
            predictors = (source, GraphGP().fit(few, y), GraphGP().fit(few, y, source=source))
            taus.append(
                [kendalltau(p.predict_scores(unseen)[0], after[order[n_labels:]]).statistic for p in predictors]
            )
        cells = [
            f"{mean:.3f} ({std:.3f})" for mean, std in zip(np.mean(taus, axis=0), np.std(taus, axis=0), strict=True)
        ]
        sys.stdout.write(f"| {n_labels} | " + " | ".join(cells) + " |\n")


if __name__ == "__main__":
    main()
