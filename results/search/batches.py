"""Prints what batches of eight cost against one at a time, as a Markdown table, and what their rounds alone would cost.

python results/search/batches.py results/search cifar10 cifar100 imagenet16-120
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STARTS = 10
BATCH = 8
DRAWS = 100_000

Array = NDArray[np.float64]


def queries(source: Path, seeds: int | None = None) -> Array:
    """Queries to the optimum by seed, `(seeds,)`; a search that did not find it counts with what it spent."""
    runs: list[dict[str, Any]] = json.loads(source.read_text())["runs"]
    chosen = sorted(
        (run["seed"], run["queries_to_optimum"] or run["spent"]) for run in runs if run["method"] == "smbo-gp"
    )
    return np.array([spent for _, spent in chosen][:seeds], dtype=np.float64)


def at_a_round(spent: Array) -> Array:
    """Queries if what one at a time finds were the first of the batch that begins then or next."""
    return np.where(spent <= STARTS, spent, STARTS + 1 + BATCH * np.ceil((spent - STARTS - 1) / BATCH))


def ratio(above: Array, below: Array) -> str:
    """Ratio of the means of searches with the same seeds, with its 95 % interval by the bootstrap over seeds."""
    picks = np.random.default_rng(0).integers(len(above), size=(DRAWS, len(above)))
    low, high = np.quantile(above[picks].mean(axis=1) / below[picks].mean(axis=1), [0.025, 0.975])
    return f"{above.mean() / below.mean():.2f} [{low:.2f}, {high:.2f}]"


def main(folder: Path, datasets: list[str]) -> None:
    """Writes one row for each data set to standard output."""
    titles = ["", "seeds", "1", "8, rounds alone", "5", "8", "8 to 5", "8 to 1", "rounds alone to 1"]
    sys.stdout.write(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n")
    for dataset in datasets:
        one, eight = (queries(folder / f"batch{size}_{dataset}.json") for size in (1, BATCH))
        five = queries(folder / f"nasbench201_{dataset}.json", len(one))
        rounds = at_a_round(one)
        cells = [str(len(one)), *(f"{found.mean():.1f}" for found in (one, rounds, five, eight))]
        cells += [ratio(eight, five), ratio(eight, one), ratio(rounds, one)]
        sys.stdout.write(f"| {dataset} | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
