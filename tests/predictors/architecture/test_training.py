from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from predictors.architecture.training import enough_steps, minibatches, minimise


def test_minibatches_meet_every_observation_as_often() -> None:
    rows = [batch.tolist() for batch in minibatches(10, 4, 10, np.random.default_rng(0))]
    assert [len(batch) for batch in rows] == [4] * 10
    seen = np.bincount(np.concatenate(rows[:5]), minlength=10)  # 20 of 10: each twice
    assert seen.tolist() == [2] * 10
    assert sorted(np.concatenate(rows[:5])[:10]) == list(range(10))
    assert rows[:5] != rows[5:]


@pytest.mark.parametrize("size", [10, 11])
def test_what_fits_into_one_minibatch_is_the_same_every_time(size: int) -> None:
    batches = [batch.tolist() for batch in minibatches(10, size, 3, np.random.default_rng(0))]
    assert batches == [list(range(10))] * 3


def test_steps_are_enough_for_ten_passes() -> None:
    assert enough_steps(200, 100, 32) == 200
    assert enough_steps(200, 6400, 32) == 2000


def test_a_line_is_learned_from_minibatches() -> None:
    x = torch.linspace(-1.0, 1.0, 40)[:, None]
    y = 3.0 * x - 1.0
    line = nn.Linear(1, 1)
    nn.init.zeros_(line.weight)
    nn.init.zeros_(line.bias)
    sizes = []

    def loss_of(rows: Tensor) -> Tensor:
        sizes.append(len(rows))
        return (line(x[rows]) - y[rows]).square().mean()

    minimise(line, loss_of, 40, batch_size=16, steps=300, learning_rate=0.1, rng=np.random.default_rng(0))
    assert sizes == [16] * 300
    assert line.weight.item() == pytest.approx(3.0, abs=0.05)
    assert line.bias.item() == pytest.approx(-1.0, abs=0.05)
