"""Trains cells of Fashion201 once more with another seed; `fashion201.py` says how far the two agree.

python results/curves/fashion201_seeds.py results/curves/fashion201_seeds.json [40 20]

40 cells drawn from the table at random, and its 20 best ones. Needs Debian's `dataset-fashion-mnist`
and `pip install smbo-nas[bench]`; takes about 4 CPU seconds a cell and goes on where it was stopped.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from predictors.files import write_whole
from smbo_nas.benchmarks.fashion201 import load_fashion201
from smbo_nas.benchmarks.make_fashion201 import SEED, fashion_images, train_cell


def main(target: Path, n_sampled: int = 40, n_best: int = 20) -> None:
    """Writes, for each cell by its index in the table, the validation accuracies of all epochs."""
    table = load_fashion201()
    sampled = np.random.default_rng(SEED).permutation(len(table))[:n_sampled].tolist()
    best = np.argsort(-table.final_val_accuracy, kind="stable")[:n_best].tolist()
    found = json.loads(target.read_text()) if target.exists() else {"seed": SEED + 1, "cells": {}}
    found |= {"sampled": sampled, "best": best}
    data = fashion_images()
    torch.set_num_threads(1)
    for index in sampled + best:
        if str(index) not in found["cells"]:
            curve = train_cell(int(table.nasbench201_rows[index]), data, seed=found["seed"])
            accuracy = np.array(curve["val_correct"]) / len(data.validation)
            found["cells"][str(index)] = accuracy.round(6).tolist()
            write_whole(target, json.dumps(found) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
