"""The report's charts: pure functions from a run to a plotly figure.

They carry no font or grid colours: the page sets them for its light or dark theme. The colours of the data are from
the palette of Okabe and Ito (2008), lightened or darkened until they stand out on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from smbo_nas.report.analysis import best_so_far, epochs_after, predicted_records
from smbo_nas.report.labels import operation_summary
from smbo_nas.report.reader import CandidateRecord, Run
from smbo_nas.report.text import is_fraction, measured

if TYPE_CHECKING:
    import plotly.graph_objects as go

COMPLETE, BEST, STOPPED, FAILED = "#2b87c8", "#d55e00", "#8b95a1", "#c0649b"
_FADED, _FAINT = "rgba(43,135,200,0.55)", "rgba(43,135,200,0.2)"
_MANY = 60
_MIN_FOCUS = 8
_HOVER = "%{text}<extra></extra>"


def progress_figure(run: Run, by: Literal["trial", "epochs"]) -> go.Figure:
    """The best value so far, and every trial as a point, over trial numbers or over epochs trained."""
    epochs = epochs_after(run)

    def at(record: CandidateRecord) -> int:
        return record.number if by == "trial" else epochs[record.number]

    figure = _figure(run, x="trial" if by == "trial" else "epochs trained, all trials together", y=run.summary.metric)
    steps = best_so_far(run)
    if steps:
        x, y = [at(record) for record, _ in steps], [best for _, best in steps]
        end = max((at(record) for record in run.candidates), default=x[-1])
        figure.add_scatter(
            x=[*x, end], y=[*y, y[-1]], mode="lines", name="best so far", hoverinfo="skip",
            line={"color": BEST, "width": 2.5, "shape": "hv"},
        )  # fmt: skip
    _points(figure, run, [r for r, _ in steps], at, "trained to the end", {"color": COMPLETE, "size": 9})
    stopped = [r for r in run.of_state("PRUNED") if r.last_value is not None]
    _points(
        figure, run, stopped, at, "stopped early, last value",
        {"color": STOPPED, "size": 10, "symbol": "x-thin", "line": {"color": STOPPED, "width": 2}},
    )  # fmt: skip
    failed = run.of_state("FAIL")
    if failed:
        figure.add_scatter(
            x=[at(r) for r in failed], y=[0.03] * len(failed), yaxis="y2", mode="markers", name="failed",
            text=[_hover(run, r) for r in failed], hovertemplate=_HOVER,
            marker={"color": FAILED, "size": 11, "symbol": "triangle-up"},
        )  # fmt: skip
        figure.update_layout(
            yaxis2={"overlaying": "y", "range": [0, 1], "autorange": False, "visible": False, "fixedrange": True}
        )
    _focus(figure, run)
    if run.best is not None and run.best.value is not None:
        _points(
            figure, run, [run.best], at, "best",
            {"color": BEST, "size": 14, "symbol": "star", "line": {"color": "#fff", "width": 1}},
        )  # fmt: skip
    return figure


def curves_figure(run: Run) -> go.Figure:
    """Every learning curve; stopped ones end in a mark, and right of the last epoch is what they would have reached."""
    figure = _figure(run, x="epoch", y=run.summary.metric)
    best = run.best
    complete = [r for r in run.of_state("COMPLETE", "RUNNING") if r is not best]
    stopped = run.of_state("PRUNED", "FAIL")
    _lines(figure, run, stopped, "stopped early or failed", {"color": STOPPED, "width": 1.4, "dash": "dot"})
    _lines(figure, run, complete, "trained on", {"color": _FADED if len(complete) < _MANY else _FAINT, "width": 1.6})
    ends = [r for r in run.of_state("PRUNED") if r.curve]
    figure.add_scatter(
        x=[r.curve[-1][0] for r in ends], y=[r.curve[-1][1] for r in ends], mode="markers", name="stop",
        text=[_hover(run, r) for r in ends], hovertemplate=_HOVER,
        marker={"color": STOPPED, "size": 9, "symbol": "x-thin", "line": {"color": STOPPED, "width": 2}},
    )  # fmt: skip
    _predicted_finals(figure, run)
    if best is not None:
        _lines(figure, run, [best], f"trial {best.number}, the best", {"color": BEST, "width": 3})
    _focus(figure, run)
    return figure


def _predicted_finals(figure: go.Figure, run: Run) -> None:
    """Predicted final values of stopped trials, side by side in a strip right of the last epoch."""
    records = [r for r in run.of_state("PRUNED") if r.final_mean is not None]
    if not records:
        return
    last = max([run.summary.epochs, *(int(step) for r in run.candidates for step, _ in r.curve)])
    stride = max(round(last / 6), 1)
    figure.update_xaxes(tickvals=list(range(last, 0, -stride)))
    strip = max(0.16 * last, 0.5)
    figure.add_scatter(
        x=[last + strip * (k + 1) / (len(records) + 1) for k in range(len(records))],
        y=[r.final_mean for r in records], mode="markers", name="predicted final value ± std",
        error_y=_spread([r.final_std for r in records]),
        text=[_hover(run, r) for r in records], hovertemplate=_HOVER,
        marker={"color": STOPPED, "size": 7, "symbol": "diamond-open"},
    )  # fmt: skip
    figure.add_vline(x=last, line={"color": STOPPED, "width": 1, "dash": "dash"})


def prediction_figure(run: Run) -> go.Figure:
    """What the sampler expected (mean ± std) over what was measured, with the identity line."""
    records = predicted_records(run)
    figure = _figure(run, x=f"measured {run.summary.metric}", y="predicted at proposal")
    values = [v for r in records for v in (r.value, r.predicted_mean) if v is not None]
    if values:
        pad = 0.06 * (max(values) - min(values)) or 0.01
        ends = [min(values) - pad, max(values) + pad]
        figure.add_scatter(
            x=ends, y=ends, mode="lines", name="predicted = measured", hoverinfo="skip",
            line={"color": STOPPED, "width": 1.5, "dash": "dash"},
        )  # fmt: skip
    figure.add_scatter(
        x=[r.value for r in records], y=[r.predicted_mean for r in records], mode="markers", name="trial, ± std",
        error_y=_spread([r.predicted_std for r in records]),
        text=[_hover(run, r) for r in records], hovertemplate=_HOVER,
        marker={"color": [BEST if r is run.best else COMPLETE for r in records], "size": 9},
    )  # fmt: skip
    if is_fraction(run.summary.metric):
        figure.update_xaxes(tickformat=".1~%")
    return figure


def base_figure(*, x: str, y: str) -> go.Figure:
    """An empty figure with titles of the axes, for `smbo_nas.report.page.chart`."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        template="none",
        font={"size": 13, "family": 'system-ui,-apple-system,"Segoe UI",Roboto,sans-serif'},
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        height=400,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        hoverlabel={"align": "left", "font": {"size": 13}},
        legend={"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
    )
    figure.update_xaxes(title={"text": escape(x), "standoff": 8}, automargin=True, zeroline=False, nticks=8)
    figure.update_yaxes(title={"text": escape(y), "standoff": 8}, automargin=True, zeroline=False, nticks=7)
    return figure


