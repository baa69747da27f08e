from __future__ import annotations

import numpy as np
import pytest

from smbo_nas.proposers import Elite, EnumerateProposer, MutateProposer, default_proposer
from smbo_nas.spaces import CellSpace, DARTSSpace, NASBench201Space, SpaceError

SMALL = CellSpace(nodes=3, ops=("none", "skip_connect", "nor_conv_1x1"))


def test_enumerate_proposes_every_class_once_and_nothing_seen() -> None:
    digests = {SMALL.graph(params).digest for params in SMALL.enumerate()}
    seen = frozenset(sorted(digests)[:3])
    pool = EnumerateProposer().pool(SMALL, [], seen, np.random.default_rng(0))
    assert set(pool.digests) == digests - seen
    assert len(pool.digests) == len(set(pool.digests)) == len(pool.params)
    assert [SMALL.graph(p).digest for p in pool.params] == list(pool.digests)


def test_enumerate_refuses_a_space_too_large_to_list() -> None:
    with pytest.raises(SpaceError, match="more than"):
        EnumerateProposer().pool(DARTSSpace(), [], frozenset(), np.random.default_rng(0))


def test_mutate_proposes_new_classes_near_the_best() -> None:
    space = DARTSSpace()
    rng = np.random.default_rng(0)
    measured = [Elite(space.sample(rng), float(v)) for v in range(30)]
    seen = frozenset(space.graph(e.params).digest for e in measured)
    proposer = MutateProposer(elites=1, mutations=50, crossovers=0, randoms=0)
    pool = proposer.pool(space, measured, seen, rng)
    assert len(pool.digests) == len(set(pool.digests)) > 20
    assert not set(pool.digests) & seen
    best = measured[-1].params
    distances = [sum(p[k] != best[k] for k in best) for p in pool.params]
    assert min(distances) == 1
    assert np.mean(distances) < 4  # each mutation goes on with probability 1/2


def test_mutate_without_measurements_proposes_random_points() -> None:
    pool = MutateProposer(randoms=10).pool(DARTSSpace(), [], frozenset(), np.random.default_rng(0))
    assert len(pool.params) == 10


def test_mutate_is_repeatable() -> None:
    space = DARTSSpace()
    measured = [Elite(space.sample(np.random.default_rng(k)), 1.0) for k in range(5)]
    pools = [
        MutateProposer(mutations=20, crossovers=20, randoms=5).pool(
            space, measured, frozenset(), np.random.default_rng(7)
        )
        for _ in range(2)
    ]
    assert pools[0].params == pools[1].params


@pytest.mark.parametrize(("name", "value"), [("elites", 0), ("mutations", -1), ("crossovers", -1), ("randoms", -1)])
def test_mutate_refuses_numbers_out_of_range(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be at least"):
        MutateProposer(**{name: value})


def test_the_default_lists_small_spaces_and_mutates_in_large_ones() -> None:
    assert isinstance(default_proposer(NASBench201Space()), EnumerateProposer)
    assert isinstance(default_proposer(DARTSSpace()), MutateProposer)
