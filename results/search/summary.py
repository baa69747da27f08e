"""Prints Markdown tables of files that `smbo-nas benchmark ... --json` wrote.

python results/search/summary.py results/search/nasbench201_*.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def number(value: float | None, digits: int = 0) -> str:
    """A number, or a dash."""
    return "-" if value is None else f"{value:,.{digits}f}"


def p_value(test: dict[str, Any] | None, name: str) -> str:
    """A p-value with the peer it is against, and how many searches were solved sooner and later."""
    if test is None or test[name] is None:
        return "-"
    return f"{test[name]:.1g} ({test['method']}, {test['wins']}:{test['losses']})"


def p_regret(test: dict[str, Any] | None, at: str) -> str:
    """A p-value of the regret at some cost."""
    return "-" if test is None or test["p_regret_at"].get(at) is None else f"{test['p_regret_at'][at]:.1g}"


def main(sources: list[Path]) -> None:
    """Writes one table for each file to standard output."""
    write = sys.stdout.write
    for source in sources:
        content = json.loads(source.read_text())
        unit, name = content["unit"], f"{content['unit']}_to_optimum"
        last = str(content["marks"][-1])
        write(f"\n**{content['settings']['task']}**, budget {content['budget']} {unit}, batches of ")
        write(f"{content['settings']['batch']}{', noisy' if content['settings']['noisy'] else ''}\n\n")
        write(f"| method | seeds | solved | {unit}, mean [95 %] | median (quartiles) | regret at {last} | ")
        write("p of it, random | GPU hours | s/proposal | repeats | p against random | p against the best peer |\n")
        write("|" + "---|" * 12 + "\n")
        order = sorted(content["methods"].items(), key=lambda item: item[1][name]["mean"])
        for method, summary in order:
            cost, hours = summary[name], summary["simulated_gpu_hours_to_optimum"]
            low, high = cost["interval_95"] or (None, None)
            seconds = summary["proposal_seconds_per_trial"]
            cells = [
                method,
                str(summary["seeds"]),
                f"{summary['share_solved']:.0%}",
                f"{number(cost['mean'], 1)} [{number(low)}, {number(high)}]",
                f"{number(cost['median'])} ({' to '.join(number(q) for q in cost['quartiles'])})",
                number(summary["regret_at"].get(last, {}).get("mean"), 3),
                p_regret(summary["tests"].get("random"), last),
                number(hours and hours["mean"], 1),
                number(seconds and seconds["mean"], 3),
                number(summary["repeats"], 1),
                p_value(summary["tests"].get("random"), f"p_{name}"),
                p_value(summary["tests"].get("best_peer"), f"p_{name}"),
            ]
            write(f"| {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main([Path(source) for source in sys.argv[1:]])