def _figure(run: Run, *, x: str, y: str) -> go.Figure:
    figure = base_figure(x=x, y=y)
    if is_fraction(run.summary.metric):
        figure.update_yaxes(tickformat=".1~%")
    return figure


def _focus(figure: go.Figure, run: Run) -> None:
    """Starts the vertical axis where the better three quarters of the trials ended, if the rest pressed them flat.

    The page offers a button for the whole range.
    """
    ends = [record.last_value for record in run.candidates]
    known = sorted((v for v in ends if v is not None), reverse=run.summary.direction == "minimize")
    if len(known) < _MIN_FOCUS:
        return
    worst, quartile, best = known[0], known[len(known) // 4], known[-1]
    if abs(best - worst) > 2 * abs(best - quartile) > 0:
        span = best - quartile
        low, high = sorted((quartile - 0.3 * span, best + 0.12 * span))
        figure.update_layout(yaxis={"range": [low, high], "autorange": False})


def _points(
    figure: go.Figure,
    run: Run,
    records: Sequence[CandidateRecord],
    at: Callable[[CandidateRecord], int],
    name: str,
    marker: dict[str, Any],
) -> None:
    if records:
        figure.add_scatter(
            x=[at(r) for r in records], y=[r.last_value for r in records], mode="markers", name=name,
            text=[_hover(run, r) for r in records], hovertemplate=_HOVER, marker=marker,
        )  # fmt: skip


def _spread(std: Sequence[float | None]) -> dict[str, Any]:
    bars = [s or 0.0 for s in std]
    return {"type": "data", "array": bars, "width": 3, "thickness": 1.3, "color": STOPPED}


def _lines(figure: go.Figure, run: Run, records: Sequence[CandidateRecord], name: str, line: dict[str, Any]) -> None:
    """All curves as one trace, with gaps between them: a thousand trials stay as quick as one."""
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str | None] = []
    for record in records:
        head = _head(record)
        for step, value in record.curve:
            x.append(step)
            y.append(value)
            text.append(f"{head}<br>epoch {step:g}: {measured(value, run.summary.metric, 2)}")
        x.append(None)
        y.append(None)
        text.append(None)
    if records:
        mode = "lines+markers" if all(len(r.curve) < 2 for r in records) else "lines"
        figure.add_scatter(x=x, y=y, text=text, mode=mode, name=name, line=line, hovertemplate=_HOVER)


def _head(record: CandidateRecord) -> str:
    return f"<b>trial {record.number}</b><br>{escape(operation_summary(record.graph))}"


def _hover(run: Run, record: CandidateRecord) -> str:
    metric = run.summary.metric
    parts = [_head(record)]
    if record.value is not None:
        parts.append(f"{escape(metric)} {measured(record.value, metric, 2)}")
    elif record.curve:
        step, value = record.curve[-1]
        parts.append(f"{measured(value, metric, 2)} at epoch {step:g}")
    for what, mean, std in (
        ("predicted at proposal", record.predicted_mean, record.predicted_std),
        ("predicted final", record.final_mean, record.final_std),
    ):
        if mean is not None:
            spread = f" ± {measured(std, metric, 2)}" if std is not None else ""
            parts.append(f"{what} {measured(mean, metric, 2)}{spread}")
    if record.state == "FAIL":
        parts.append(f"failed: {escape((record.reason or 'no reason recorded')[:90])}")
    return "<br>".join(parts)
