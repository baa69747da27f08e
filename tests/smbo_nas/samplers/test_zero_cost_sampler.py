from __future__ import annotations

import math

import pytest

from predictors.graph import ArchGraph
from smbo_nas.samplers import ZeroCostSampler
from smbo_nas.spaces import DARTSSpace, SpaceError
from tests.smbo_nas.samplers.strategies import SMALL, SPACE, run


def nodes(graph: ArchGraph) -> float:
    return float(len(graph.canonical().ops))


def test_what_scores_best_is_trained_first() -> None:
    study = run(SMALL, ZeroCostSampler(SMALL, nodes, n_candidates=None, seed=0), len(SMALL.classes))
    scores = [nodes(SMALL.graph(t.params)) for t in study.trials]
    assert scores == sorted((nodes(c.graph) for c in SMALL.classes.values()), reverse=True)


def test_a_score_that_is_not_defined_comes_last() -> None:
    def score(graph: ArchGraph) -> float:
        return math.nan if "conv_3x3" in graph.canonical().ops else 1.0

    n = len(SMALL.classes)
    study = run(SMALL, ZeroCostSampler(SMALL, score, n_candidates=None, seed=0), n)
    undefined = [math.isnan(score(SMALL.graph(t.params))) for t in study.trials]
    assert undefined == sorted(undefined)
    assert any(undefined)


def test_every_candidate_is_scored_once_whatever_is_trained() -> None:
    scored: list[str] = []

    def score(graph: ArchGraph) -> float:
        scored.append(graph.digest)
        return nodes(graph)

    sampler = ZeroCostSampler(SPACE, score, n_candidates=20, seed=0)
    first, again = run(SPACE, sampler, 25), run(SPACE, sampler, 5)
    assert len(scored) == len(set(scored)) == 20
    assert {SPACE.graph(t.params).digest for t in first.trials[:20]} == set(scored)
    assert [t.params for t in again.trials] == [t.params for t in first.trials[:5]]


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`n_candidates` must be at least 1 or None, but got 0"):
        ZeroCostSampler(SPACE, nodes, n_candidates=0)
    with pytest.raises(SpaceError, match="settings"):
        run(DARTSSpace(), ZeroCostSampler(DARTSSpace(), nodes, n_candidates=None), 1)
