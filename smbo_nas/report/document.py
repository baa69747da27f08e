"""One HTML file that needs nothing else, no network and no server: the frame that every page of ours has."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go


def document(
    *, kind: str, title: str, subtitle: str, verdict: str, tiles: Sequence[tuple[str, str]], main: str, style: str = ""
) -> str:
    """A page.

    Args:
        kind: What kind of page it is, plain text.
        title: Its heading, plain text.
        subtitle: What it is about, plain text.
        verdict: The outcome in a sentence, plain text.
        tiles: The numbers that matter most, as (label, number), plain text.
        main: Its sections, HTML.
        style: CSS beside that of every page.
    """
    from plotly.offline import get_plotlyjs

    assets = resources.files("smbo_nas.report") / "assets"
    page = Template((assets / "page.html").read_text(encoding="utf-8"))
    return page.substitute(
        kind=escape(kind),
        title=escape(title),
        subtitle=escape(subtitle),
        verdict=escape(verdict),
        tiles="".join(f"<div><dt>{escape(name)}</dt><dd>{escape(number)}</dd></div>" for name, number in tiles),
        main=main,
        style=style + (assets / "page.css").read_text(encoding="utf-8"),
        script=(assets / "page.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
    )


def chart(figure: go.Figure, caption: str) -> str:
    """A figure that the page's script draws; `<` is escaped, so that no text can end the script element."""
    if figure.layout.yaxis.range is not None:
        caption += " Values far from the best ones are left out at first."
    data = figure.to_json().replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return (
        f'<figure class="chart"><div class="plot" role="img" aria-label="{escape(caption)}"></div>'
        f'<script type="application/json">{data}</script><figcaption>{escape(caption)}</figcaption></figure>'
    )
