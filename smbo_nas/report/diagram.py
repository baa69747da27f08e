"""An architecture as an inline SVG: each cell a layered diagram, operations as boxes coloured by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from predictors.graph import ArchGraph
from smbo_nas.report.labels import kind_of, label_lines, short_name
from smbo_nas.report.layout import Layout, layered_layout
from smbo_nas.report.text import TIMES

STYLE = """
.arch text{font:600 14px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;text-anchor:middle;fill:#16202b}
.arch .title{font-size:15px}
.arch rect{stroke-width:1.5}
.arch .end rect{fill:#e8ecf1;stroke:#5b6b7c}
.arch .convolution rect{fill:#cfe6f7;stroke:#0072b2}
.arch .pooling rect{fill:#fde3bd;stroke:#b86e00}
.arch .skip rect{fill:#cdeee2;stroke:#00805f}
.arch .merge rect{fill:#fff;stroke:#5b6b7c}
.arch .other rect{fill:#f5dcea;stroke:#a3527f}
.arch .dead rect{fill:none;stroke:#9aa5b1;stroke-dasharray:4 3}
.arch .dead text{fill:#66727f}
.arch .edge{fill:none;stroke:#66727f;stroke-width:1.6}
.arch .tip{fill:#66727f}
.arch .times{font-size:13px;paint-order:stroke;stroke:#fff;stroke-width:4px}
@media (prefers-color-scheme:dark){
.arch text{fill:#eef2f6}
.arch .end rect{fill:#2c3743;stroke:#93a3b3}
.arch .convolution rect{fill:#123c58;stroke:#4ea6de}
.arch .pooling rect{fill:#55380b;stroke:#e6a23c}
.arch .skip rect{fill:#0d4335;stroke:#3fbf97}
.arch .merge rect{fill:#1b222a;stroke:#93a3b3}
.arch .other rect{fill:#52273f;stroke:#d98bb5}
.arch .dead rect{fill:none}
.arch .dead text{fill:#9aa5b1}
.arch .edge{stroke:#93a3b3}
.arch .tip{fill:#93a3b3}
.arch .times{stroke:#1b222a}
}
"""
"""Style sheet of the drawings, for light and dark; `draw_graph` brings it along, a page needs it once."""

_LINE = 17.0
_SMALLEST = 0.72  # a page may shrink a drawing that far: its text stays legible
_LAYER_GAP = 36.0
_TIP = 7.0
_MARGIN = 6.0
_TITLE = 30.0
_BETWEEN_CELLS = 40.0


@dataclass(frozen=True)
class _Drawing:
    body: str
    width: float
    height: float


def draw_graph(graph: ArchGraph) -> str:
    """Draws an architecture, its cells side by side.

    Data flows from top to bottom. `none` and whatever else carries no signal is left out, but for inputs and outputs,
    which are greyed. An edge that enters a node several times is marked with the number of times.

    Returns:
        One `<svg>` element that needs nothing else: it can be saved as a file or put into a page.
    """
    drawings = [_draw_cell(graph, k) for k in range(_n_cells(graph))]
    titles = cell_titles(graph)
    body, x = "", 0.0
    for drawing, title in zip(drawings, titles, strict=True):
        heading = f'<text class="title" x="{drawing.width / 2:.1f}" y="18">{escape(title)}</text>'
        shift = _TITLE if len(titles) > 1 else 0.0
        body += f'<g transform="translate({x:.1f} 0)">{heading if shift else ""}'
        body += f'<g transform="translate(0 {shift:.0f})">{drawing.body}</g></g>'
        x += drawing.width + _BETWEEN_CELLS
    height = max(d.height for d in drawings) + (_TITLE if len(titles) > 1 else 0.0)
    whole = _Drawing(f"<style>{STYLE}</style>{body}", x - _BETWEEN_CELLS, height)
    return _svg(whole, "; ".join(describe_cell(graph, k) for k in range(len(titles))))


def draw_cells(graph: ArchGraph) -> list[str]:
    """Draws each cell as an `<svg>` of its own, without `STYLE`, for a page that arranges them."""
    return [_svg(_draw_cell(graph, k), describe_cell(graph, k)) for k in range(_n_cells(graph))]


def cell_titles(graph: ArchGraph) -> list[str]:
    """What to call the cells: two are the normal and the reduction cell."""
    n = _n_cells(graph)
    return {1: ["Cell"], 2: ["Normal cell", "Reduction cell"]}.get(n) or [f"Cell {k + 1}" for k in range(n)]


def describe_cell(graph: ArchGraph, cell: int) -> str:
    """The cell in words, for those who cannot see the drawing: what each node takes."""
    shown = _shown(graph, cell)
    seen: Counter[str] = Counter()
    total = Counter(short_name(graph.ops[k]) for k in shown)
    names: dict[int, str] = {}
    for k in shown:
        name = short_name(graph.ops[k])
        seen[name] += 1
        names[k] = f"{name} #{seen[name]}" if total[name] > 1 else name
    before = graph.predecessors()
    parts = []
    for k in shown:
        sources = Counter(names[i] for i in before[k] if i in names and graph.live[i])
        if graph.live[k] and sources:
            takes = " and ".join(f"{n} times {name}" if n > 1 else name for name, n in sources.items())
            parts.append(f"{names[k]} takes {takes}")
    title = cell_titles(graph)[cell]
    return f"{title}: {'; '.join(parts)}." if parts else f"{title}: no path from input to output."


def _n_cells(graph: ArchGraph) -> int:
    return max(graph.cells) + 1


def _shown(graph: ArchGraph, cell: int) -> list[int]:
    """The cell's nodes that are drawn: live ones, inputs and the output."""
    return [k for k, op in enumerate(graph.ops) if graph.cells[k] == cell and (graph.live[k] or kind_of(op) == "end")]


def _box(op: str) -> tuple[float, float]:
    """Width and height of an operation's box."""
    kind = kind_of(op)
    if kind in ("end", "merge"):
        return max(60.0, 9.0 * len(short_name(op)) + 14), 30.0
    return 88.0, 12 + _LINE * max(len(label_lines(op)), 1) + 2


def _draw_cell(graph: ArchGraph, cell: int) -> _Drawing:
    shown = _shown(graph, cell)
    index = {k: p for p, k in enumerate(shown)}
    counts = Counter(
        (index[i], index[j]) for i, j in graph.edges if i in index and j in index and graph.live[i] and graph.live[j]
    )
    boxes = [_box(graph.ops[k]) for k in shown]
    hidden = [] if graph.live[shown[-1]] else [(0, len(shown) - 1)]  # keeps a dead output below the input
    layout = layered_layout([w for w, _ in boxes], [*counts, *hidden])
    layers = layout.layer
    tops, heights, bottom = _bands(layers, boxes)
    edges = "".join(_edge(layout, layout.routes[edge], n, boxes, tops, heights) for edge, n in counts.items())
    nodes = "".join(
        _node(graph, k, layout.x[p], tops[layers[p]] + heights[layers[p]] / 2, boxes[p]) for p, k in enumerate(shown)
    )
    body = f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">{edges}{nodes}</g>'
    return _Drawing(body, layout.width + 2 * _MARGIN, bottom + 2 * _MARGIN)


def _bands(layers: Sequence[int], boxes: Sequence[tuple[float, float]]) -> tuple[list[float], list[float], float]:
    """Top and height of each layer's band, and where the last one ends."""
    heights = [0.0] * (max(layers) + 1)
    for layer, (_, height) in zip(layers, boxes, strict=False):
        heights[layer] = max(heights[layer], height)
    tops, y = [], 0.0
    for height in heights:
        tops.append(y)
        y += height + _LAYER_GAP
    return tops, heights, y - _LAYER_GAP


def _edge(
    layout: Layout,
    way: Sequence[int],
    times: int,
    boxes: Sequence[tuple[float, float]],
    tops: Sequence[float],
    heights: Sequence[float],
) -> str:
    """A curve between the bands, straight inside them, so that it never crosses a box; and its tip."""
    layers = layout.layer

    def half(v: int) -> float:
        return (boxes[v][1] if v < len(boxes) else heights[layers[v]]) / 2

    def centre(v: int) -> float:
        return tops[layers[v]] + heights[layers[v]] / 2

    path = f"M{layout.x[way[0]]:.1f} {centre(way[0]) + half(way[0]):.1f}"
    for u, v in pairwise(way):
        band_end = tops[layers[u]] + heights[layers[u]]
        band_start = tops[layers[v]]
        last = v == way[-1]
        arrive = band_start - (_TIP if last else 0)
        middle = (band_end + arrive) / 2
        path += f"V{band_end:.1f}C{layout.x[u]:.1f} {middle:.1f} {layout.x[v]:.1f} {middle:.1f} "
        path += f"{layout.x[v]:.1f} {arrive:.1f}V{centre(v) - half(v) - _TIP if last else centre(v) + half(v):.1f}"
    end, tip = way[-1], centre(way[-1]) - half(way[-1])
    x = layout.x[end]
    mark = ""
    if times > 1:
        u = way[-2]
        y = (tops[layers[u]] + heights[layers[u]] + tops[layers[end]] - _TIP) / 2
        mark = f'<text class="times" x="{(layout.x[u] + x) / 2:.1f}" y="{y + 4:.1f}">{TIMES}{times}</text>'
    arrow = f'<path class="tip" d="M{x:.1f} {tip:.1f}l-4.5 -{_TIP}h9z"/>'
    return f'<path class="edge" d="{path}"/>{arrow}{mark}'


def _node(graph: ArchGraph, k: int, x: float, y: float, box: tuple[float, float]) -> str:
    op = graph.ops[k]
    width, height = box
    kind = kind_of(op) if graph.live[k] else "dead"
    details = "".join(f", {name} {column[k]:g}" for name, column in graph.attributes)
    lines = [short_name(op)] if kind_of(op) in ("end", "merge") else label_lines(op)
    first = y - _LINE * (len(lines) - 1) / 2 + 5
    text = "".join(
        f'<text x="{x:.1f}" y="{first + _LINE * p:.1f}">{escape(line)}</text>' for p, line in enumerate(lines)
    )
    return (
        f'<g class="node {kind}" data-node="{k}"><title>{escape(op + details)}</title>'
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{9 if kind_of(op) not in ("end", "merge") else height / 2:.0f}"/>{text}</g>'
    )


def _svg(drawing: _Drawing, description: str) -> str:
    w, h = drawing.width, drawing.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="arch" role="img" aria-label="{escape(description)}" '
        f'viewBox="0 0 {w:.1f} {h:.1f}" width="{w:.0f}" height="{h:.0f}" '
        f'style="min-width:{_SMALLEST * w:.0f}px">{drawing.body}</svg>'
    )
