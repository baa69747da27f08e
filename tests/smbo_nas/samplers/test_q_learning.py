from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smbo_nas.samplers import QLearningSampler
from smbo_nas.samplers.history import Outcome
from smbo_nas.samplers.q_learning import scheduled
from smbo_nas.spaces import CellSpace
from tests.smbo_nas.samplers.strategies import SPACE, run

BITS = CellSpace(nodes=3, ops=("conv_1x1", "conv_3x3"))


def test_the_schedule_is_block_qnns() -> None:
    """Table 2: 95 of 180 iterations at 1, 7 each at 0.9 to 0.7, 10 each to 0.3, 12 each at 0.2 and 0.1."""
    at = [scheduled((k + 0.5) / 180) for k in range(180)]
    assert [at.count(e) for e in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)] == [95, 7, 7, 7, *[10] * 4, 12, 12]
    assert at == sorted(at, reverse=True)
    assert scheduled(7.0) == 0.1


def test_values_follow_bellmans_equation() -> None:
    """At a learning rate of 1, the value of a choice is its reward, or the best value after it."""
    sampler = QLearningSampler(BITS, learning_rate=1.0, replays=200, seed=0)
    points = [dict(zip(BITS.choices, ops, strict=True)) for ops in [["conv_1x1"] * 3, ["conv_3x3"] * 3]]
    worse, better = (Outcome(k, params, str(k), float(k)) for k, params in enumerate(points))
    values = sampler._replay([worse, better])
    # Of two, the worse exceeds a quarter (half of itself), the better three quarters.
    assert values._q[2] == [[0.25, 0.5], [0.5, 0.75]]
    assert values._q[0][0] == [0.5, 0.75]  # after the worse first choice, what was not tried promises 0.5
    assert values.draw(0.0, np.random.default_rng(0)) == [1, 1, 1]


def test_late_choices_are_greedy_ones() -> None:
    sampler = QLearningSampler(SPACE, n_trials=60, seed=0)
    study = run(SPACE, sampler, 80, lambda params: float(params["edge_1_3"] == "none"))
    early, late = (sum(t.params["edge_1_3"] == "none" for t in study.trials[k : k + 20]) for k in (0, 60))
    assert late > early + 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_trials": 0}, "`n_trials` must be at least 1, but got 0"),
        ({"replays": 0}, "`replays` must be at least 1, but got 0"),
        ({"learning_rate": 0.0}, r"`learning_rate` must be in \(0, 1\], but got 0"),
    ],
)
def test_arguments_out_of_range_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        QLearningSampler(SPACE, **changed)
