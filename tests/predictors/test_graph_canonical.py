from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pynauty
import pytest
from hypothesis import given, settings

from predictors.canonical import _canonical_rank
from predictors.graph import ArchGraph
from tests.isomorphism import coloured_graph, isomorphic, reduced
from tests.strategies import arch_graphs, relabelled, seeds


def graph(*ops: str, edges: str) -> ArchGraph:
    """A one-cell graph; `edges` as in "01 12 12"."""
    return ArchGraph(ops=("input", *ops, "output"), edges=tuple((int(e[0]), int(e[1])) for e in edges.split()))


PLAIN = graph("conv", edges="01 12")
RESIDUAL = graph("conv", edges="01 12 02")
TWO_CELLS = ArchGraph(
    ops=("input_0", "input_1", "conv", "output", "input_0", "pool", "output"),
    edges=((0, 2), (1, 2), (2, 3), (4, 5), (5, 6)),
    attributes=(("stride", (1, 1, 1, 1, 1, 2, 1)),),
    cell=(0, 0, 0, 0, 1, 1, 1),
)
WOVEN = graph("conv", "conv", "pool", "conv", "pool", "concat", edges="01 02 02 03 14 15 24 25 35 46 56 06 67 37")

# Stored studies find their duplicates by these: a change of the canonical form must be a decision, not an accident.
PINNED = {
    "d2da04748151ddcd9609c06903c53534": PLAIN,
    "bc0cf5cdf2f8060e2ac739cec5fc7767": RESIDUAL,
    "c198d9c463429efd17d11fc972a56332": TWO_CELLS,
    "76a6a6a9f15f29974178818acdb2ea7b": WOVEN,
}


