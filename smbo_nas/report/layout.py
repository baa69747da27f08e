"""Layered layout of a directed acyclic graph, top down and narrow enough for a phone.

The steps are those of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures",
1981: layers, crossings, coordinates. Layers are bounded in width as in Coffman and Graham, "Optimal scheduling for
two-processor systems", 1972 (here ranked by the longest path to a sink, without their lexicographic tie-break).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[int, int]
_SWEEPS = 24
_PLACING_SWEEPS = 80


@dataclass(frozen=True)
class Layout:
    """Where everything goes.

    Vertices `0 .. n - 1` are the nodes; the later ones are bends, where an edge passes between the boxes of a layer.
    All edges out of a node that pass a layer share one bend there.

    Attributes:
        layer: Layer of each vertex, from the top.
        x: Horizontal centre of each vertex; the leftmost box begins at 0.
        width: Total width.
        routes: Of each edge, the vertices it passes, both ends included.
    """

    layer: tuple[int, ...]
    x: tuple[float, ...]
    width: float
    routes: dict[Edge, tuple[int, ...]]


def layered_layout(
    widths: Sequence[float], edges: Sequence[Edge], *, max_per_layer: int = 3, gap: float = 14.0, bend: float = 8.0
) -> Layout:
    """Lays a graph out.

    Args:
        widths: Width of each node's box.
        edges: Pairs `(i, j)` with `i < j`; repeated ones count once.
        max_per_layer: Most nodes in a layer; nodes that take nothing all share the first.
        gap: Space between neighbours in a layer.
        bend: Width kept free for an edge that passes a layer.
    """
    unique = sorted(set(edges))
    layer = _layers(len(widths), unique, max_per_layer)
    routes, hops = _routes(unique, layer)
    size = [*widths, *[bend] * (len(layer) - len(widths))]
    order = _order(layer, hops)
    x = _coordinates(order, hops, size, gap, n_nodes=len(widths))
    left = min((x[v] - size[v] / 2 for v in range(len(size))), default=0.0)
    x = [value - left for value in x]
    width = max((x[v] + size[v] / 2 for v in range(len(size))), default=0.0)
    return Layout(layer=tuple(layer), x=tuple(x), width=width, routes=routes)


def _layers(n: int, edges: Sequence[Edge], max_per_layer: int) -> list[int]:
    """Each node's layer, below all it takes; where too many are ready, those with the longest way to go come first."""
    before: list[list[int]] = [[] for _ in range(n)]
    height = [0] * n
    for i, j in edges:
        before[j].append(i)
    for i, j in reversed(edges):  # sorted by i: every edge out of j was seen before
        height[i] = max(height[i], height[j] + 1)
    layer = [0 if not before[k] else -1 for k in range(n)]
    current = 0
    while -1 in layer:
        current += 1
        ready = [k for k in range(n) if layer[k] < 0 and all(0 <= layer[i] < current for i in before[k])]
        for k in sorted(ready, key=lambda k: (-height[k], k))[:max_per_layer]:
            layer[k] = current
    return layer


def _routes(edges: Sequence[Edge], layer: list[int]) -> tuple[dict[Edge, tuple[int, ...]], list[Edge]]:
    """Each edge's way through the layers, and the distinct hops from one layer to the next; extends `layer`."""
    bends: dict[Edge, int] = {}
    routes: dict[Edge, tuple[int, ...]] = {}
    for i, j in edges:
        way = [i]
        for between in range(layer[i] + 1, layer[j]):
            if (i, between) not in bends:
                bends[i, between] = len(layer)
                layer.append(between)
            way.append(bends[i, between])
        routes[i, j] = (*way, j)
    hops = {hop for way in routes.values() for hop in pairwise(way)}
    return routes, sorted(hops)


