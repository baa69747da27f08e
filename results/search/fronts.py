"""Prints Markdown tables of files that `smbo-nas benchmark latency --json` wrote, those of one data set.

python results/search/fronts.py results/search/latency_cifar100_*.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MARKS = ("25", "50", "100", "200")


def share(spread: dict[str, Any] | None) -> str:
    """Mean and 95 % interval of a share, in percent."""
    if spread is None:
        return "-"
    low, high = spread["interval_95"] or (None, None)
    interval = "" if low is None else f" [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{100 * spread['mean']:.2f}{interval}"


def main(sources: list[Path]) -> None:
    """Writes one table for all files to standard output."""
    titles = ["device", "method", "seeds", *(f"at {mark}" for mark in MARKS), "`smbo-gp` at 100 is more", "s/proposal"]
    sys.stdout.write(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n")
    for source in sources:
        content = json.loads(source.read_text())
        device = content["settings"]["task"].split()[-1].removeprefix("help_")
        for method, summary in content["methods"].items():
            test = summary.get("smbo-gp_at_100")
            cells = [device, method, str(summary["seeds"]), *(share(summary["share_at"].get(mark)) for mark in MARKS)]
            cells.append("" if test is None else f"{test['wins']} of {test['pairs']}, p = {test['p']:.1g}")
            cells.append(f"{summary['proposal_seconds_per_trial']['mean']:.3f}")
            sys.stdout.write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
