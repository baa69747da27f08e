from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from predictors import ranking
from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Described
from predictors.diversity import similarity
from predictors.graph import ArchGraph
from predictors.ranking import Ranked, Ranker
from tests.predictors.architecture.graphs import random_cells, relabelled, values
from tests.predictors.oracle import Oracle


def distinct_cells(n: int) -> list[ArchGraph]:
    found = list({graph.digest: graph for graph in random_cells(3 * n, seed=5)}.values())[:n]
    assert len(found) == n
    return found


@pytest.fixture
def oracle() -> Oracle:
    graphs = random_cells(60)
    return Oracle(random_state=0).fit(graphs, values(graphs))


def ranked(predictor: Oracle, graphs: Sequence[ArchGraph], chunk: int = 1000, **settings: object) -> list[Ranked]:
    ranker = Ranker(predictor, **settings)  # type: ignore[arg-type]
    for start in range(0, len(graphs), chunk):
        part = graphs[start : start + chunk]
        ranker.add(part, range(start, start + len(part)))
    assert ranker.count == len(graphs)
    return ranker.result()


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_best_of_the_list_whatever_the_chunks(oracle: Oracle, chunk: int) -> None:
    graphs = distinct_cells(100)
    mean, std = oracle.predict(graphs, return_std=True)
    order = np.argsort(-mean, kind="stable")[:12]
    found = ranked(oracle, graphs, chunk, top=12)
    assert [each.item for each in found] == order.tolist()
    assert [each.rank for each in found] == list(range(1, 13))
    assert [each.graph for each in found] == [graphs[k] for k in order]
    np.testing.assert_allclose([each.mean for each in found], mean[order])
    np.testing.assert_allclose([each.std for each in found], std[order])


def test_copies_are_one_candidate(oracle: Oracle) -> None:
    graphs = distinct_cells(40)
    once = ranked(oracle, graphs, top=10)
    copies = [relabelled(graph, seed) for seed in (1, 2) for graph in graphs]
    for chunk in (9, 1000):
        again = ranked(oracle, [*graphs, *copies], chunk, top=10)
        assert [each.item for each in again] == [each.item for each in once]
        np.testing.assert_allclose([each.p_top for each in again], [each.p_top for each in once], atol=1e-6)


def test_equal_graphs_with_other_columns_are_other_candidates() -> None:
    graphs = random_cells(30)
    rows = [Described(graph, (("rate", float(k)),)) for k, graph in enumerate(graphs)]
    oracle = Oracle().fit(rows, values(graphs))
    ranker = Ranker(oracle, top=5)
    ranker.add([Described(graphs[0], (("rate", float(k)),)) for k in (1, 20, 3, 20)])
    assert ranker.distinct == 3
    assert [dict(each.item.columns)["rate"] for each in ranker.result()] == [20, 3, 1]


@pytest.mark.parametrize("top", [1, 5, 30])
def test_probability_of_being_among_the_best(oracle: Oracle, top: int) -> None:
    """Against counting in a hundred thousand draws of the values of all candidates."""
    graphs = distinct_cells(120)
    found = ranked(oracle, graphs, top=top)
    draws = oracle.sample_scores(graphs, 20_000)
    best = np.argpartition(-draws, top - 1, axis=1)[:, :top]
    counted = np.bincount(best.ravel(), minlength=len(graphs)) / len(draws)
    np.testing.assert_allclose([each.p_top for each in found], [counted[each.item] for each in found], atol=0.06)


def test_a_list_shorter_than_the_top(oracle: Oracle) -> None:
    found = ranked(oracle, distinct_cells(3), top=5)
    assert [each.p_top for each in found] == [1.0] * 3
    assert ranked(oracle, [], top=5) == []


def test_a_sample_stands_for_a_long_list(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = distinct_cells(1200)
    exact = ranked(oracle, graphs * 2, top=10)
    monkeypatch.setattr(ranking, "_SAMPLE", 200)
    monkeypatch.setattr(ranking, "_LEAST_KEPT", 100)
    ranker = Ranker(oracle, top=10)
    for start in range(0, 2400, 100):
        ranker.add((graphs * 2)[start : start + 100], range(start, start + 100))
        assert len(ranker._sample) <= 200
    assert ranker.estimates
    assert ranker.distinct == pytest.approx(1200, rel=0.25)
    found = ranker.result()
    assert [each.item for each in found] == [each.item for each in exact]
    np.testing.assert_allclose([each.p_top for each in found], [each.p_top for each in exact], atol=0.12)


def test_a_diverse_choice_is_good_and_spread(oracle: Oracle) -> None:
    graphs = distinct_cells(300)
    plain, diverse = ranked(oracle, graphs, top=10), ranked(oracle, graphs, top=10, diverse=True)
    assert diverse[0].item == plain[0].item
    assert len({each.item for each in diverse}) == 10
    assert max(each.rank for each in diverse) <= 100

    def nearest(found: list[Ranked]) -> float:
        """How alike each is to the one most like it."""
        alike = similarity([*graphs, *(each.graph for each in found)])[-10:, -10:]
        return float((alike - np.eye(10)).max(axis=1).mean())

    assert nearest(diverse) < nearest(plain) - 0.08
    mean = oracle.predict_scores(graphs)[0]
    pool = np.sort(mean)[-100:]
    assert mean[[each.item for each in diverse]].mean() > pool.mean()


def test_what_a_real_predictor_says() -> None:
    graphs, new = random_cells(40), distinct_cells(60)
    gp = GraphGP(random_state=0).fit(graphs, values(graphs))
    ranker = Ranker(gp, top=60)
    ranker.add(new)
    found = ranker.result()
    assert {each.item for each in found} == set(new)
    assert [each.p_top for each in found] == [1.0] * 60
    ranker.add(distinct_cells(61)[60:])
    assert sum(each.p_top for each in ranker.result()) == pytest.approx(60, abs=1)


def test_bad_input(oracle: Oracle) -> None:
    with pytest.raises(ValueError, match="`top` must be at least 1, but got 0"):
        Ranker(oracle, top=0)
    with pytest.raises(ValueError, match="must have the columns"):
        Ranker(oracle).add([Described(random_cells(1)[0], (("rate", 1.0),))])
