from __future__ import annotations

import itertools
from collections import Counter
from math import log1p

import numpy as np
import pytest

from predictors.encodings.cells import Vocabulary, cell_batches
from predictors.encodings.statistics import GraphStatistics, cell_statistics, neighbourhoods
from predictors.graph import ArchGraph, GraphError
from smbo_nas.spaces.chain import ChainSpace
from smbo_nas.spaces.darts import DARTSSpace
from smbo_nas.spaces.nasbench101 import NASBench101Space
from tests.predictors.architecture.graphs import random_cells, relabelled

LABELS = ("input", "conv_3x3", "pool", "add", "concat", "output")
WORDS = Vocabulary(LABELS)
DIAMOND = ArchGraph(
    ops=("input", "conv_3x3", "pool", "conv_3x3", "output"), edges=((0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (3, 4))
)


def statistics_of(graph: ArchGraph) -> dict[str, list[float]]:
    """Of one cell; columns of operations: conv_3x3, pool, unknown, unknown convolution."""
    ((_, batch),) = cell_batches([graph], 0, WORDS, ())
    return {name: columns[0].tolist() for name, columns in cell_statistics(batch, WORDS).items()}


def all_paths(graph: ArchGraph) -> list[list[str]]:
    """Operations on each path from an input to the output, by listing them."""
    after: dict[int, list[int]] = {}
    for i, j in graph.edges:
        after.setdefault(i, []).append(j)

    def from_node(k: int) -> list[list[str]]:
        own = [] if graph.ops[k] in ("input", "add", "concat", "output") else [graph.ops[k]]
        if graph.ops[k] == "output":
            return [own]
        return [own + rest for j in after.get(k, ()) for rest in from_node(j)]

    return from_node(0)


def test_the_diamond_by_hand() -> None:
    found = statistics_of(DIAMOND)  # paths: conv conv, pool conv, pool
    assert found["min"] == [0.0, 0.0, 0.0, 1.0]  # conv_3x3, pool, convolutions, operations
    assert found["max"] == [2.0, 1.0, 2.0, 2.0]
    assert found["without"] == [log1p(1), log1p(1), log1p(1), 0.0]
    # From the output to the pool or the last convolution, and from there to either.
    assert found["walk"] == [0.5 * 0 + 0.5 * 1.5, 0.5 * 1 + 0.5 * 0.5, 0.75, 0.5 * 1 + 0.5 * 2]
    assert found["convolutions"][:3] == [log1p(1), log1p(1), log1p(1)]
    assert found["operations"] == [2.0, 1.0, 0.0, 0.0, 2.0, log1p(3)]
    assert found["through"][:2] == [log1p(1 + 2), log1p(2)]


def test_random_cells_by_listing_their_paths() -> None:
    for graph in random_cells(60, seed=3):
        form = graph.canonical()
        vocabulary = Vocabulary(tuple(sorted(set(form.ops))))
        ((_, batch),) = cell_batches([form], 0, vocabulary, ())
        found = cell_statistics(batch, vocabulary)
        paths = all_paths(form)
        labels = [
            op
            for op, computes in zip(vocabulary.labels, vocabulary.computes & vocabulary.known, strict=True)
            if computes
        ]
        for k, op in enumerate(labels):
            counts = [path.count(op) for path in paths] or [0]
            assert found["min"][0, k] == min(counts)
            assert found["max"][0, k] == max(counts)
            assert found["without"][0, k] == pytest.approx(log1p(sum(op not in path for path in paths)))
        convolutions = Counter(sum("conv" in op for op in path) for path in paths)
        for k, column in enumerate(found["convolutions"][0]):
            assert column == pytest.approx(log1p(convolutions[k]))
        assert found["operations"][0, -1] == pytest.approx(log1p(len(paths)))
        assert found["operations"][0, -2] == max(map(len, paths), default=0)


def test_concatenations_split_the_channels() -> None:
    graph = ArchGraph(
        ops=("input", "conv_3x3", "pool", "conv_3x3", "concat", "output"),
        edges=((0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 5), (4, 5)),
    )
    width = statistics_of(graph)["width"]
    assert width[:2] == [0.5 + 1.0, 0.5]
    assert width[4:6] == [0.25 + 1.0, 0.25]
    assert width[8:] == [7.0, 3.0, 2.0]  # edges, operations, what concatenations take


def test_ends_are_what_follows_the_input_and_stands_before_the_output() -> None:
    ends = statistics_of(DIAMOND)["ends"]
    n = len(WORDS)
    assert ends[:n] == [0, 1, 1, 0, 0, 0, 0, 0]
    assert ends[n : 2 * n] == [0, 1, 1, 0, 0, 0, 0, 0]
    assert ends[2 * n :] == [1, 1, 0, 0]


def test_neighbourhoods_are_equal_exactly_for_equal_multisets() -> None:
    graphs = [graph.canonical() for graph in random_cells(80, seed=1)]
    vocabulary = Vocabulary(tuple(sorted({op for graph in graphs for op in graph.ops})))
    seen: dict[int, tuple[str, ...]] = {}
    for which, batch in cell_batches(graphs, 0, vocabulary, ()):
        before, after = neighbourhoods(batch, vocabulary)
        for row, k in enumerate(which):
            graph = graphs[k]
            for node, op in enumerate(graph.ops):
                sources = tuple(sorted(graph.ops[i] for i, j in graph.edges if j == node))
                targets = tuple(sorted(graph.ops[j] for i, j in graph.edges if i == node))
                assert seen.setdefault(int(before[row, node]), (op, *sources)) == (op, *sources)
                assert seen.setdefault(int(after[row, node]), (op, *targets)) == (op, *targets)
    assert len(set(seen.values())) == len(seen)


def test_isomorphic_graphs_have_equal_statistics() -> None:
    graphs = random_cells(40)
    encoder = GraphStatistics()
    features = encoder.fit_transform(graphs)
    np.testing.assert_array_equal(encoder.transform([relabelled(graph, 1) for graph in graphs]), features)
    np.testing.assert_array_equal(encoder.transform(graphs), features)
    assert features.shape[1] == len(encoder.names_)


def test_what_the_batch_holds_does_not_matter() -> None:
    space = NASBench101Space()
    rng = np.random.default_rng(0)
    graphs = [space.graph(space.sample(rng)) for _ in range(60)]
    encoder = GraphStatistics().fit(graphs[:30])
    together = encoder.transform(graphs)
    apart = np.concatenate([encoder.transform([graph]) for graph in graphs])
    np.testing.assert_allclose(together, apart, atol=1e-12)


def test_what_fit_has_not_seen_shows_in_the_norms() -> None:
    """Distances to graphs of `fit` are those under an encoder that has seen all."""
    known = [ArchGraph(ops=("input", op, "output"), edges=((0, 1), (1, 2))) for op in ("a", "b")]
    new = [
        ArchGraph(ops=("input", *ops, "output"), edges=((0, 1), (1, 2), (2, 3)))
        for ops in itertools.product(("a", "conv_7x7"), repeat=2)
    ]
    encoder = GraphStatistics().fit(known)
    features = encoder.transform([*known, *new])
    assert len(np.unique(features.round(9), axis=0)) == len(features)
    assert not features[:2, -len(set(encoder.names_)) :].any()
    assert (features[2:, -len(set(encoder.names_)) :] > 0).any(axis=1).all()


@pytest.mark.parametrize("space", [DARTSSpace(), ChainSpace(layers=5), ChainSpace(layers=4, merge="concat")])
def test_other_spaces_are_told_apart(space: DARTSSpace | ChainSpace) -> None:
    rng = np.random.default_rng(0)
    graphs = list({graph.canonical(): graph for graph in (space.graph(space.sample(rng)) for _ in range(80))}.values())
    features = GraphStatistics().fit_transform(graphs)
    assert np.isfinite(features).all()
    assert len(np.unique(features.round(9), axis=0)) > 0.9 * len(graphs)


def test_attributes_count_their_nodes() -> None:
    graph = ArchGraph(
        ops=("input", "conv_3x3", "pool", "output"),
        edges=((0, 1), (0, 2), (1, 3), (2, 3)),
        attributes=(("width", (1.0, 4.0, 2.0, 1.0)),),
    )
    ((_, batch),) = cell_batches([graph], 0, WORDS, ("width",))
    found = cell_statistics(batch, WORDS)
    assert found["min"][0, -1] == 2.0
    assert found["max"][0, -1] == 4.0
    assert found["walk"][0, -1] == 3.0


def test_a_chain_of_many_skips_is_finite() -> None:
    n = 1200
    ops = ("input", *["conv_3x3"] * n, "output")
    edges = tuple((k, j) for k in range(n + 1) for j in (k + 1, k + 2) if j <= n + 1)
    features = GraphStatistics().fit_transform([ArchGraph(ops=ops, edges=edges), DIAMOND])
    assert np.isfinite(features).all()


def test_a_network_without_a_path_is_all_zeros() -> None:
    found = statistics_of(ArchGraph(ops=("input", "output"), edges=()))
    assert not any(any(columns) for columns in found.values())


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(GraphError, match="at least one graph"):
        GraphStatistics().fit([])
    two = ArchGraph(ops=("input", "output") * 2, edges=((0, 1), (2, 3)), cell=(0, 0, 1, 1))
    with pytest.raises(GraphError, match="more cells than the 1"):
        GraphStatistics().fit([DIAMOND]).transform([two])
    wide = ArchGraph(ops=DIAMOND.ops, edges=DIAMOND.edges, attributes=(("width", (1.0,) * 5),))
    with pytest.raises(GraphError, match="lacks the attribute 'width'"):
        GraphStatistics().fit([wide]).transform([DIAMOND])
