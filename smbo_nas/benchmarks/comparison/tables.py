"""Tables of a comparison, each of them as Markdown and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from smbo_nas.benchmarks.catalogue import entry_of
from smbo_nas.benchmarks.comparison.findings import Comparison, Effect
from smbo_nas.benchmarks.protocol import TaskRuns
from smbo_nas.benchmarks.ranking import Ranking
from smbo_nas.benchmarks.results import BASELINE
from smbo_nas.report.text import ABSENT


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and the number it is sorted by; text is sorted as text."""

    text: str
    key: float | None = None


@dataclass(frozen=True)
class Table:
    """A table of plain text.

    Attributes:
        caption: What it shows.
        columns: Titles, and whether numbers stand below.
        rows: One cell for each column.
    """

    caption: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[Cell]]

    def markdown(self) -> str:
        """The table alone."""
        lines = [[title for title, _ in self.columns], ["--:" if numeric else "---" for _, numeric in self.columns]]
        lines += [[cell.text.replace("|", "\\|") for cell in row] for row in self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def html(self) -> str:
        """The table, sortable on a page of ours."""
        head = "".join(
            f'<th scope="col"{" class=num" if numeric else ""} aria-sort="none">'
            f'<button type="button">{escape(title)}</button></th>'
            for title, numeric in self.columns
        )
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(self.caption)}">'
            f'<table class="sortable"><caption>{escape(self.caption)}</caption><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(self._row(row) for row in self.rows)}</tbody></table></div>"
        )

    def _row(self, row: Sequence[Cell]) -> str:
        cells = zip(row, self.columns, strict=True)
        return f"<tr>{''.join(_cell(cell, numeric) for cell, (_, numeric) in cells)}</tr>"


def _cell(cell: Cell, numeric: bool) -> str:
    key = f' data-key="{"" if cell.key is None else f"{cell.key:.6g}"}"' if numeric else ""
    return f"<td{' class=num' if numeric else ''}{key}>{escape(cell.text)}</td>"


def main_table(comparison: Comparison) -> Table:
    """Every method with its average rank, its mean best value on each task, and how it compares with random search."""
    best, soonest = _ranks(comparison.rankings["regret"]), _ranks(comparison.rankings["cost"])
    rows = [
        [
            Cell(method),
            Cell(entry_of(method).family),
            _number(best.get(method), 1),
            _number(soonest.get(method), 1),
            *(_value(comparison, task, method) for task in comparison.tasks),
            Cell(_beside_random(comparison, method)),
        ]
        for method in comparison.methods
    ]
    columns = [("method", False), ("kind", False), ("average rank, best network", True), ("soonest", True)]
    columns += [(task.name, True) for task in comparison.tasks]
    return Table(
        f"Mean validation accuracy, in percent, of the best network after {comparison.budget} trainings",
        [*columns, ("beside random search", False)],
        rows,
    )


def task_table(comparison: Comparison, task: TaskRuns) -> Table:
    """What there is to say about every method on a task."""
    summaries = comparison.summaries[task.name]
    tested = any(summary["test"] is not None for summary in summaries.values())
    columns = [("method", False), ("seeds", True), ("mean", True), ("median", True), ("quartiles", False)]
    if task.hours is not None:
        columns.append((f"mean at {task.hours:,.0f} h", True))
    if tested:
        columns.append(("test", True))
    columns += [
        ("solved", True), (f"{task.unit} until solved", True), ("better / worse", True),
        ("solves sooner / later", True), ("repeats", True), ("ms a proposal", True),
    ]  # fmt: skip
    rows = [_task_row(comparison, task, name, tested) for name in comparison.methods if name in task.runs]
    return Table(f"{task.name}: the best network is at {task.optimum:.2f}", columns, rows)


def _task_row(comparison: Comparison, task: TaskRuns, method: str, tested: bool) -> list[Cell]:
    summary: dict[str, Any] = comparison.summaries[task.name][method]
    value, cost = summary["value"], summary["cost"]
    row = [
        Cell(method),
        _number(summary["seeds"], 0),
        _number(value["mean"], 2),
        _number(value["median"], 2),
        Cell(" to ".join(f"{quartile:.2f}" for quartile in value["quartiles"])),
    ]
    if task.hours is not None:
        row.append(_number((summary["value_at_hours"] or {}).get("mean"), 2))
    if tested:
        row.append(_number((summary["test"] or {}).get("mean"), 2))
    row += [Cell(f"{summary['share_solved']:.0%}", summary["share_solved"]), _number(cost["mean"], 0)]
    for better, worse in (
        comparison.standing(task.name, method, "regret"),
        comparison.standing(task.name, method, "cost"),
    ):
        row.append(Cell(f"{better} / {worse}", better - worse))
    return [*row, _number(summary["repeats"], 0), _number(summary["proposal_ms"], 1)]


def effects_table(effects: Sequence[Effect]) -> Table:
    """What each part is worth on each task."""
    columns = [
        ("left out", False), ("in its place", False), ("of", False), ("task", False), ("seeds", True),
        ("points lost", True), ("p", True), ("spent more until solved", True), ("p, sooner", True),
    ]  # fmt: skip
    cost = {(effect.ablation, effect.task): effect for effect in effects if effect.measure == "cost"}
    rows = []
    for effect in effects:
        if effect.measure == "regret":
            spent = cost[effect.ablation, effect.task]
            rows.append(
                [
                    Cell(effect.ablation.part),
                    Cell(effect.ablation.text),
                    Cell(effect.ablation.whole),
                    Cell(effect.task),
                    _number(effect.pair.seeds, 0),
                    _number(effect.mean, 3),
                    Cell(_p(effect.pair.p_holm), effect.pair.p_holm),
                    _number(spent.mean, 0),
                    Cell(_p(spent.pair.p_holm), spent.pair.p_holm),
                ]
            )
    return Table("What is lost without a part: positive numbers speak for it", columns, rows)


def _ranks(found: Ranking | None) -> dict[str, float]:
    return {} if found is None else dict(zip(found.methods, found.ranks, strict=True))


def _value(comparison: Comparison, task: TaskRuns, method: str) -> Cell:
    summary = comparison.summaries[task.name].get(method)
    return _number(None if summary is None else summary["value"]["mean"], 2)


def _beside_random(comparison: Comparison, method: str) -> str:
    beside = comparison.beside_random(method)
    if method == BASELINE or not beside:
        return ABSENT
    better, worse = (list(beside.values()).count(name) for name in (method, BASELINE))
    if not better and not worse:
        return "not told apart"
    parts = [f"{word} on {n}" for word, n in (("better", better), ("worse", worse)) if n]
    return f"{', '.join(parts)} of {len(beside)}"


def _number(value: float | None, digits: int) -> Cell:
    if value is None:
        return Cell(ABSENT)
    text = f"{value:,.{digits}f}"
    return Cell(text.replace("-", "\N{MINUS SIGN}") if float(text.replace(",", "")) else text.lstrip("-"), value)


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
