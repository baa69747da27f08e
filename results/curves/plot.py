"""Draws fans of quantiles for typical and worst curves, and calibration, as HTML.

python results/curves/plot.py fans results/curves/fans.html
python results/curves/plot.py calibration results/curves/calibration.html results/curves/*.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from predictors.curves import default_curve_predictor
from predictors.models import CURVE_MODELS
from smbo_nas.benchmarks.fashion201 import load_fashion201

FINISHED, SEEN = 20, 0.25
LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])


def fans(target: Path) -> None:
    """The median and the central 50, 80 and 95 % of what follows a quarter of a curve of Fashion201, split 0."""
    table = load_fashion201()
    curves = table.val_accuracy
    order = np.random.default_rng(0).permutation(len(curves))
    model = default_curve_predictor().fit(curves[order[:FINISHED]])
    others, n_seen = curves[order[FINISHED:]], round(SEEN * table.n_epochs)
    surprise = -model.predictive(others[:, :n_seen]).log_density(others[:, -1])
    by_surprise = np.argsort(surprise)
    typical = by_surprise[len(by_surprise) // 2 - 1 : len(by_surprise) // 2 + 2]
    titles = [f"typical: log score {-surprise[k]:.1f}" for k in typical]
    titles += [f"worst: log score {-surprise[k]:.1f}" for k in by_surprise[-3:]]
    figure = make_subplots(rows=2, cols=3, subplot_titles=titles, shared_yaxes="all")
    epochs = np.arange(1, table.n_epochs + 1)
    later = epochs[n_seen:]
    for place, k in enumerate([*typical, *by_surprise[-3:]]):
        where = {"row": place // 3 + 1, "col": place % 3 + 1}
        q = np.array([model.quantiles(others[k : k + 1, :n_seen], LEVELS, at=int(epoch))[0] for epoch in later])
        for low in range(3):
            figure.add_scatter(
                x=[*later, *later[::-1]],
                y=[*q[:, low], *q[::-1, 6 - low]],
                fill="toself",
                fillcolor="rgba(31,119,180,0.2)",
                line={"width": 0},
                showlegend=False,
                **where,
            )
        figure.add_scatter(x=later, y=q[:, 3], line={"color": "#1f77b4"}, showlegend=False, **where)
        figure.add_scatter(x=epochs, y=others[k], line={"color": "black", "width": 1}, showlegend=False, **where)
        figure.add_vline(x=n_seen, line={"dash": "dot", "width": 1}, **where)
    figure.update_yaxes(range=[0.1, 0.9])
    _write(figure, target, 900, 520)


def calibration(target: Path, sources: list[Path]) -> None:
    """Observed against predicted probabilities, the mean over runs, one panel for each table."""
    contents = {source.stem: json.loads(source.read_text()) for source in sources}
    contents = {name: content for name, content in contents.items() if "pit" in (content.get("runs") or [{}])[0]}
    figure = make_subplots(rows=1, cols=len(contents), subplot_titles=list(contents), shared_yaxes="all")
    colours = dict(zip(CURVE_MODELS, ["#7f7f7f", "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e"], strict=False))
    for column, content in enumerate(contents.values(), 1):
        for model in sorted({run["model"] for run in content["runs"]}, key=list(CURVE_MODELS).index):
            pit = np.mean([run["pit"] for run in content["runs"] if run["model"] == model], axis=0)
            figure.add_scatter(
                x=np.linspace(0, 1, len(pit) + 1),
                y=np.append(0.0, np.cumsum(pit)),
                name=model,
                legendgroup=model,
                showlegend=column == 1,
                line={"color": colours[model]},
                row=1,
                col=column,
            )
        figure.add_scatter(
            x=[0, 1], y=[0, 1], line={"color": "black", "dash": "dot"}, showlegend=False, row=1, col=column
        )
    figure.update_xaxes(title="predicted probability")
    figure.update_yaxes(title="share of final values below", col=1)
    _write(figure, target, 320 * len(contents) + 120, 400)


def _write(figure: go.Figure, target: Path, width: int, height: int) -> None:
    figure.update_layout(template="plotly_white", width=width, height=height, margin={"t": 40, "r": 10})
    figure.write_html(target, include_plotlyjs=True, config={"displayModeBar": False})


if __name__ == "__main__":
    if sys.argv[1] == "fans":
        fans(Path(sys.argv[2]))
    else:
        calibration(Path(sys.argv[2]), [Path(source) for source in sys.argv[3:]])
