from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np
import pytest

from smbo_nas.spaces import NASBench101Space, Params, SpaceError

CONV3, CONV1, POOL = NASBench101Space.ops

# The README's example of github.com/google-research/nasbench: an Inception-like cell
INCEPTION = [
    [0, 1, 1, 1, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 0, 0, 0],
]
INCEPTION_OPS = ["input", CONV1, CONV3, CONV3, CONV3, POOL, "output"]

DISTINCT_CELLS = {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082}
"""Distinct cells by number of vertices in use; together 423,624, as published (Ying et al. 2019, sec. 2.1)."""


def whole_cells(vertices: int, max_edges: int) -> Iterator[list[tuple[int, int]]]:
    """The edges of every cell, in any node order, all of whose vertices are on a path from input to output."""
    pairs = list(itertools.combinations(range(vertices), 2))
    masks = np.arange(2 ** len(pairs), dtype=np.uint32)
    has = {pair: (masks >> np.uint32(k)) & 1 == 1 for k, pair in enumerate(pairs)}
    whole = np.bitwise_count(masks) <= max_edges
    for k in range(vertices):  # in a topological order, one edge in and one out put a vertex on a path
        if k > 0:
            whole &= np.any([has[i, k] for i in range(k)], axis=0)
        if k < vertices - 1:
            whole &= np.any([has[k, j] for j in range(k + 1, vertices)], axis=0)
    for mask in masks[whole].tolist():
        yield [pair for k, pair in enumerate(pairs) if mask >> k & 1]


def as_params(edges: list[tuple[int, int]], ops: tuple[str, ...]) -> Params:
    params = {f"op_{k}": op for k, op in enumerate(ops, 1)}
    for j in range(1, len(ops) + 2):
        params[f"inputs_{j}"] = ",".join(str(i) for i, target in edges if target == j)
    return params


def count_distinct(vertices: int) -> int:
    """Distinct digests over every labelling of one cell of each shape."""
    space = NASBench101Space(vertices=vertices)
    shapes: dict[str, list[tuple[int, int]]] = {}
    for edges in whole_cells(vertices, space.max_edges):
        shapes.setdefault(space.graph(as_params(edges, (CONV3,) * (vertices - 2))).digest, edges)
    labels = itertools.product(space.ops, repeat=vertices - 2)
    cells = itertools.product(shapes.values(), list(labels))
    return len({space.graph(as_params(edges, ops)).digest for edges, ops in cells})


def test_published_size() -> None:
    # Ying et al. 2019, sec. 2.1: "2^21 possible matrices and 3^5 possible labels ... ~510M"
    assert NASBench101Space().size == 2**21 * 3**5 == 509_607_936


@pytest.mark.parametrize("vertices", [2, 3, 4, 5])
def test_distinct_cells_up_to_five_vertices(vertices: int) -> None:
    assert count_distinct(vertices) == DISTINCT_CELLS[vertices]


@pytest.mark.slow
def test_all_distinct_cells() -> None:
    counts = {vertices: count_distinct(vertices) for vertices in DISTINCT_CELLS}
    assert counts == DISTINCT_CELLS
    assert sum(counts.values()) == 423_624


@pytest.mark.parametrize("vertices", [2, 3, 4])
def test_a_larger_space_holds_the_smaller_cells(vertices: int) -> None:
    expected = sum(count for v, count in DISTINCT_CELLS.items() if v <= vertices)
    assert len(NASBench101Space(vertices=vertices).classes) == expected


def test_the_example_of_the_benchmark() -> None:
    space = NASBench101Space()
    params = space.from_matrix(INCEPTION, INCEPTION_OPS)
    assert params["inputs_6"] == "1,2,4,5"
    assert params["op_1"] == CONV1
    graph = space.graph(params).canonical()
    assert sorted(graph.ops) == sorted(["input", CONV1, CONV3, CONV3, CONV3, POOL, "concat", "output"])
    branches = [("input", CONV1), ("input", CONV3), ("input", CONV3), ("input", POOL), (CONV3, CONV3)]
    joins = [(CONV1, "concat"), (CONV3, "concat"), (CONV3, "concat"), (POOL, "concat"), ("concat", "output")]
    assert sorted((graph.ops[i], graph.ops[j]) for i, j in graph.edges) == sorted(branches + joins)


def test_vertices_that_lead_nowhere_are_pruned() -> None:
    space = NASBench101Space()
    whole = space.from_matrix(np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]]).tolist(), ["input", POOL, "output"])
    dangling = np.zeros((7, 7), dtype=int)
    for i, j in [(0, 1), (0, 3), (1, 2), (0, 6), (3, 6), (4, 5), (4, 6)]:  # 1 and 2 lead nowhere, 4 and 5 take nothing
        dangling[i, j] = 1
    other = space.from_matrix(dangling.tolist(), ["input", CONV3, CONV3, POOL, CONV1, CONV1, "output"])
    assert space.graph(whole).digest == space.graph(other).digest
    assert space.graph(whole).canonical().ops == ("input", POOL, "output")


def test_only_edges_in_use_count() -> None:
    space = NASBench101Space(vertices=5, max_edges=2)
    params = space.from_matrix([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", CONV3, "output"])
    assert space.is_valid({**params, "inputs_2": "0,1", "inputs_3": "0,1,2"})
    assert space.why_invalid({**params, "inputs_4": "0,1"}) == "3 edges are in use, more than 2"
    assert space.why_invalid({**params, "inputs_1": "none"}) == "the output is not connected to the input"


def test_the_input_is_added_to_the_output() -> None:
    space = NASBench101Space(vertices=4)
    edges = [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]
    graph = space.graph(as_params(edges, (CONV3, CONV1)))
    assert graph.ops == ("input", CONV3, CONV1, "concat", "output")
    assert graph.edges == ((0, 1), (0, 2), (0, 4), (1, 3), (2, 3), (3, 4))


@pytest.mark.parametrize(
    ("matrix", "ops", "message"),
    [
        ([[0, 1], [0, 0]], ["input", CONV3, "output"], "`matrix` must be square, of 2 to 7 vertices"),
        ([[0, 1], [0]], ["input", "output"], "`matrix` must be square"),
        ([[0]], ["input"], "`matrix` must be square"),
        (np.zeros((8, 8), dtype=int).tolist(), ["input", *[CONV3] * 6, "output"], "`matrix` must be square"),
        ([[0, 1, 0], [0, 1, 1], [0, 0, 0]], ["input", CONV3, "output"], "`matrix` must be upper triangular."),
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv5x5", "output"], "but got 'conv5x5'."),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], ["input", CONV3, "output"], "the output is not connected to the input."),
        (np.triu(np.ones((6, 6), dtype=int), 1).tolist(), ["input", *[CONV3] * 4, "output"], "15 edges are in use"),
    ],
)
def test_says_what_is_wrong_with_a_matrix(matrix: list[list[int]], ops: list[str], message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        NASBench101Space().from_matrix(matrix, ops)
