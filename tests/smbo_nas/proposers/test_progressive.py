from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from smbo_nas.proposers import Elite, ProgressiveProposer
from smbo_nas.spaces import DARTSSpace, NASBench101Space, PNASSpace, SpaceError

SPACE = PNASSpace(blocks=3, ops=("conv", "pool"), min_blocks=1)
ONE_BLOCK = list(SPACE.expansions())


def digests(elites: list[Elite]) -> frozenset[str]:
    return frozenset(SPACE.graph(elite.params).digest for elite in elites)


def grow(measured: list[Elite], beam: int) -> list[Elite]:
    """Measures one architecture of the pool."""
    proposer, rng = ProgressiveProposer(beam=beam), np.random.default_rng(len(measured))
    pool = proposer.pool(SPACE, measured, digests(measured), rng)
    assert not set(pool.digests) & digests(measured)
    return [*measured, Elite(pool.params[rng.integers(len(pool.params))], float(rng.random()))]


def test_it_begins_with_the_smallest_and_draws_each_once() -> None:
    drawn = list(islice(ProgressiveProposer().draws(SPACE, frozenset(), np.random.default_rng(0)), len(ONE_BLOCK)))
    assert sorted(map(str, drawn)) == sorted(map(str, ONE_BLOCK))
    assert drawn != ONE_BLOCK
    pool = ProgressiveProposer().pool(SPACE, [], frozenset(), np.random.default_rng(0))
    assert {SPACE.blocks(params) for params in pool.params} == {1}


def test_draws_go_on_at_random_when_the_smallest_are_used_up() -> None:
    seen = frozenset(SPACE.graph(params).digest for params in ONE_BLOCK)
    drawn = list(islice(ProgressiveProposer().draws(SPACE, seen, np.random.default_rng(0)), 30))
    assert {SPACE.blocks(params) for params in drawn} == {1, 2, 3}


def test_a_full_beam_is_expanded_by_one_block() -> None:
    measured: list[Elite] = []
    for _ in range(12):
        measured = grow(measured, beam=4)
    assert [SPACE.blocks(elite.params) for elite in measured] == [1] * 4 + [2] * 4 + [3] * 4


def test_what_was_measured_before_counts_for_the_beam_of_its_size() -> None:
    """Two of three blocks: none of these is left to train, so two of one and two of two blocks come first."""
    rng = np.random.default_rng(0)
    measured = [Elite(SPACE.sample(rng) | {"blocks": "3"}, 1.0) for _ in range(2)]
    for _ in range(4):
        measured = grow(measured, beam=2)
    assert [SPACE.blocks(elite.params) for elite in measured] == [3, 3, 1, 1, 2, 2]


def test_the_neighbours_of_the_best_are_next_after_the_last_beam() -> None:
    """One of each size is known, the one of two blocks the best."""
    measured = [Elite(SPACE.sample(np.random.default_rng(b)) | {"blocks": str(b)}, float(b == 2)) for b in (1, 2, 3)]
    proposer = ProgressiveProposer(beam=1, elites=1, candidates=10_000)
    pool = proposer.pool(SPACE, measured, digests(measured), np.random.default_rng(0))
    neighbours = {SPACE.graph(params).digest for params in SPACE.neighbours(measured[1].params)}
    assert set(pool.digests) == neighbours - digests(measured)
    assert {SPACE.blocks(params) for params in pool.params} == {1, 2, 3}
    few = ProgressiveProposer(beam=1, candidates=5).pool(SPACE, measured, digests(measured), np.random.default_rng(0))
    assert 0 < len(few.params) <= 5


def test_only_the_best_are_expanded() -> None:
    measured = [Elite(params, float(k)) for k, params in enumerate(ONE_BLOCK)]
    pool = ProgressiveProposer(beam=1, candidates=10_000).pool(SPACE, measured, frozenset(), np.random.default_rng(0))
    best = {name: choice for name, choice in ONE_BLOCK[-1].items() if name.startswith("block_1")}
    assert all(best.items() <= params.items() for params in pool.params)
    assert set(pool.digests) == {SPACE.graph(larger).digest for larger in SPACE.expansions(ONE_BLOCK[-1])}


def test_a_level_that_is_used_up_is_left_before_the_beam_is_full() -> None:
    measured = [Elite(params, float(k)) for k, params in enumerate(ONE_BLOCK)]
    pool = ProgressiveProposer(beam=100).pool(SPACE, measured, digests(measured), np.random.default_rng(0))
    assert {SPACE.blocks(params) for params in pool.params} == {2}


def test_smaller_ones_are_left_where_nothing_larger_is() -> None:
    """All of one block are known, none with a value."""
    seen = frozenset(SPACE.graph(params).digest for params in ONE_BLOCK)
    assert ProgressiveProposer().pool(SPACE, [], seen, np.random.default_rng(0)).params == ()


def test_many_expansions_are_thinned_out() -> None:
    space = NASBench101Space()
    rng = np.random.default_rng(0)
    measured = [Elite(params, 0.0) for params in space.expansions()]
    proposer = ProgressiveProposer(beam=6, candidates=20)
    seen = frozenset(space.graph(elite.params).digest for elite in measured)
    assert 0 < len(proposer.pool(space, measured, seen, rng).params) <= 20


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="`beam` must be at least 1, but got 0"):
        ProgressiveProposer(beam=0)
    with pytest.raises(ValueError, match="`elites` must be at least 1, but got 0"):
        ProgressiveProposer(elites=0)
    with pytest.raises(ValueError, match="`candidates` must be at least 1, but got 0"):
        ProgressiveProposer(candidates=0)
    with pytest.raises(SpaceError, match="darts does not say what a smaller architecture is"):
        ProgressiveProposer().pool(DARTSSpace(), [], frozenset(), np.random.default_rng(0))
