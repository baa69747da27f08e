"""What the benchmark commands show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from smbo_nas.benchmarks.comparison.tables import Table as PlainTable


def show_results(summaries: Mapping[str, Mapping[str, Any]], unit: str) -> None:
    """One line for each method, the soonest first, on standard output; `regret` is the one at the end of the budget."""
    name = f"{unit}_to_optimum"
    titles = ("method", "seeds", "solved", f"{unit} to optimum", "median", "regret", "s/proposal", "p, random")
    table = Table(*titles, box=None, padding=(0, 1, 0, 0))
    for method, summary in sorted(summaries.items(), key=lambda item: item[1][name]["mean"]):
        cost = summary[name]
        interval = f" [{', '.join(f'{end:.0f}' for end in cost['interval_95'])}]" if cost["interval_95"] else ""
        regret = list(summary["regret_at"].values())[-1:]
        seconds = summary["proposal_seconds_per_trial"]
        test = summary["tests"].get("random")
        table.add_row(
            method,
            str(summary["seeds"]),
            f"{summary['share_solved']:.0%}",
            f"{cost['mean']:.1f}{interval}",
            f"{cost['median']:.0f}",
            f"{regret[0]['mean']:.3f}" if regret else "-",
            f"{seconds['mean']:.3f}" if seconds else "-",
            f"{test[f'p_{name}']:.1g}" if test and test[f"p_{name}"] is not None else "-",
        )
    Console(highlight=False).print(table)


def show_table(found: PlainTable) -> None:
    """A table of a comparison, on standard output."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for k, (title, numeric) in enumerate(found.columns):
        table.add_column(title, no_wrap=k == 0, justify="right" if numeric else "left", overflow="fold")
    for row in found.rows:
        table.add_row(*(cell.text for cell in row))
    Console(highlight=False).print(table)


def show_fronts(summaries: Mapping[str, Mapping[str, Any]]) -> None:
    """One line for each method, on standard output: the share of the best hypervolume after so many queries."""
    marks = list(dict.fromkeys(mark for summary in summaries.values() for mark in summary["share_at"]))
    table = Table("method", "seeds", *(f"at {mark}" for mark in marks), "s/proposal", box=None, padding=(0, 1, 0, 0))
    for method, summary in summaries.items():
        at = summary["share_at"]
        table.add_row(
            method,
            str(summary["seeds"]),
            *(f"{at[mark]['mean']:.2%}" if mark in at else "-" for mark in marks),
            f"{summary['proposal_seconds_per_trial']['mean']:.3f}",
        )
    Console(highlight=False).print(table)


def show_overhead(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line for each sampler and number of trials, on standard output."""
    table = Table("sampler", "trials", "ms/trial", "with refits", "first, s", "peak MB", box=None)
    for row in rows:
        table.add_row(
            str(row["sampler"]),
            f"{row['trials']:,}",
            *(f"{row[name]:.1f}" if row[name] is not None else "-" for name in ("proposal_ms", "with_refits_ms")),
            f"{row['first_seconds']:.2f}",
            f"{row['peak_mb']:.0f}" if row["peak_mb"] is not None else "-",
        )
    Console(highlight=False).print(table)
