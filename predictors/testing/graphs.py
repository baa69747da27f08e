"""Small architectures, and a value to learn that depends on the canonical graph only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictors.graph import ArchGraph

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (0, 4), (1, 3), (1, 5), (2, 6), (3, 6), (4, 7), (5, 7), (6, 7))
"""NAS-Bench-201's cell, each operation a node: edges 01 02 12 03 13 23 of its four feature maps."""


def cell(*ops: str) -> ArchGraph:
    """A cell of NAS-Bench-201 from its six operations."""
    return ArchGraph(ops=("input", *ops, "output"), edges=EDGES)


def random_cells(n: int, seed: int = 0) -> list[ArchGraph]:
    """`n` cells of NAS-Bench-201."""
    rng = np.random.default_rng(seed)
    return [cell(*(OPS[k] for k in rng.integers(len(OPS), size=6))) for _ in range(n)]


def random_networks(n: int, seed: int = 0, longest: int = 6) -> list[ArchGraph]:
    """`n` networks of two cells of different sizes, with two inputs, a width per node, and concatenated outputs."""
    rng = np.random.default_rng(seed)
    networks = []
    for _ in range(n):
        ops: list[str] = []
        edges: list[tuple[int, int]] = []
        index: list[int] = []
        for c in range(2):
            first, inner = len(ops), int(rng.integers(1, longest + 1))
            ops += ["input_0", "input_1", *(OPS[k] for k in rng.integers(1, len(OPS), size=inner)), "concat", "output"]
            nodes = range(first + 2, first + 2 + inner)
            edges += [(int(rng.integers(first, k)), k) for k in nodes]
            edges += [(k, first + 2 + inner) for k in nodes] + [(first + 2 + inner, first + 3 + inner)]
            index += [c] * (len(ops) - first)
        width = tuple(8.0 * rng.integers(1, 5, size=len(ops)))
        networks.append(
            ArchGraph(ops=tuple(ops), edges=tuple(edges), attributes=(("width", width),), cell=tuple(index))
        )
    return networks


def value(graph: ArchGraph) -> float:
    """A smooth function of the canonical graph, in percent: convolutions help, the more so the deeper the network."""
    canonical = graph.canonical()
    depth = [0.0] * canonical.n_nodes
    worth = {"nor_conv_3x3": 1.0, "nor_conv_1x1": 0.6, "avg_pool_3x3": 0.2}
    for i, j in canonical.edges:
        depth[j] = max(depth[j], depth[i] + worth.get(canonical.ops[j], 0.0))
    total = sum(worth.get(op, 0.0) for op in canonical.ops)
    return 90.0 - 80.0 * float(np.exp(-depth[-1] - 0.3 * total))


def values(graphs: list[ArchGraph]) -> NDArray[np.float64]:
    """`value` of each graph."""
    return np.array([value(graph) for graph in graphs])


def relabelled(graph: ArchGraph, seed: int) -> ArchGraph:
    """The same graph of one cell with its inner nodes in another topological order."""
    rng = np.random.default_rng(seed)
    before = graph.predecessors()
    placed: list[int] = [0]
    while len(placed) < graph.n_nodes:
        ready = [
            k
            for k in range(graph.n_nodes)
            if k not in placed and set(before[k]) <= set(placed) and (k < graph.n_nodes - 1 or len(placed) == k)
        ]
        placed.append(ready[rng.integers(len(ready))])
    position = {k: p for p, k in enumerate(placed)}
    return ArchGraph(
        ops=tuple(graph.ops[k] for k in placed), edges=tuple((position[i], position[j]) for i, j in graph.edges)
    )
