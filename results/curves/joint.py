"""Measures graph, curve and both together on Fashion201; writes JSON, shows a Markdown table.

Both together are `JointPredictor`, and the curve predictors of Klein et al. (`bnn`) and Baker et al. (`svr`) with
statistics of the graphs as features.

python results/curves/joint.py results/curves/joint.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from predictors.architecture.gp import GraphGP
from predictors.curve_evaluation import curve_measures, n_observed, spread
from predictors.curves.bnn import BayesianCurveNetwork
from predictors.curves.svr import SequentialRegressionPredictor
from predictors.encodings.statistics import GraphStatistics
from predictors.joint import JointPredictor
from predictors.threads import single_blas_thread
from smbo_nas.benchmarks.fashion201 import DATA_FILE, read_table

SIZES, SHARES, SEEDS = (30, 60, 120), (0.1, 0.25, 0.5), range(10)
SHOWN = ("mae", "log_score", "crps", "spearman", "coverage_80", "coverage_95")


def measure(table_file: Path) -> list[dict[str, float | str]]:
    """One row for each number of finished cells, seed, observed share and predictor; all other cells are tested on."""
    table = read_table(table_file)
    curves, rows = table.val_accuracy, []
    unit = spread(table.final_val_accuracy)
    features = GraphStatistics().fit_transform(table.graphs)
    for size in SIZES:
        for seed in SEEDS:
            order = np.random.default_rng(seed).permutation(len(table))
            train, test = order[:size], order[size:]
            joint = JointPredictor(GraphGP(random_state=seed)).fit([table.graphs[k] for k in train], curves[train])
            peers: dict[str, Any] = {
                "bnn": BayesianCurveNetwork(random_state=seed),
                "svr": SequentialRegressionPredictor(random_state=seed),
            }
            for peer in peers.values():
                peer.fit(curves[train], features=features[train])
            graphs, truth = [table.graphs[k] for k in test], curves[test, -1]
            never = joint.predictive(graphs, np.full((len(test), 1), np.nan))
            for share in SHARES:
                begun = curves[test, : n_observed(share, table.n_epochs)]
                found = {
                    "graph": never,
                    "curve": joint.curve_predictor_.predictive(begun),
                    "joint": joint.predictive(graphs, begun),
                } | {name: peer.predictive(begun, features=features[test]) for name, peer in peers.items()}
                for name, predictive in found.items():
                    measures = curve_measures(predictive, truth, unit)[0]
                    rows.append({"finished": size, "observed": share, "predictor": name, "seed": seed, **measures})
    return rows


def main(target: Path, table_file: Path = DATA_FILE) -> None:
    """Writes the rows, shows their means over seeds."""
    with single_blas_thread():
        rows = measure(table_file)
    target.write_text(json.dumps({"cells": len(read_table(table_file)), "rows": rows}, indent=1) + "\n")
    out = Console(width=200, highlight=False)
    out.print("| finished | observed | predictor | " + " | ".join(SHOWN) + " |\n" + "|---" * (3 + len(SHOWN)) + "|")
    for key in dict.fromkeys((row["finished"], row["observed"], row["predictor"]) for row in rows):
        group = [row for row in rows if (row["finished"], row["observed"], row["predictor"]) == key]
        means = [f"{np.mean([row[name] for row in group]):.3f}" for name in SHOWN]
        out.print(f"| {key[0]} | {float(key[1]):.0%} | {key[2]} | " + " | ".join(means) + " |")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
