from __future__ import annotations

import pytest

from smbo_nas.samplers import LocalSearchSampler
from smbo_nas.spaces import CellSpace, DARTSSpace, SearchSpace
from tests.smbo_nas.samplers.strategies import SPACE, additive, digests, run, threes

WIDE = DARTSSpace(nodes=2)
BITS = CellSpace(nodes=4, ops=("conv_1x1", "conv_3x3"))
"""Six bits."""


def neighbours(params: dict[str, str], space: SearchSpace = SPACE) -> set[str]:
    return {space.graph(neighbour).digest for neighbour in space.neighbours(params)}


def test_a_sum_is_climbed_without_a_restart() -> None:
    """A climb up a sum of six bits takes at most six moves, each found among at most six neighbours."""
    for seed in range(5):
        study = run(BITS, LocalSearchSampler(BITS, n_startup_trials=1, seed=seed), 37)
        assert study.best_value == 6.0


def test_all_neighbours_are_trained_before_the_move() -> None:
    study = run(SPACE, LocalSearchSampler(SPACE, neighbours=None, n_startup_trials=1, seed=0), 60, additive(0))
    found = digests(study, SPACE)
    around = neighbours(study.trials[0].params) - {found[0]}
    n = len(around)
    assert set(found[1 : n + 1]) == around
    best = max(study.trials[: n + 1], key=lambda t: t.value or 0.0)
    then = neighbours(best.params) - set(found[: n + 1])
    assert set(found[n + 1 : n + 1 + len(then)]) == then


def test_a_batch_of_neighbours_is_trained_before_the_move() -> None:
    study = run(WIDE, LocalSearchSampler(WIDE, neighbours=8, n_startup_trials=2, seed=0), 18, additive(0, WIDE))
    found = digests(study, WIDE)
    first = max(study.trials[:2], key=lambda t: t.value or 0.0)
    assert set(found[2:10]) <= neighbours(first.params, WIDE)
    second = max([first, *study.trials[2:10]], key=lambda t: t.value or 0.0)
    assert set(found[10:18]) <= neighbours(second.params, WIDE)


def test_the_first_better_one_is_the_next_incumbent() -> None:
    study = run(SPACE, LocalSearchSampler(SPACE, n_startup_trials=1, seed=3), 25, threes)
    incumbent = study.trials[0]
    for trial in study.trials[1:]:
        assert SPACE.graph(trial.params).digest in neighbours(incumbent.params)
        if (trial.value or 0.0) > (incumbent.value or 0.0):
            incumbent = trial
        if incumbent.value == 6.0:
            break


def test_a_new_climb_begins_where_no_neighbour_is_better() -> None:
    """All are alike: the neighbours of the first, then of another that is none of them."""
    study = run(BITS, LocalSearchSampler(BITS, n_startup_trials=1, seed=0), 20, lambda _: 0.0)
    found = digests(study, BITS)
    around = neighbours(study.trials[0].params, BITS)
    n = len(around)
    assert set(found[1 : n + 1]) == around
    start = study.trials[n + 1]
    assert found[n + 1] not in around
    assert found[n + 2] in neighbours(start.params, BITS)


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="`neighbours` must be at least 1 or None, but got 0"):
        LocalSearchSampler(SPACE, neighbours=0)
    with pytest.raises(ValueError, match="`n_startup_trials` must be at least 1, but got 0"):
        LocalSearchSampler(SPACE, n_startup_trials=0)
