from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import kendalltau

from predictors.architecture.inputs import Described
from predictors.architecture.nao import Improved, NAOPredictor
from predictors.architecture.sequence_ensemble import reordered
from predictors.graph import ArchGraph
from predictors.persistence import load, save
from tests.predictors.architecture.graphs import EDGES, cell, random_cells, relabelled, values
from tests.strategies import arch_graphs, seeds

SEEN = random_cells(60)
NEW = [graph for graph in random_cells(120, seed=1) if graph not in SEEN]


@pytest.fixture(scope="module")
def fitted() -> NAOPredictor:
    return NAOPredictor(members=2, hidden=64, steps=300, trade_off=0.6, random_state=0).fit(SEEN, values(SEEN))


def test_unseen_cells_are_ranked_and_isomorphic_ones_alike(fitted: NAOPredictor) -> None:
    mean, std = fitted.predict(NEW, return_std=True)
    assert kendalltau(mean, values(NEW)).statistic > 0.6
    assert (std > 0).all()
    np.testing.assert_array_equal(mean, fitted.predict([relabelled(graph, 1) for graph in NEW]))
    assert kendalltau(fitted.held_out_.mean, values(SEEN)).statistic > 0.5


def test_unseen_cells_are_reconstructed(fitted: NAOPredictor) -> None:
    embeddings = fitted.encode(NEW)
    assert embeddings.shape == (len(NEW), 2 * 19 * 64)
    assert np.mean([a == b for a, b in zip(fitted.decode(embeddings), NEW, strict=True)]) > 0.8


def test_whatever_is_decoded_has_the_layout(fitted: NAOPredictor) -> None:
    noise = np.random.default_rng(0).standard_normal((50, fitted.encode(NEW[:1]).shape[1]))
    decoded = [graph for graph in fitted.decode(noise) if graph is not None]
    assert len(decoded) == 50
    assert {graph.edges for graph in decoded} == {EDGES}
    assert fitted.decode(noise, is_member=lambda graph: graph == decoded[0])[0] == decoded[0]
    assert fitted.decode(noise, is_member=lambda _: False) == [None] * 50
    assert fitted.decode(noise[:0]) == []


def test_a_step_up_the_gradient_leads_to_better_new_cells(fitted: NAOPredictor) -> None:
    starts = sorted(SEEN, key=lambda graph: values([graph])[0])[10:30]
    improved = fitted.improve(starts)
    found = [graph for graph in improved.graphs if graph is not None]
    assert len(found) == len(improved.graphs) == 20
    assert improved.valid == 1.0
    new = {graph.digest for graph in found} - {graph.digest for graph in SEEN}
    assert improved.new == len(new) / 20 > 0.5
    assert (values(found) > values(starts)).mean() > 0.8


def test_what_is_no_member_is_left_out_and_counted(fitted: NAOPredictor) -> None:
    improved = fitted.improve(NEW[:20], is_member=lambda graph: graph.ops[1] == "nor_conv_3x3")
    assert all(graph is None or graph.ops[1] == "nor_conv_3x3" for graph in improved.graphs)
    assert 0.0 < improved.valid < 1.0
    assert fitted.improve(NEW[:3], is_member=lambda _: False) == Improved([None] * 3, 0.0, 0.0)
    assert fitted.improve([]) == Improved([], 0.0, 0.0)


def test_saved_and_loaded_it_moves_through_the_space_as_before(fitted: NAOPredictor, tmp_path: Path) -> None:
    save(fitted, tmp_path)
    loaded = load(tmp_path)
    assert isinstance(loaded, NAOPredictor)
    np.testing.assert_array_equal(loaded.predict(NEW), fitted.predict(NEW))
    assert loaded.improve(NEW[:5]) == fitted.improve(NEW[:5])


def test_numbers_that_ride_along_stay_as_they_are() -> None:
    graphs = random_cells(30)
    numbers = np.random.default_rng(0).standard_normal(30)
    rows = [Described(graph, (("lr", x),)) for graph, x in zip(graphs, numbers, strict=True)]
    predictor = NAOPredictor(members=2, hidden=16, steps=150, random_state=0).fit(rows[:25], numbers[:25])
    assert kendalltau(predictor.predict(rows), numbers).statistic > 0.6
    assert len(predictor.improve(rows[25:], steps=2).graphs) == 5


def test_it_is_repeatable_and_one_observation_is_enough() -> None:
    graphs, lone = random_cells(12), random_cells(1)
    first, second = (
        NAOPredictor(members=2, hidden=8, steps=20, random_state=3).fit(graphs, values(graphs)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.encode(graphs), second.encode(graphs))
    assert first.improve(graphs) == second.improve(graphs)
    predictor = NAOPredictor(members=2, hidden=8, steps=5, random_state=0).fit(lone, [1.0])
    assert predictor.decode(predictor.encode(lone)) == lone
    assert predictor.improve(lone).new == 0.0


@given(arch_graphs(), seeds)
@settings(max_examples=100, deadline=None)
def test_another_order_is_the_same_architecture(graph: ArchGraph, seed: int) -> None:
    other = reordered(graph, np.random.default_rng(seed))
    assert other.digest == graph.digest
    assert sorted(other.ops) == sorted(graph.ops)


def test_bad_arguments_are_named(fitted: NAOPredictor) -> None:
    with pytest.raises(ValueError, match="`trade_off` must be between 0 and 1, but got 2"):
        NAOPredictor(trade_off=2.0).fit(SEEN, values(SEEN))
    with pytest.raises(ValueError, match=r"`embeddings` must be \(n, 2432\), but have shape \(1, 3\)"):
        fitted.decode(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="`steps` must be at least 1 and `step` positive, but got 0 and"):
        fitted.improve(NEW, steps=0)
    longer = cell(*["none"] * 6)
    longer = ArchGraph(ops=longer.ops, edges=(*longer.edges, (0, 7)))
    with pytest.raises(ValueError, match="at most 19 tokens, as those of `fit`, but one has 20"):
        fitted.encode([longer])
