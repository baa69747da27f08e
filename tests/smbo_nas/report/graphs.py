"""Architectures of the shapes that the spaces make."""

from __future__ import annotations

import numpy as np

from predictors.graph import ArchGraph
from smbo_nas.spaces.nasbench201 import NASBench201Space

_DARTS_OPS = ("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "max_pool_3x3", "avg_pool_3x3", "skip_connect")


def nasbench201(rng: np.random.Generator) -> ArchGraph:
    """A random cell of NAS-Bench-201."""
    space = NASBench201Space()
    return space.graph(space.sample(rng))


def nasbench101(rng: np.random.Generator) -> ArchGraph:
    """A random graph on seven nodes, with dead ones and repeated edges left in."""
    ops = ["input", *rng.choice(["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"], 5), "output"]
    pairs = [(i, j) for j in range(7) for i in range(j)]
    chosen = [pairs[k] for k in rng.choice(len(pairs), 10)]
    return ArchGraph(ops=tuple(map(str, ops)), edges=tuple(chosen))


def darts(rng: np.random.Generator) -> ArchGraph:
    """A random normal and reduction cell, each of two inputs, eight operations, four sums and a concatenation."""
    ops: list[str] = []
    edges: list[tuple[int, int]] = []
    for _ in range(2):
        start = len(ops)
        ops += ["input_0", "input_1"]
        states = [start, start + 1]
        for _ in range(4):
            for source in rng.choice(states, 2, replace=False):
                edges.append((int(source), len(ops)))
                ops.append(_DARTS_OPS[rng.integers(len(_DARTS_OPS))])
            edges += [(len(ops) - 2, len(ops)), (len(ops) - 1, len(ops))]
            states.append(len(ops))
            ops.append("add")
        edges += [(state, len(ops)) for state in states[2:]]
        edges.append((len(ops), len(ops) + 1))
        ops += ["concat", "output"]
    half = len(ops) // 2
    return ArchGraph(ops=tuple(ops), edges=tuple(edges), cell=(0,) * half + (1,) * half)
