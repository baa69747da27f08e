"""The report's tables and lists as HTML; every text that comes from the run is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from smbo_nas.report.labels import KIND_NAMES, Kind, kind_of, operation_summary
from smbo_nas.report.reader import CandidateRecord, Run
from smbo_nas.report.text import ABSENT, NBSP, count, duration, measured, percent

TOP = 20
_STATE_NAMES = {"COMPLETE": "complete", "PRUNED": "stopped", "FAIL": "failed", "RUNNING": "running"}
_COLUMNS = (
    ("trial", True), ("state", False), ("value", True), ("operations", False), ("weights", True),
    ("multiply-adds", True), ("epochs", True), ("time", True), ("note", False),
)  # fmt: skip


def ranked(run: Run) -> list[CandidateRecord]:
    """Complete trials from the best, then stopped, running and failed ones."""
    sign = 1 if run.summary.direction == "minimize" else -1
    order = {"COMPLETE": 0, "PRUNED": 1, "RUNNING": 2, "FAIL": 3}

    def key(record: CandidateRecord) -> tuple[int, bool, float, int]:
        value = record.final_mean if record.state == "PRUNED" else record.last_value
        return order[record.state], value is None, sign * (value or 0.0), record.number

    return sorted(run.candidates, key=key)


def trials_tables(run: Run) -> str:
    """The best `TOP` trials as a table, the others in one that opens on demand."""
    records = ranked(run)
    if not records:
        return "<p>No trial was started yet.</p>"
    html = _trials_table(run, records[:TOP], "Trials, best first" if len(records) <= TOP else f"The best {TOP} trials")
    if len(records) > TOP:
        rest = records[TOP:]
        html += (
            f"<details><summary>The other {len(rest)}</summary>{_trials_table(run, rest, 'The other trials')}</details>"
        )
    return html


def _trials_table(run: Run, records: Sequence[CandidateRecord], caption: str) -> str:
    head = "".join(
        f'<th scope="col"{" class=num" if numeric else ""} aria-sort="none"><button type="button">{name}</button></th>'
        for name, numeric in _COLUMNS
    )
    rows = "".join(_trial_row(run, record) for record in records)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="sortable">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _trial_row(run: Run, record: CandidateRecord) -> str:
    value = measured(record.last_value, run.summary.metric, 2)
    state = _STATE_NAMES[record.state]
    cells = (
        (str(record.number), record.number),
        (f'<span class="state {state}">{state}</span>', None),
        (value if record.state == "COMPLETE" else f"<i>{value}</i>", record.last_value),
        (escape(operation_summary(record.graph)), None),
        (count(record.parameters), record.parameters),
        (count(record.flops), record.flops),
        (str(record.epochs), record.epochs),
        (duration(record.seconds), record.seconds),
        (escape(_note(run, record)), None),
    )
    html = "".join(
        f"<td{' class=num' if numeric else ''}{_sort_key(key, numeric)}>{content}</td>"
        for (content, key), (_, numeric) in zip(cells, _COLUMNS, strict=True)
    )
    return f"<tr{' class=best' if record is run.best else ''}>{html}</tr>"


def _sort_key(key: float | None, numeric: bool) -> str:
    return f' data-key="{"" if key is None else f"{key:.9g}"}"' if numeric else ""


def _note(run: Run, record: CandidateRecord) -> str:
    if record is run.best:
        return "the best"
    parts = []
    if record.state == "PRUNED" and record.stop_probability is not None:
        parts.append(f"{percent(record.stop_probability)} chance to beat the best")
    if record.state == "PRUNED" and record.final_mean is not None:
        spread = (
            f"{NBSP}±{NBSP}{measured(record.final_std, run.summary.metric)}" if record.final_std is not None else ""
        )
        parts.append(f"heading for {measured(record.final_mean, run.summary.metric)}{spread}")
    if record.reason and not parts:
        parts.append(record.reason)
    return "; ".join(parts)


def params_table(run: Run) -> str:
    """The best trial's parameters."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(choice)}</td></tr>'
        for name, choice in run.summary.best_params.items()
    )
    return f"<table class=params><caption>Its parameters</caption><tbody>{rows}</tbody></table>" if rows else ""


def kinds_legend(run: Run) -> str:
    """The colours of the cell drawing that occur in it."""
    if run.best_graph is None:
        return ""
    graph = run.best_graph
    present: set[Kind] = {kind_of(op) for op, live in zip(graph.ops, graph.live, strict=True) if live}
    items = "".join(
        f'<li><svg class="arch" width="18" height="14" aria-hidden="true"><g class="{kind}">'
        f'<rect x="1" y="1" width="16" height="12" rx="4"/></g></svg>{name}</li>'
        for kind, name in KIND_NAMES.items()
        if kind in present
    )
    return f'<ul class="legend">{items}</ul>'


def run_card(run: Run) -> str:
    """What it takes to repeat the run, and what it took."""
    s = run.summary
    share = f" ({percent(s.sampler_seconds / s.seconds)} of the time)" if s.seconds > 0 else ""
    versions = ", ".join(f"{name} {version}" for name, version in s.versions.items())
    entries: Iterable[tuple[str, str | None]] = (
        ("Command", None if s.command is None else f"<code>{escape(s.command)}</code>"),
        ("Study", _text(s.study)),
        ("Seed", None if s.seed is None else str(s.seed)),
        ("Space", _text(s.space)),
        ("Data", _text(s.data)),
        ("Sampler", _text(s.sampler)),
        ("Pruner", _text(s.pruner)),
        ("Trials", f"{s.trials}, of them {s.pruned} stopped early and {s.failed} failed"),
        ("Epochs", f"{s.epochs_trained} trained; {s.epochs_if_never_stopped} without stopping; {s.epochs} a trial"),
        ("Time", duration(s.seconds)),
        ("Proposals", f"{duration(s.sampler_seconds)}{share}"),
        ("Device", _text(s.device)),
        ("Machine", _text(s.machine)),
        ("Versions", escape(versions) or None),
    )
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{text or ABSENT}</dd></div>" for name, text in entries) + "</dl>"


def _text(value: str | None) -> str | None:
    return None if value is None else escape(value)
