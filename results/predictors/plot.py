"""Draws Kendall tau against training cells from the files that `python -m predictors evaluate --json` wrote.

python results/predictors/plot.py results/predictors/tau.html results/predictors/*.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import plotly.graph_objects as go

# One colour for each model (Okabe and Ito, 2008), one dash for each table.
COLOURS = ("#000000", "#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#999933")
DASHES = {"cifar10": "solid", "cifar100": "dash", "imagenet16-120": "dot", "nasbench101": "dashdot"}


def main(target: Path, sources: list[Path]) -> None:
    """Writes one HTML file."""
    figure = go.Figure()
    colours: dict[str, str] = {}
    for source in sorted(sources, key=lambda source: list(DASHES).index(source.stem.split("_")[0])):
        table, model = source.stem.split("_", 1)
        colour = colours.setdefault(model, COLOURS[len(colours) % len(COLOURS)])
        sizes = json.loads(source.read_text())["sizes"]
        tau = [size["kendall_tau"] for size in sizes.values()]
        figure.add_scatter(
            x=[int(n) for n in sizes],
            y=[t["mean"] for t in tau],
            error_y={"type": "data", "array": [t["std"] for t in tau]},
            name=f"{table}, {model.replace('_', ' with ')}",
            mode="lines+markers",
            line={"color": colour, "dash": DASHES[table], "width": 1.6},
            marker={"size": 5},
        )
    figure.update_xaxes(title="training cells", type="log", tickvals=[78, 156, 469, 781, 1563])
    figure.update_yaxes(title="Kendall tau, all other cells")
    figure.update_layout(template="plotly_white", margin={"t": 30}, width=1080, height=560)
    figure.write_html(target, include_plotlyjs=True, config={"displayModeBar": False})


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(source) for source in sys.argv[2:]])
