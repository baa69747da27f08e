"""What the command line shows."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from predictors.curve_evaluation import CurveRun
    from predictors.evaluation import Run


def show(runs: Sequence[Run]) -> None:
    """A table of the rank protocol, on standard output."""
    from rich.console import Console
    from rich.table import Table

    from predictors.evaluation import summarise

    table = Table("train", "seeds", *(title for title, _ in _SHOWN.values()), box=None)
    for size, measures in summarise(runs).items():
        cells = [
            f"{measures[name]['mean']:.{digits}f}±{measures[name]['std']:.{digits}f}"
            for name, (_, digits) in _SHOWN.items()
        ]
        table.add_row(str(size), str(len(measures["seeds"])), *cells)
    Console(highlight=False).print(table)


_SHOWN = {
    "kendall_tau": ("Kendall tau", 3),
    "n_at_10": ("N@10", 1),
    "p_at_0.5": ("P@0.5%", 2),
    "coverage_80": ("in 80%", 2),
    "fit_seconds": ("fit, s", 1),
}
"""Measures that are printed: title and decimals."""


def show_curves(runs: Sequence[CurveRun]) -> None:
    """A table of the protocol of curve predictors, on standard output; `rank` is Spearman's correlation."""
    from rich.console import Console
    from rich.table import Table

    from predictors.curve_evaluation import summarise_curves

    titles = ["curves", "seen", "model", *(title for title, _ in _CURVES_SHOWN.values())]
    table = Table(*titles, box=None, padding=(0, 1, 0, 0))
    for row in summarise_curves(runs):
        cells = [f"{row[name]['mean']:.{digits}f}" for name, (_, digits) in _CURVES_SHOWN.items()]
        table.add_row(str(row["finished"]), f"{row['observed']:.0%}", row["model"], *cells)
    Console(highlight=False).print(table)


_CURVES_SHOWN = {
    "mae": ("MAE", 3),
    "rmse": ("RMSE", 3),
    "log_score": ("log", 2),
    "crps": ("CRPS", 3),
    "spearman": ("rank", 2),
    "coverage_50": ("50%", 2),
    "coverage_80": ("80%", 2),
    "coverage_95": ("95%", 2),
    "ms_per_curve": ("ms", 2),
}


def circumstances() -> dict[str, str]:
    """What ran, and where."""
    program = Path(sys.argv[0])
    called = ["python", "-m", program.parent.name] if program.name == "__main__.py" else [program.name]
    return {
        "command": shlex.join([*called, *sys.argv[1:]]),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
    }


@contextmanager
def progress(description: str, total: float) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, on standard error; the function says how much is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        yield lambda completed: progress.update(task, completed=completed)