def _order(layer: Sequence[int], hops: Sequence[Edge]) -> list[list[int]]:
    """The vertices of each layer from left to right, with few crossings: barycentres, then swaps of neighbours."""
    order: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for v, k in enumerate(layer):
        order[k].append(v)
    above, below = _neighbours(len(layer), hops)
    best, fewest = [list(row) for row in order], _crossings(order, hops)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        downward = sweep % 2 == 0
        neighbours = above if downward else below
        rows = range(1, len(order)) if downward else range(len(order) - 2, -1, -1)
        for k in rows:
            fixed = order[k - 1] if downward else order[k + 1]
            place = {v: float(p) for p, v in enumerate(fixed)}
            current = {v: float(p) for p, v in enumerate(order[k])}
            order[k].sort(key=lambda v: (_mean([place[u] for u in neighbours[v]], current[v]), current[v]))
        _swap_neighbours(order, above, below)
        crossings = _crossings(order, hops)
        if crossings < fewest:
            best, fewest = [list(row) for row in order], crossings
    return best


def _swap_neighbours(order: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    """Swaps neighbours in a layer wherever their own edges then cross less."""
    place = {v: p for row in order for p, v in enumerate(row)}

    def crossings(left: int, right: int) -> int:
        return sum(place[a] > place[b] for side in (above, below) for a in side[left] for b in side[right])

    for row in order:
        for p in range(len(row) - 1):
            u, v = row[p], row[p + 1]
            if crossings(v, u) < crossings(u, v):
                row[p], row[p + 1] = v, u
                place[u], place[v] = p + 1, p


def _crossings(order: Sequence[Sequence[int]], hops: Sequence[Edge]) -> int:
    place = {v: p for row in order for p, v in enumerate(row)}
    row_of = {v: k for k, row in enumerate(order) for v in row}
    between: dict[int, list[Edge]] = {}
    for u, v in hops:
        between.setdefault(row_of[u], []).append((place[u], place[v]))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for pairs in between.values()
        for k, a in enumerate(pairs)
        for b in pairs[k + 1 :]
    )


def _coordinates(
    order: Sequence[Sequence[int]], hops: Sequence[Edge], size: Sequence[float], gap: float, n_nodes: int
) -> list[float]:
    """Horizontal centres: each layer in turn as close to its neighbours' means as order and widths allow.

    Keeping a minimal distance between neighbours is an isotonic regression once the distances are subtracted.
    """
    x = [0.0] * len(size)
    pulls: list[list[tuple[int, float]]] = [[] for _ in size]
    for u, v in hops:
        weight = 8.0 ** ((u >= n_nodes) + (v >= n_nodes))  # straight edges matter more than centred boxes
        pulls[u].append((v, weight))
        pulls[v].append((u, weight))
    total = [sum(weight for _, weight in pull) for pull in pulls]
    offsets: list[list[float]] = []
    for row in order:
        offset = [0.0]
        for u, v in pairwise(row):
            offset.append(offset[-1] + (size[u] + size[v]) / 2 + gap)
        offsets.append(offset)
        for v, distance in zip(row, offset, strict=True):
            x[v] = distance - offset[-1] / 2
    rows = list(zip(order, offsets, strict=True))
    for sweep in range(_PLACING_SWEEPS):
        for row, offset in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [sum(w * x[u] for u, w in pulls[v]) / total[v] if total[v] else x[v] for v in row]
            shifted = [w - distance for w, distance in zip(wanted, offset, strict=True)]
            placed = _isotonic(shifted, [max(total[v], 1e-3) for v in row])
            for v, position, distance in zip(row, placed, offset, strict=True):
                x[v] = position + distance
    return x


def _isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to `values` in weighted squares, by pooling adjacent violators."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, total, length = blocks.pop()
            joint = total + block[1]
            block = ((mean * total + block[0] * block[1]) / joint, joint, length + block[2])
        blocks.append(block)
    return [mean for mean, _, length in blocks for _ in range(length)]


def _neighbours(n: int, hops: Sequence[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    """Each vertex's neighbours in the layer above and in the layer below."""
    above: list[list[int]] = [[] for _ in range(n)]
    below: list[list[int]] = [[] for _ in range(n)]
    for u, v in hops:
        below[u].append(v)
        above[v].append(u)
    return above, below


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
