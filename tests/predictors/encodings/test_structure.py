from __future__ import annotations

from itertools import product
from math import log1p

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.encodings.structure import GROUPS, MAX_PATHS, StructureEncoder, structure
from predictors.graph import ArchGraph
from tests.predictors.architecture.graphs import cell, random_cells, relabelled

DIAMOND = ArchGraph(
    ops=("input", "a", "skip_connect", "b", "none", "output"),
    edges=((0, 1), (0, 2), (0, 4), (1, 3), (2, 3), (2, 5), (3, 5), (4, 5)),
)


def test_what_is_counted() -> None:
    found = structure(DIAMOND)
    assert found["paths"] == {(0, ("input",)): 1, (0, ("input", "b")): 1, (0, ("input", "a", "b")): 1}
    assert found["shape"] == {(0, "a"): 1, (0, "b"): 1, "depth": 2, "paths": log1p(3)}


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_paths_are_those_networkx_finds(seed: int) -> None:
    graph = random_cells(1, seed)[0]
    alive = nx.DiGraph(graph.edges).subgraph([k for k, live in enumerate(graph.live) if live])
    expected: dict[tuple[int, tuple[str, ...]], int] = {}
    if graph.live[0]:
        for path in nx.all_simple_paths(alive, 0, graph.n_nodes - 1):
            key = (0, tuple(graph.ops[k] for k in path if graph.ops[k] not in ("output", "skip_connect")))
            expected[key] = expected.get(key, 0) + 1
    assert structure(graph)["paths"] == expected
    assert structure(graph)["shape"]["paths"] == log1p(sum(expected.values()))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_isomorphic_graphs_are_equal(seed: int) -> None:
    graph = random_cells(1, seed)[0]
    for same in (relabelled(graph, seed), graph.canonical()):
        for group in GROUPS:
            assert structure(same)[group] == structure(graph)[group], group


def test_many_paths_are_capped_but_counted() -> None:
    n = 16  # input, then n layers of two operations each: 2^n paths
    ops, edges, last = ["input"], [], [0]
    for _ in range(n):
        k = len(ops)
        ops += ["a", "b", "add"]
        edges += [(last[0], k), (last[0], k + 1), (k, k + 2), (k + 1, k + 2)]
        last = [k + 2]
    graph = ArchGraph(ops=(*ops, "output"), edges=(*edges, (last[0], len(ops))))
    found = structure(graph)
    assert len(found["paths"]) == MAX_PATHS < 2**n
    assert found["shape"]["paths"] == pytest.approx(log1p(2**n))
    assert found["shape"]["depth"] == n


def test_distances_are_exact_also_for_what_fit_has_not_seen() -> None:
    known = [cell(*ops, "none", "none", "none", "none") for ops in product(("nor_conv_3x3", "none"), repeat=2)]
    new = random_cells(20, seed=1)
    encoder, oracle = StructureEncoder().fit(known), StructureEncoder().fit(known + new)
    for group in GROUPS:
        a, b = encoder.transform(known)[group], encoder.transform(new)[group]
        c, d = oracle.transform(known)[group], oracle.transform(new)[group]
        np.testing.assert_allclose(
            np.linalg.norm(a[:, None] - b[None], axis=2), np.linalg.norm(c[:, None] - d[None], axis=2), atol=1e-12
        )


def test_cells_are_told_apart() -> None:
    def pair(first: str, second: str) -> ArchGraph:
        ops = ("input", first, "output", "input", second, "output")
        return ArchGraph(ops=ops, edges=((0, 1), (1, 2), (3, 4), (4, 5)), cell=(0, 0, 0, 1, 1, 1))

    features = StructureEncoder().fit([pair("a", "b")]).transform([pair("a", "b"), pair("b", "a")])
    for group in GROUPS:
        assert not np.array_equal(features[group][0], features[group][1]), group
