from __future__ import annotations

import numpy as np
import pytest

from smbo_nas.samplers import MCTSSampler
from smbo_nas.samplers.history import HistoryReader
from smbo_nas.spaces import CellSpace
from tests.smbo_nas.samplers.strategies import SMALL, SPACE, run

BITS = CellSpace(nodes=4, ops=("conv_1x1", "conv_3x3"))


def test_every_choice_of_the_first_parameter_is_taken_before_any_is_taken_twice() -> None:
    study = run(SPACE, MCTSSampler(SPACE, seed=0), 5)
    assert {t.params["edge_0_1"] for t in study.trials} == set(SPACE.ops)


def test_the_better_branch_is_visited_more_the_less_is_explored() -> None:
    """Only the first choice counts: little exploration goes to its better half, much to both alike."""

    def share(exploration: float) -> float:
        sampler = MCTSSampler(BITS, exploration=exploration, seed=0)
        study = run(BITS, sampler, 24, lambda params: float(params["edge_0_1"] == "conv_3x3"))
        return sum(t.params["edge_0_1"] == "conv_3x3" for t in study.trials) / 24

    assert share(0.01) > 0.8
    assert 0.4 <= share(100.0) <= 0.6


def test_exploration_must_be_above_0() -> None:
    with pytest.raises(ValueError, match="`exploration` must be above 0, but got 0"):
        MCTSSampler(SPACE, exploration=0.0)


def test_a_proposal_considers_every_setting_once() -> None:
    """However much of the tree is exhausted, the way back up finds the rest, and nothing twice."""
    sampler = MCTSSampler(SMALL, seed=0)
    study = run(SMALL, sampler, 6)
    history = HistoryReader(SMALL).read(study, study.ask()._cached_frozen_trial)
    drawn = [tuple(params.values()) for params in sampler._draws(history, np.random.default_rng(0))]
    assert sorted(drawn) == sorted(tuple(params.values()) for params in SMALL.enumerate())
