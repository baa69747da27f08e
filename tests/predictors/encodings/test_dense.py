from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.encodings.dense import DenseEncoder
from predictors.graph import ArchGraph, GraphError
from tests.predictors.architecture.graphs import OPS, random_cells

CHAIN = ArchGraph(ops=("input", "a", "output"), edges=((0, 1), (1, 2)))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_live_nodes_are_those_of_the_graph(seed: int) -> None:
    graphs = random_cells(20, seed)
    batch = DenseEncoder(OPS).fit(graphs).transform(graphs)
    assert batch.live.tolist() == [list(graph.live) for graph in graphs]


def test_features_are_one_hot_operations_and_zero_without_signal() -> None:
    dead = ArchGraph(ops=("input", "a", "b", "none", "output"), edges=((0, 1), (0, 2), (1, 4), (2, 3), (3, 4)))
    encoder = DenseEncoder().fit([dead])
    batch = encoder.transform([dead])
    assert encoder.ops_ == ("a", "b", "input", "none", "output")
    ops = batch.features[0, :, :5]
    assert ops.tolist() == [[0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0] * 5, [0] * 5, [0, 0, 0, 0, 1]]
    assert not batch.features[0, 2:4].any()
    assert batch.features.dtype == batch.adjacency.dtype == torch.float32


def test_adjacency_counts_repeated_edges() -> None:
    twice = ArchGraph(ops=("input", "a", "output"), edges=((0, 1), (1, 2), (1, 2)))
    batch = DenseEncoder().fit([twice]).transform([twice, CHAIN])
    assert batch.adjacency.tolist() == [[[0, 1, 0], [0, 0, 2], [0, 0, 0]], [[0, 1, 0], [0, 0, 1], [0, 0, 0]]]


def test_a_batch_is_padded_to_its_largest_graph() -> None:
    longer = ArchGraph(ops=("input", "a", "a", "output"), edges=((0, 1), (1, 2), (2, 3)))
    encoder = DenseEncoder().fit([CHAIN, longer])
    batch = encoder.transform([CHAIN, longer])
    assert batch.nodes.tolist() == [[True, True, True, False], [True] * 4]
    assert not batch.features[0, 3].any()
    assert not batch.adjacency[0, 3].any()
    assert encoder.transform([CHAIN]).features.shape == (1, 3, 3 + 4)


def test_attributes_are_standardised_and_cells_are_columns() -> None:
    two = ArchGraph(
        ops=("input", "a", "output", "input", "a", "output"),
        edges=((0, 1), (1, 2), (3, 4), (4, 5)),
        attributes=(("channels", (1.0, 2.0, 3.0, 1.0, 2.0, 3.0)),),
        cell=(0, 0, 0, 1, 1, 1),
    )
    encoder = DenseEncoder().fit([two])
    features = encoder.transform([two]).features[0]
    assert features.shape == (6, encoder.n_features) == (6, 3 + 2 + 1 + 4)
    assert features[:, 3:5].tolist() == [[1, 0]] * 3 + [[0, 1]] * 3
    assert features[:, 5].mean() == pytest.approx(0.0, abs=1e-6)
    assert features[:, 5].std(correction=0) == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(GraphError, match="attribute 'channels'"):
        encoder.transform([CHAIN])
    with pytest.raises(GraphError, match="2 cells, but the encoder was fitted on 1"):
        DenseEncoder().fit([CHAIN]).transform([ArchGraph(ops=two.ops, edges=two.edges, cell=two.cell)])


def test_an_unknown_operation_is_named_unless_expected() -> None:
    other = ArchGraph(ops=("input", "mystery", "output"), edges=((0, 1), (1, 2)))
    with pytest.raises(GraphError, match="unknown operation 'mystery'; the encoder was fitted on: a, input, output"):
        DenseEncoder().fit([CHAIN]).transform([other])
    assert DenseEncoder(["mystery"]).fit([CHAIN]).transform([other]).features.shape == (1, 3, 4 + 4)


def test_fit_transform_is_fit_and_transform() -> None:
    graphs = random_cells(6)
    encoder = DenseEncoder(OPS)
    batch = encoder.fit_transform(graphs)
    assert torch.equal(batch.features, DenseEncoder(OPS).fit(graphs).transform(graphs).features)
    assert batch.features[..., -4:].amax(dim=(0, 1)).tolist() == [1.0] * 4


def test_a_batch_can_be_sliced_and_may_be_empty() -> None:
    graphs = random_cells(6)
    encoder = DenseEncoder(OPS).fit(graphs)
    batch = encoder.transform(graphs)
    part = batch[torch.tensor([4, 1])]
    assert len(part) == 2
    assert torch.equal(part.features, encoder.transform([graphs[4], graphs[1]]).features)
    assert len(encoder.transform([])) == 0
    with pytest.raises(GraphError, match="at least one graph"):
        DenseEncoder().fit([])
