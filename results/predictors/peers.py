"""Peers by the same protocol: scikit-learn's forest and LightGBM on NAS-Bench-201's one-hot operations.

pip install lightgbm
python results/predictors/peers.py cifar10 10
"""

from __future__ import annotations

import sys

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from predictors.evaluation import rank_measures
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.spaces.nasbench201 import NASBench201Space

SIZES = (78, 156, 469, 781, 1563)


def main(dataset: str, seeds: int) -> None:
    """Prints the mean and standard deviation over seeds of each measure."""
    from lightgbm import LGBMRegressor

    space = NASBench201Space()
    graphs = [space.graph(params) for params in space.enumerate()]
    features = np.array(
        [[op == known for op in g.ops[1:-1] for known in space.operations] for g in graphs], dtype=float
    )
    y = load_table(dataset).mean_val_acc
    peers = {
        "random forest": lambda seed: RandomForestRegressor(n_estimators=300, random_state=seed),
        "LightGBM": lambda seed: LGBMRegressor(
            n_estimators=300, learning_rate=0.05, min_child_samples=5, random_state=seed, n_jobs=1, verbose=-1
        ),
    }
    for name, make in peers.items():
        for size in SIZES:
            measures = []
            for seed in range(seeds):
                order = np.random.default_rng(seed).permutation(len(y))  # the splits of `predictors.evaluation`
                trained, rest = order[:size], order[size:]
                predicted = make(seed).fit(features[trained], y[trained]).predict(features[rest])
                measures.append(rank_measures(predicted, y[rest]))
            row = {
                key: (np.mean([m[key] for m in measures]), np.std([m[key] for m in measures])) for key in measures[0]
            }
            sys.stdout.write(
                f"{dataset} {name} {size} " + " ".join(f"{k} {m:.3f}±{s:.3f}" for k, (m, s) in row.items())
            )
            sys.stdout.write("\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
