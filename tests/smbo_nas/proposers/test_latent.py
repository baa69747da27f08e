from __future__ import annotations

import numpy as np
import pytest

from predictors.architecture import GraphGP, NAOPredictor
from smbo_nas.proposers import Elite, LatentProposer
from smbo_nas.spaces import DARTSSpace, NASBench101Space, NASBench201Space, SearchSpace


def measured_in(space: SearchSpace, n: int = 12) -> list[Elite]:
    rng = np.random.default_rng(0)
    points = [space.sample(rng) for _ in range(n)]
    return [Elite(p, float(sum("3x3" in op for op in space.graph(p).ops))) for p in points]


def fitted(space: SearchSpace, measured: list[Elite]) -> NAOPredictor:
    graphs = [space.graph(elite.params) for elite in measured]
    return NAOPredictor(members=2, hidden=8, steps=20, random_state=0).fit(graphs, [e.value for e in measured])


@pytest.mark.parametrize("space", [NASBench201Space(), NASBench101Space(), DARTSSpace(nodes=1)], ids=lambda s: s.name)
def test_it_proposes_new_members_of_the_space(space: SearchSpace) -> None:
    measured = measured_in(space)
    predictor = fitted(space, measured)
    seen = frozenset(space.graph(elite.params).digest for elite in measured)
    first, second = (
        LatentProposer(elites=3, steps=3, least=8).pool(space, measured, seen, np.random.default_rng(0), predictor)
        for _ in range(2)
    )
    assert first == second
    assert len(first.params) >= 8
    assert len(set(first.digests)) == len(first.digests)
    assert not set(first.digests) & seen
    assert all(space.is_valid(params) for params in first.params)


def test_climbing_is_what_decides() -> None:
    """Candidates are those that `improve` decodes, and not only what fills up."""
    space = NASBench201Space()
    measured = measured_in(space)
    predictor = fitted(space, measured)
    seen = frozenset(space.graph(elite.params).digest for elite in measured)
    pool = LatentProposer(elites=12, least=1).pool(space, measured, seen, np.random.default_rng(0), predictor)
    improved = predictor.improve([space.graph(e.params) for e in measured], is_member=lambda g: g.digest not in seen)
    decoded = {graph.digest for graph in improved.graphs if graph is not None}
    assert len(set(pool.digests) & decoded) >= 2


def test_mutations_fill_up_where_nothing_is_decoded() -> None:
    space = NASBench201Space()
    measured = measured_in(space)
    pool = LatentProposer(least=6).pool(space, measured, frozenset(), np.random.default_rng(0))
    assert len(pool.params) == 6
    assert len(LatentProposer(least=6).pool(space, [], frozenset(), np.random.default_rng(0)).params) == 6


def test_bad_arguments() -> None:
    space = NASBench201Space()
    measured = measured_in(space, 3)
    gp = GraphGP().fit([space.graph(e.params) for e in measured], [e.value for e in measured])
    with pytest.raises(TypeError, match="LatentProposer needs a NAOPredictor to climb in, but got GraphGP"):
        LatentProposer().pool(space, measured, frozenset(), np.random.default_rng(0), gp)
    with pytest.raises(ValueError, match="`elites` must be positive, but got 0"):
        LatentProposer(elites=0)
    with pytest.raises(ValueError, match="`step` must be positive, but got 0"):
        LatentProposer(step=0)
