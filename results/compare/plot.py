"""Draws how the best network so far approaches the best there is, one panel for each task.

python results/compare/plot.py results/compare anytime.html method,method,...

Lines are medians over the seeds, shades the quartiles of the best method, the best of another family and random search.
The picture is the HTML file in a browser (`chromium --headless --screenshot=anytime.png --window-size=1280,1000`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from plotly.subplots import make_subplots

from smbo_nas.benchmarks.comparison.figures import anytime_figure
from smbo_nas.benchmarks.comparison.findings import Comparison
from smbo_nas.benchmarks.comparison.outputs import FINDINGS, runs_file
from smbo_nas.benchmarks.measuring import TaskFile
from smbo_nas.benchmarks.protocol import TaskRuns
from smbo_nas.benchmarks.tasks import source_of

TASKS = ("nasbench201:cifar10", "nasbench201:cifar100", "nasbench201:imagenet", "fashion201")


def main(folder: Path, target: Path, methods: list[str]) -> None:
    """Writes one HTML file."""
    protocol = json.loads((folder / FINDINGS).read_text())["protocol"]
    tasks = []
    for name in TASKS:
        source = source_of(name)
        path = runs_file(folder, source.load().name)
        file = TaskFile(source, budget=protocol["budget"], batch=1, path=path, about={})
        tasks.append(TaskRuns.of(file, methods, range(protocol["seeds"])))
    comparison = Comparison(tuple(tasks), protocol["budget"], protocol["seeds"])
    listed: set[str] = set()
    figure = make_subplots(rows=2, cols=2, subplot_titles=[task.name for task in tasks], vertical_spacing=0.14)
    for k, task in enumerate(tasks):
        panel = anytime_figure(comparison, task, "cost")
        if panel is None:
            continue
        for trace in panel.data:
            trace.showlegend = trace.showlegend is not False and trace.name not in listed
            listed.add(trace.name)
            figure.add_trace(trace, row=k // 2 + 1, col=k % 2 + 1)
        axis = panel.layout.yaxis
        figure.update_yaxes(
            type="log", tickvals=axis.tickvals, ticktext=axis.ticktext, row=k // 2 + 1, col=k % 2 + 1,
            title_text="points below the best" if k % 2 == 0 else None,
        )  # fmt: skip
        figure.update_xaxes(title_text=f"{task.unit} spent", row=k // 2 + 1, col=k % 2 + 1)
    figure.update_layout(template="plotly_white", width=1240, height=900, legend={"orientation": "h", "y": -0.09})
    figure.write_html(target, include_plotlyjs=True, config={"displayModeBar": False})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(","))
