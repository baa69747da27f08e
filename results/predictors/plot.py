"""Draws Kendall tau against training cells from the files that `python -m predictors evaluate --json` wrote.

python results/predictors/plot.py results/predictors/tau.html results/predictors/*.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import plotly.graph_objects as go


def main(target: Path, sources: list[Path]) -> None:
    """Writes one HTML file."""
    figure = go.Figure()
    for source in sources:
        sizes = json.loads(source.read_text())["sizes"]
        tau = [size["kendall_tau"] for size in sizes.values()]
        figure.add_scatter(
            x=[int(n) for n in sizes],
            y=[t["mean"] for t in tau],
            error_y={"type": "data", "array": [t["std"] for t in tau]},
            name=source.stem.replace("_", ", "),
            mode="lines+markers",
        )
    figure.update_xaxes(title="training cells", type="log", tickvals=[78, 156, 469, 781, 1563])
    figure.update_yaxes(title="Kendall tau, all other cells")
    figure.update_layout(template="plotly_white", legend={"x": 0.6, "y": 0.1}, margin={"t": 30}, width=880, height=500)
    figure.write_html(target, include_plotlyjs=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(source) for source in sys.argv[2:]])
