"""Prints a Markdown table of the files that `python -m predictors evaluate --json` wrote.

python results/predictors/summary.py results/predictors/*.json

A row has the mean (standard deviation) over splits of each measure.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

MEASURES = ("kendall_tau", "n_at_10", "p_at_0.5", "coverage_50", "coverage_80", "coverage_95", "fit_seconds")


def main(sources: list[Path]) -> None:
    """Writes one row per file and size."""
    sys.stdout.write("| run | cells | splits | " + " | ".join(MEASURES) + " |\n" + "|---" * (3 + len(MEASURES)) + "|\n")
    for source in sources:
        for size, measured in json.loads(source.read_text())["sizes"].items():
            cells = [f"{measured[name]['mean']:.3g} ({measured[name]['std']:.2g})" for name in MEASURES]
            row = [source.stem, size, str(len(measured["seeds"])), *cells]
            sys.stdout.write("| " + " | ".join(row) + " |\n")


if __name__ == "__main__":
    main([Path(source) for source in sys.argv[1:]])
