"""Plots of a comparison: how the best value so far approaches the best there is, and average ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from smbo_nas.benchmarks.catalogue import FAMILIES, entry_of
from smbo_nas.benchmarks.comparison.findings import Comparison
from smbo_nas.benchmarks.protocol import TaskRuns
from smbo_nas.benchmarks.ranking import Ranking
from smbo_nas.benchmarks.results import BASELINE
from smbo_nas.report.figures import base_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

# The palette of Okabe and Ito (2008), one colour for each family, lightened or darkened for light and dark pages.
COLOURS = dict(
    zip(FAMILIES, ("#d55e00", "#2b87c8", "#009e73", "#c0649b", "#b58900", "#7a6ff0", "#8b95a1"), strict=True)
)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
FLOOR = 0.01
"""Points: the axis of regrets is logarithmic and ends here; what is less is drawn here."""
_ROW = 26


def style(method: str, methods: tuple[str, ...]) -> dict[str, str]:
    """Colour by family, dash by place within it: the same in every plot of the same methods."""
    family = entry_of(method).family
    alike = [name for name in methods if entry_of(name).family == family]
    return {"color": COLOURS[family], "dash": _DASHES[alike.index(method) % len(_DASHES)]}


def anytime_figure(comparison: Comparison, task: TaskRuns, by: Literal["cost", "hours"]) -> go.Figure | None:
    """Median regret with quartiles against what was spent; None where hours are not known.

    Only the best method, the best one of another family, and random search have their bands at first.
    """
    spent = f"{task.unit} spent" if by == "cost" else "simulated hours of training"
    figure = base_figure(x=spent, y="points below the best network, median")
    methods = [name for name in comparison.methods if name in task.runs]
    shown = highlighted(methods)
    for method in methods:
        curve = task.anytime(method, by)
        if curve is None:
            return None
        line = style(method, comparison.methods)
        x = np.concatenate([curve.at, curve.at[::-1]])
        band = np.concatenate([_floored(curve.high), _floored(curve.low)[::-1]])
        if method in shown:
            figure.add_scatter(
                x=_short(x), y=_short(band), mode="lines", line={"width": 0}, fill="toself", fillcolor=line["color"],
                opacity=0.18, legendgroup=method, showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        figure.add_scatter(
            x=_short(curve.at), y=_short(_floored(curve.median)), mode="lines", name=method, legendgroup=method,
            line={**line, "width": 3 if method in shown else 1.3, "shape": "hv"},
            hovertemplate=f"<b>{method}</b><br>%{{x:.4~g}} {spent}: %{{y:.2f}} points<extra></extra>",
        )  # fmt: skip
    ticks = [FLOOR, 0.03, 0.1, 0.3, 1, 3, 10, 30]
    figure.update_yaxes(type="log", tickvals=ticks, ticktext=["0", *(f"{tick:g}" for tick in ticks[1:])])
    figure.update_layout(height=480)
    return figure


def highlighted(methods: list[str]) -> list[str]:
    """Of methods in the order of their ranks: the best, the best of another family, and random search."""
    other = next((name for name in methods if entry_of(name).family != entry_of(methods[0]).family), None)
    return [name for name in dict.fromkeys([methods[0], other, BASELINE]) if name in methods]


def rank_figure(ranking: Ranking) -> go.Figure:
    """The critical-difference diagram of Demsar (2006, fig. 1) on its side: one row for each method.

    Bars at the right join the methods whose average ranks differ by less than the critical difference.
    """
    figure = base_figure(x="average rank, 1 is the best", y="")
    k = len(ranking.methods)
    rows = list(range(k))
    for row, rank in enumerate(ranking.ranks):
        figure.add_scatter(
            x=[0.5, rank], y=[row, row], mode="lines", line={"color": "#8b95a1", "width": 1}, opacity=0.5,
            showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    figure.add_scatter(
        x=list(ranking.ranks), y=rows, mode="markers", showlegend=False,
        marker={"size": 11, "color": [COLOURS[entry_of(name).family] for name in ranking.methods]},
        text=list(ranking.methods), hovertemplate="<b>%{text}</b><br>average rank %{x:.2f}<extra></extra>",
    )  # fmt: skip
    for place, (first, last) in enumerate(ranking.groups):
        x = k + 1.0 + 0.45 * place
        figure.add_scatter(
            x=[x, x], y=[first - 0.25, last + 0.25], mode="lines", line={"color": "#8b95a1", "width": 5},
            showlegend=False, hovertemplate="not told apart<extra></extra>",
        )  # fmt: skip
    if ranking.critical_difference is not None:
        figure.add_scatter(
            x=[1, 1 + ranking.critical_difference], y=[-1, -1], mode="lines+markers", showlegend=False,
            line={"color": "#8b95a1", "width": 2}, hoverinfo="skip",
            marker={"symbol": "line-ns", "size": 10, "line": {"width": 2, "color": "#8b95a1"}},
        )  # fmt: skip
        figure.add_annotation(
            x=1, y=-1, yshift=12, xanchor="left", showarrow=False,
            text=f"critical difference {ranking.critical_difference:.1f}",
        )  # fmt: skip
    figure.update_yaxes(tickvals=rows, ticktext=list(ranking.methods), range=[k - 0.4, -2], title=None)
    figure.update_xaxes(range=[0.5, k + 1.5 + 0.45 * len(ranking.groups)], tickvals=_ticks(k))
    figure.update_layout(height=110 + _ROW * (k + 2))
    return figure


def _ticks(k: int) -> list[int]:
    return [*range(1, k + 1, max(1, round(k / 8)))]


def _floored(regret: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(regret, FLOOR)


def _short(numbers: NDArray[np.float64]) -> list[float]:
    """Four significant digits: a page holds a hundred thousand of them."""
    return [float(f"{number:.4g}") for number in numbers]