@pytest.mark.parametrize(("digest", "graph"), PINNED.items())
def test_digest_is_pinned(digest: str, graph: ArchGraph) -> None:
    assert graph.digest == digest


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_digest_does_not_depend_on_the_process(hash_seed: str) -> None:
    code = (
        "import sys; from predictors.graph import ArchGraph; "
        "print(*(ArchGraph.from_json(text).digest for text in sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    texts = [graph.to_json() for graph in PINNED.values()]
    run = subprocess.run(
        [sys.executable, "-c", code, *texts], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == list(PINNED)


@settings(deadline=None, max_examples=100)
@given(arch_graphs(), seeds)
def test_canonical_form_does_not_depend_on_the_node_order(graph: ArchGraph, seed: int) -> None:
    other = relabelled(graph, np.random.default_rng(seed))
    assert other.canonical() == graph.canonical()
    assert other.digest == graph.digest


@settings(deadline=None, max_examples=100)
@given(arch_graphs())
def test_the_rank_is_that_of_pynautys_own_graph(graph: ArchGraph) -> None:
    pairs = list(dict.fromkeys(graph.edges))
    after = {i: [j for k, j in pairs if k == i] for i, _ in pairs}
    colours = [(op,) for op in graph.ops]
    classes = [{k for k, other in enumerate(colours) if other == colour} for colour in sorted(set(colours))]
    oracle = pynauty.Graph(len(colours), directed=True, adjacency_dict=after, vertex_coloring=classes)
    rank = _canonical_rank(colours, tuple(pairs))
    assert [rank[vertex] for vertex in pynauty.canon_label(oracle)] == list(range(len(colours)))


NEARLY_SYMMETRIC = {
    "but for an attribute": ArchGraph(
        ops=("input", "conv", "conv", "conv", "output"),
        edges=((0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)),
        attributes=(("width", (1, 1, 2, 3, 1)),),
    ),
    "but for a multiplicity": graph("conv", "conv", "conv", edges="01 01 02 02 02 03 03 03 03 14 24 34"),
    "but for what follows": graph("conv", "conv", "pool", "conv", edges="01 02 13 24 35 45"),
}


@pytest.mark.parametrize("graph", NEARLY_SYMMETRIC.values(), ids=NEARLY_SYMMETRIC)
def test_every_node_order_has_the_same_canonical_form(graph: ArchGraph) -> None:
    rng = np.random.default_rng(0)
    orders = {relabelled(graph, rng) for _ in range(60)}
    assert len(orders) == 6
    assert {order.canonical() for order in orders} == {graph.canonical()}


@settings(deadline=None, max_examples=100)
@given(arch_graphs())
def test_canonical_form_is_its_own(graph: ArchGraph) -> None:
    canonical = graph.canonical()
    again = ArchGraph.from_json(canonical.to_json())  # without the cached form
    assert again.canonical() == canonical
    assert again.digest == graph.digest


@settings(deadline=None, max_examples=150)
@given(arch_graphs())
def test_canonical_form_is_the_rewritten_graph(graph: ArchGraph) -> None:
    assert isomorphic(coloured_graph(graph.canonical()), reduced(coloured_graph(graph)))


@settings(deadline=None, max_examples=100)
@given(arch_graphs(max_inner=2, max_cells=1), arch_graphs(max_inner=2, max_cells=1))
def test_digests_agree_exactly_with_isomorphism(first: ArchGraph, second: ArchGraph) -> None:
    oracle = isomorphic(reduced(coloured_graph(first)), reduced(coloured_graph(second)))
    assert (first.digest == second.digest) == oracle


@settings(deadline=None, max_examples=100)
@given(arch_graphs())
def test_canonical_form_holds_no_more_than_the_live_part(graph: ArchGraph) -> None:
    canonical = graph.canonical()
    assert canonical.n_nodes <= graph.n_nodes
    assert set(canonical.ops) <= {*graph.ops, "add"} - {"none", "skip_connect", "identity"}
    ends = [op for op in graph.ops if op.startswith(("input", "output"))]
    assert sorted(op for op in canonical.ops if op.startswith(("input", "output"))) == sorted(ends)
    if canonical.live != (True,) * canonical.n_nodes:  # only inputs and outputs may stay without signal
        dead = {op for op, live in zip(canonical.ops, canonical.live, strict=True) if not live}
        assert all(op.startswith(("input", "output")) for op in dead)


SAME = {
    "a skip in series is nothing": (graph("conv", "skip_connect", edges="01 12 23"), PLAIN),
    "an identity is a skip": (graph("identity", edges="01 12"), graph("skip_connect", edges="01 12")),
    "a skip beside a convolution is a residual": (graph("conv", "skip_connect", edges="01 02 13 23"), RESIDUAL),
    "none carries nothing": (graph("conv", "none", edges="01 02 13 23"), PLAIN),
    "what follows none carries nothing": (graph("none", "pool", "conv", edges="01 12 24 03 34"), PLAIN),
    "what leads nowhere carries nothing": (graph("conv", "pool", edges="01 02 13"), PLAIN),
    "what takes nothing carries nothing": (graph("conv", "pool", edges="01 13 23"), PLAIN),
    "a sum of sums is one sum": (
        graph("conv", "pool", "add", "add", edges="01 02 13 23 34 04 45"),
        graph("conv", "pool", edges="01 02 13 23 03"),
    ),
    "a sum of x + x and x is three x": (
        graph("add", edges="01 01 12 02"),
        graph("add", edges="01 01 01 12"),
    ),
    "x + x through two skips": (
        graph("skip_connect", "skip_connect", edges="01 02 13 23"),
        graph("add", edges="01 01 12"),
    ),
    "a sum twice is each term twice": (
        graph("conv", "add", edges="01 12 02 23 23"),
        graph("conv", edges="01 12 12 02 02"),
    ),
    "a concatenation of one thing is that thing": (graph("conv", "concat", edges="01 12 23"), PLAIN),
    "a concatenation with dead things too": (graph("conv", "none", "concat", edges="01 02 13 23 34"), PLAIN),
    "a concatenation of one sum is that sum": (
        graph("conv", "pool", "add", "concat", "concat", edges="01 02 13 23 34 45 15 56"),
        graph("conv", "pool", "add", "concat", edges="01 02 13 23 34 14 45"),
    ),
    "a sum inside a concatenation by any name": (
        graph("conv", "skip_connect", "concat", edges="01 12 02 23 03 34"),
        graph("conv", "add", "concat", edges="01 12 02 23 03 34"),
    ),
    "a skip into a concatenation": (
        graph("conv", "skip_connect", "concat", edges="01 12 23 03 34"),
        graph("conv", "concat", edges="01 12 02 23"),
    ),
}

DIFFERENT = {
    "x + x is not x": (graph("skip_connect", "skip_connect", edges="01 02 13 23"), graph("add", edges="01 12")),
    "a doubled edge is not a single one": (graph("conv", edges="01 12 12"), PLAIN),
    "one shared convolution is not two": (graph("conv", edges="01 12 12"), graph("conv", "conv", edges="01 02 13 23")),
    "conv(x + x) is not conv(x)": (graph("conv", edges="01 01 12"), PLAIN),
    "a shared convolution below is not two": (
        graph("conv", "pool", "pool", edges="01 12 13 24 34"),
        graph("conv", "conv", "pool", "pool", edges="01 02 13 24 35 45"),
    ),
    "a concatenation is not a sum": (
        graph("conv", "concat", edges="01 02 12 23"),
        graph("conv", "add", edges="01 02 12 23"),
    ),
    "a sum inside a concatenation is not flattened": (
        graph("conv", "pool", "add", "concat", edges="01 02 13 23 34 04 45"),
        graph("conv", "pool", "concat", edges="01 02 13 23 03 34"),
    ),
    "x + x inside a concatenation is not x twice": (
        graph("conv", "add", "concat", edges="01 02 02 13 23 34"),
        graph("conv", "concat", edges="01 12 02 02 23"),
    ),
    "the operation counts": (PLAIN, graph("pool", edges="01 12")),
    "the order in series counts": (graph("conv", "pool", edges="01 12 23"), graph("pool", "conv", edges="01 12 23")),
    "which input feeds what counts": (
        ArchGraph(ops=("input_0", "input_1", "conv", "output"), edges=((0, 2), (2, 3))),
        ArchGraph(ops=("input_0", "input_1", "conv", "output"), edges=((1, 2), (2, 3))),
    ),
    "which cell holds what counts": (
        ArchGraph(("input", "conv", "output", "input", "output"), ((0, 1), (1, 2), (3, 4)), cell=(0, 0, 0, 1, 1)),
        ArchGraph(("input", "output", "input", "conv", "output"), ((0, 1), (2, 3), (3, 4)), cell=(0, 0, 1, 1, 1)),
    ),
    "an attribute counts": (
        ArchGraph(PLAIN.ops, PLAIN.edges, attributes=(("width", (1, 1, 1)),)),
        ArchGraph(PLAIN.ops, PLAIN.edges, attributes=(("width", (1, 2, 1)),)),
    ),
    "an attribute's name counts": (
        ArchGraph(PLAIN.ops, PLAIN.edges, attributes=(("width", (1, 1, 1)),)),
        ArchGraph(PLAIN.ops, PLAIN.edges, attributes=(("stride", (1, 1, 1)),)),
    ),
}


@pytest.mark.parametrize(("first", "second"), SAME.values(), ids=SAME)
def test_same(first: ArchGraph, second: ArchGraph) -> None:
    assert first.digest == second.digest


@pytest.mark.parametrize(("first", "second"), DIFFERENT.values(), ids=DIFFERENT)
def test_different(first: ArchGraph, second: ArchGraph) -> None:
    assert first.digest != second.digest


def test_the_order_of_attributes_and_edges_does_not_count() -> None:
    columns = (("width", (1, 2, 1)), ("stride", (2, 1, 1)))
    first = ArchGraph(RESIDUAL.ops, RESIDUAL.edges, attributes=columns)
    second = ArchGraph(RESIDUAL.ops, RESIDUAL.edges[::-1], attributes=columns[::-1])
    assert first == second


def test_an_empty_cell_keeps_its_ends() -> None:
    canonical = graph("none", "conv", edges="01 12 23").canonical()
    assert (canonical.ops, canonical.edges) == (("input", "output"), ())
