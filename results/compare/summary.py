"""Prints the README's table of a comparison: what each method spends until it has found the best network.

python results/compare/summary.py results/compare
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from smbo_nas.benchmarks.catalogue import entry_of
from smbo_nas.benchmarks.comparison.outputs import FINDINGS


def spent(found: dict[str, Any] | None) -> str:
    """Mean cost, with the share of searches solved where that is not all of them."""
    if found is None:
        return "-"
    share = found["share_solved"]
    return f"{found['cost']['mean']:,.0f}" + ("" if share == 1.0 else f" ({100 * share:.0f} %)")


def main(folder: Path) -> None:
    """Writes the table to standard output."""
    content = json.loads((folder / FINDINGS).read_text())
    tasks, ranking = content["tasks"], content["rankings"]["cost"]
    ranks = dict(zip(ranking["methods"], ranking["ranks"], strict=True))
    others = sorted({name for task in tasks.values() for name in task["methods"]} - set(ranks))
    write = sys.stdout.write
    write(f"| method | kind | {' | '.join(tasks)} | average rank |\n")
    write(f"|---|---|{'--:|' * len(tasks)}--:|\n")
    for method in (*ranks, *others):
        cells = [spent(task["methods"].get(method)) for task in tasks.values()]
        rank = f"{ranks[method]:.1f}" if method in ranks else "-"
        write(f"| `{method}` | {entry_of(method).family} | {' | '.join(cells)} | {rank} |\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
