from __future__ import annotations

from itertools import pairwise
from math import log, log1p

import networkx as nx
import numpy as np

from predictors.encodings.dense import DenseEncoder
from predictors.graph import IDENTITY_OPS, ArchGraph, is_input
from tests.predictors.architecture.graphs import OPS, random_cells


def flow_of(graph: ArchGraph) -> np.ndarray:
    """The features as the encoder makes them, without its scale."""
    encoder = DenseEncoder(OPS).fit([graph])
    return encoder.transform([graph]).features[0, :, -4:].double().numpy() * np.array(encoder.flow_)


def test_depths_and_numbers_of_paths_are_those_that_networkx_counts() -> None:
    for graph in random_cells(30):
        live = [k for k in range(graph.n_nodes) if graph.live[k]]
        network = nx.DiGraph([(i, j) for i, j in graph.edges if graph.live[i] and graph.live[j]])
        last = graph.n_nodes - 1
        expected = np.zeros((graph.n_nodes, 4))
        for k in live:
            before = list(nx.all_simple_paths(network, 0, k)) or [[0]]
            after = list(nx.all_simple_paths(network, k, last)) or [[last]]
            counts = [op not in IDENTITY_OPS and op != "output" and not is_input(op) for op in graph.ops]
            longest = [max(sum(counts[i] for i in path) for path in paths) for paths in (before, after)]
            expected[k] = [*longest, log1p(len(before)), log1p(len(after))]
        np.testing.assert_allclose(flow_of(graph), expected, atol=1e-5)


def test_a_thousand_skips_do_not_overflow() -> None:
    chain = [(k, k + 1) for k in range(1000)] * 2
    graph = ArchGraph(ops=("input", *["a"] * 999, "output"), edges=tuple(chain))
    features = flow_of(graph)
    assert np.isfinite(features).all()
    assert abs(features[10, 2] - log(1 + 2.0**10)) < 1e-3
    assert all(a <= b for a, b in pairwise(features[:, 0]))
