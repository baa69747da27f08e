"""Draws regret and the share of solved searches against cost, from the files of `smbo-nas benchmark ... --json`.

python results/search/plot.py results/search/regret.html results/search/nasbench201_*.json

One column for each file. Bands are 95 % intervals of the mean over seeds (Student's t for the regret, Wilson's for the
share); a search that is solved has no regret from then on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.stats import binomtest
from scipy.stats import t as student

from smbo_nas.benchmarks.methods import STARTS
from smbo_nas.benchmarks.results import read_file
from smbo_nas.benchmarks.statistics import regret_curve

# The palette of Okabe and Ito (2008); methods take the colours in the order of their names.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933", "#882255")
FLOOR = 0.01
"""Points: the regret axis is logarithmic and ends here."""


def main(target: Path, sources: list[Path]) -> None:
    """Writes one HTML file."""
    files = [read_file(source) for source in sources]
    names = sorted({run.method for _, runs in files for run in runs})
    titles = [str(measured.settings["task"]) for measured, _ in files]
    figure = make_subplots(
        rows=2, cols=len(files), subplot_titles=titles, shared_xaxes=True, vertical_spacing=0.06,
        horizontal_spacing=0.05, row_heights=[0.6, 0.4],
    )  # fmt: skip
    for column, (measured, runs) in enumerate(files, start=1):
        start = STARTS * measured.budget // int(measured.settings["budget"])
        at = np.unique(np.linspace(start, measured.budget, 191).astype(int)).astype(float)
        for name, colour in zip(names, COLOURS, strict=False):
            own = [run for run in runs if run.method == name]
            if not own:
                continue
            curves = np.array([regret_curve(run, at) for run in own])
            mean = np.nanmean(curves, axis=0)
            half = np.zeros_like(mean)
            if len(own) > 1:
                half = student.ppf(0.975, len(own) - 1) * np.nanstd(curves, axis=0, ddof=1) / np.sqrt(len(own))
            first = not any(trace.name == name for trace in figure.data)
            line = {"color": colour, "width": 2}
            band(figure, (1, column), at, np.maximum(mean - half, FLOOR), np.maximum(mean + half, FLOOR), colour)
            figure.add_scatter(
                x=at, y=np.maximum(mean, FLOOR), name=name, legendgroup=name, showlegend=first, line=line,
                row=1, col=column,
            )  # fmt: skip
            solved = np.array([sum(run.reached is not None and run.reached <= x for run in own) for x in at])
            ends = [binomtest(int(k), len(own)).proportion_ci(method="wilson") for k in solved]
            band(figure, (2, column), at, [end.low for end in ends], [end.high for end in ends], colour)
            figure.add_scatter(
                x=at, y=solved / len(own), legendgroup=name, showlegend=False, line=line, row=2, col=column
            )
        figure.update_xaxes(title=measured.unit, row=2, col=column)
    figure.update_yaxes(title="regret, points of accuracy", row=1, col=1)
    figure.update_yaxes(type="log", row=1)
    figure.update_yaxes(title="share of searches solved", row=2, col=1)
    figure.update_yaxes(range=[0, 1.02], row=2)
    figure.update_layout(
        template="plotly_white", width=max(420 * len(files), 700), height=620, margin={"t": 40, "r": 20},
        legend={"orientation": "h", "y": -0.12},
    )  # fmt: skip
    figure.write_html(target, include_plotlyjs=True, config={"displayModeBar": False})


def band(figure: go.Figure, where: tuple[int, int], x: object, low: object, high: object, colour: str) -> None:
    """Fills between two curves."""
    for y, fill in ((low, None), (high, "tonexty")):
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"width": 0}, showlegend=False, hoverinfo="skip", fill=fill,
            fillcolor=f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},0.15)",
            row=where[0], col=where[1],
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(source) for source in sys.argv[2:]])
