"""Prints Markdown tables of the files that `python -m predictors evaluate --json` wrote.

python results/predictors/summary.py results/predictors/*.json            # every measure, a row for each size
python results/predictors/summary.py --tau results/predictors/*.json      # Kendall tau, a column for each size

A cell has the mean (standard deviation) over splits.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MEASURES = ("kendall_tau", "n_at_10", "p_at_0.5", "coverage_50", "coverage_80", "coverage_95", "fit_seconds")


def every_measure(runs: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """The rows of a table with a row for each run and size."""
    yield ["run", "cells", "splits", *MEASURES]
    for name, sizes in runs.items():
        for size, measured in sizes.items():
            cells = [f"{measured[m]['mean']:.3g} ({measured[m]['std']:.2g})" for m in MEASURES]
            yield [name, size, str(len(measured["seeds"])), *cells]


def tau(runs: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """The rows of a table with a row for each run."""
    columns = sorted({size for sizes in runs.values() for size in sizes}, key=int)
    yield ["run", "splits", *columns]
    for name, sizes in runs.items():
        found = {size: measured["kendall_tau"] for size, measured in sizes.items()}
        splits = sorted({len(measured["seeds"]) for measured in sizes.values()})
        cells = [f"{found[c]['mean']:.3f} ({found[c]['std']:.3f})" if c in found else "" for c in columns]
        yield [name, " to ".join(map(str, dict.fromkeys((splits[0], splits[-1])))), *cells]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--tau", action="store_true")
    arguments = parser.parse_args()
    runs = {source.stem: json.loads(source.read_text())["sizes"] for source in arguments.sources}
    for k, row in enumerate(tau(runs) if arguments.tau else every_measure(runs)):
        sys.stdout.write("| " + " | ".join(row) + " |\n" + ("|---" * len(row) + "|\n") * (k == 0))


if __name__ == "__main__":
    main()
