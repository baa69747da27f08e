"""The report: one HTML file that needs nothing else, no network and no server."""

from __future__ import annotations

from pathlib import Path

from predictors.files import write_whole
from smbo_nas.report.diagram import STYLE
from smbo_nas.report.document import document
from smbo_nas.report.reader import Run, read_run
from smbo_nas.report.sections import best_section, chart_sections
from smbo_nas.report.tables import run_card, trials_tables
from smbo_nas.report.verdict import tiles, verdict


def write_report(run_dir: Path) -> Path:
    """Writes `report.html` into the directory of a search, whole or not at all.

    Returns:
        The path of the report.

    Raises:
        FileNotFoundError: When the directory or one of the files that `read_run` needs is missing.
        ValueError: When one of them is empty or corrupt.
    """
    run_dir = Path(run_dir)
    html = render(read_run(run_dir))
    path = run_dir / "report.html"
    write_whole(path, html)
    return path


def render(run: Run) -> str:
    """The report as HTML."""
    s = run.summary
    return document(
        kind="Architecture search",
        title=s.study or s.space,
        subtitle=f"{s.space} on {s.data}",
        verdict=verdict(run),
        tiles=tiles(run),
        main=f"<section><h2>The best network</h2>{best_section(run)}</section>\n{chart_sections(run)}\n"
        f"<section><h2>All trials</h2>{trials_tables(run)}</section>\n"
        f"<section><h2>Run card</h2>{run_card(run)}</section>",
        style=STYLE,
    )
