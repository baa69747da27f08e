"""The report's sections with drawings and charts, as HTML."""

from __future__ import annotations

from html import escape

from smbo_nas.report.analysis import agreement
from smbo_nas.report.diagram import cell_titles, draw_cells
from smbo_nas.report.document import chart
from smbo_nas.report.labels import operation_summary
from smbo_nas.report.reader import Run
from smbo_nas.report.tables import kinds_legend, params_table
from smbo_nas.report.text import plural


def best_section(run: Run) -> str:
    """The best network as a drawing, with its parameters."""
    if run.best is None or run.best_graph is None:
        return "<p>No trial is complete yet, so there is no best network to show.</p>"
    graph = run.best_graph
    titles, params = cell_titles(graph), params_table(run)
    wide = len(titles) > 1
    if wide:
        params = f"<details><summary>Its parameters</summary>{params}</details>"
    cells = "".join(
        f'<div class="cell">{f"<h3>{escape(title)}</h3>" if wide else ""}<div class="scroll">{svg}</div></div>'
        for title, svg in zip(titles, draw_cells(graph), strict=True)
    )
    dead = graph.live.count(False)
    left_out = f" Left out or grey, because no signal passes: {plural(dead, 'node')}." if dead else ""
    return (
        f'<div class="network{" wide" if wide else ""}"><figure><div class="cells">{cells}</div>{kinds_legend(run)}'
        f"<figcaption>Trial {run.best.number}: {escape(operation_summary(graph))}. What meets in a box is summed, "
        f"except in a concatenation.{left_out}</figcaption></figure>{params}</div>"
    )


def chart_sections(run: Run) -> str:
    """Best value so far, learning curves, and predicted against measured."""
    if not any(record.curve or record.value is not None for record in run.candidates):
        return "<section><h2>Charts</h2><p>Nothing was measured yet.</p></section>"
    from smbo_nas.report.figures import curves_figure

    if any(record.state in ("COMPLETE", "PRUNED") and record.last_value is not None for record in run.candidates):
        progress = _progress(run)
    else:
        progress = "<p>No trial is complete yet.</p>"
    stopped = len(run.of_state("PRUNED"))
    stops = (
        f"{plural(stopped, 'trial')} stopped early (crosses). Right of the dashed line, where the curve predictor saw "
        "them end: mean ± standard deviation."
        if stopped
        else "No trial was stopped early."
    )
    curves = chart(curves_figure(run), f"{run.summary.metric.capitalize()} after each epoch. {stops}")
    return (
        f"<section><h2>Best value so far</h2>{progress}</section>"
        f"<section><h2>Learning curves</h2>{curves}</section>"
        f"<section><h2>Predicted against measured</h2>{_predictions(run)}</section>"
    )


def _progress(run: Run) -> str:
    from smbo_nas.report.figures import progress_figure

    by_trial = chart(progress_figure(run, "trial"), "Best value so far, and every trial's value, by trial.")
    by_epochs = chart(progress_figure(run, "epochs"), "The same by epochs trained, all trials together.")
    return f'<div class="pair">{by_trial}{by_epochs}</div>'


def _predictions(run: Run) -> str:
    from smbo_nas.report.figures import prediction_figure

    found = agreement(run)
    if not found.points:
        return "<p>No trial that the sampler had a prediction for is complete: the first ones are drawn at random.</p>"
    rank = "too few points for a rank correlation"
    if found.kendall_tau is not None and found.spearman is not None:
        rank = f"Kendall's τ = {found.kendall_tau:.2f}, Spearman's ρ = {found.spearman:.2f}".replace("-", "−")  # noqa: RUF001
    text = (
        f"What the sampler expected of a network when it proposed it, against what was measured: "
        f"{plural(found.points, 'trial')}, {rank}. These networks were chosen to be good, so their values lie close "
        "together: ranking them is harder than ranking random ones."
    )
    return f'<div class="narrow">{chart(prediction_figure(run), text)}</div>'
