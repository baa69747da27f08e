"""The report: one HTML file that needs nothing else, no network and no server."""

from __future__ import annotations

from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from predictors.files import write_whole
from smbo_nas.report.diagram import STYLE
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
    from plotly.offline import get_plotlyjs

    assets = resources.files("smbo_nas.report") / "assets"
    page = Template((assets / "page.html").read_text(encoding="utf-8"))
    s = run.summary
    return page.substitute(
        title=escape(s.study or s.space),
        subtitle=escape(f"{s.space} on {s.data}"),
        verdict=escape(verdict(run)),
        tiles="".join(f"<div><dt>{escape(name)}</dt><dd>{number}</dd></div>" for name, number in tiles(run)),
        best=best_section(run),
        charts=chart_sections(run),
        trials=trials_tables(run),
        card=run_card(run),
        style=STYLE + (assets / "page.css").read_text(encoding="utf-8"),
        script=(assets / "page.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
    )
