"""Shows files of `python -m predictors evaluate-curves` as Markdown tables: means over splits.

python results/curves/summary.py results/curves/fashion201.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console

SHOWN = {"mae": 3, "rmse": 3, "log_score": 2, "crps": 3, "spearman": 2}
COVERED = ("coverage_50", "coverage_80", "coverage_95")


def main(sources: list[Path]) -> None:
    """Shows one table for each file."""
    out = Console(width=200, highlight=False)
    for source in sources:
        out.print(
            f"\n{source.stem}\n\n| finished | seen | model | splits | {' | '.join(SHOWN)} | in 50, 80, 95 % | ms |"
        )
        out.print("|---" * (len(SHOWN) + 6) + "|")
        for row in json.loads(source.read_text())["summary"]:
            cells = [f"{row[name]['mean']:.{digits}f}" for name, digits in SHOWN.items()]
            cells.append(", ".join(f"{row[name]['mean']:.2f}".lstrip("0") for name in COVERED))
            cells.append(f"{row['ms_per_curve']['mean']:.2f}")
            seeds = len(row["seeds"])
            out.print(f"| {row['finished']} | {row['observed']:.0%} | {row['model']} | {seeds} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main([Path(source) for source in sys.argv[1:]])
