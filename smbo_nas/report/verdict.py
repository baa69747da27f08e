"""The outcome in one sentence, and in a handful of numbers."""

from __future__ import annotations

from smbo_nas.report.reader import Run
from smbo_nas.report.text import count, duration, is_fraction, measured, percent, plural


def verdict(run: Run) -> str:
    """The outcome as a sentence of plain text."""
    s = run.summary
    if run.best is None:
        started = f"{plural(s.trials, 'trial')} started" if s.trials else "no trial was started"
        states = f" ({s.pruned} stopped early, {s.failed} failed)" if s.trials else ""
        spent = f" after {s.epochs_trained} epochs in {duration(s.seconds)}" if s.epochs_trained else ""
        return f"No network is trained to the end yet: {started}{states}{spent}."
    parts = [f"trial {run.best.number} is best: {_values(run)}"]
    if s.best_parameters is not None:
        parts.append(f"{count(s.best_parameters)} weights")
    saved = s.epochs_saved
    if saved is None:
        parts.append(f"found in {duration(s.seconds)}")
    else:
        kept = f" ({percent(saved)} saved)" if s.epochs_trained < s.epochs_if_never_stopped else ""
        parts.append(
            f"found with {s.epochs_trained} of {s.epochs_if_never_stopped} epochs{kept} in {duration(s.seconds)}"
        )
    return f"Of {plural(s.networks, 'network')}, {', '.join(parts)}."


def _values(run: Run) -> str:
    s = run.summary
    value, test = measured(s.best_value, s.metric), measured(s.test_value, s.metric)
    if is_fraction(s.metric):
        kind, _, noun = s.metric.rpartition(" ")
        if s.test_value is None:
            return f"{value} {s.metric}"
        return f"{value} {kind}, {test} test {noun}" if kind else f"{value} {noun}, {test} on the test split"
    return f"{s.metric} {value}" + (f", {test} on the test split" if s.test_value is not None else "")


def tiles(run: Run) -> list[tuple[str, str]]:
    """The numbers that matter most, as (label, number)."""
    s = run.summary
    if run.best is None:
        return [("epochs trained", str(s.epochs_trained)), ("time", duration(s.seconds))]
    return [
        (s.metric, measured(s.best_value, s.metric, 2)),
        ("on the test split", measured(s.test_value, s.metric, 2)),
        ("weights", count(s.best_parameters)),
        ("multiply-adds", count(s.best_flops)),
        ("epochs saved", percent(s.epochs_saved)),
        ("time", duration(s.seconds)),
    ]
