from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import create_trial

from smbo_nas.samplers import ReinforceSampler
from smbo_nas.samplers.controller import Controller
from tests.smbo_nas.samplers.strategies import SPACE, run, threes

SIZES = (2, 1, 5, 3)


@pytest.fixture
def controller() -> Controller:
    return Controller(SIZES, hidden=8, seed=0)


def sharpened(controller: Controller) -> Controller:
    with torch.no_grad():
        for parameter in controller.parameters():
            parameter.mul_(15)
    return controller


def test_probabilities_are_of_the_choices_that_there_are(controller: Controller) -> None:
    p = controller.log_probabilities(np.zeros((1, 4), dtype=np.int64)).exp()[0]
    assert torch.allclose(p.sum(dim=1), torch.ones(4))
    assert (p > 0).sum(dim=1).tolist() == list(SIZES)


def test_what_is_drawn_is_as_frequent_as_it_is_probable(controller: Controller) -> None:
    """The chain rule holds the sampler (step by step) against the density (all at once)."""
    drawn = sharpened(controller).sample(20_000, np.random.default_rng(0))
    sequences, counts = np.unique(drawn, axis=0, return_counts=True)
    log_p = controller.log_probabilities(sequences).gather(2, torch.from_numpy(sequences)[..., None]).sum(dim=(1, 2))
    p = log_p.exp().detach().numpy()
    assert p.max() > 0.1  # far from the 1/30 of a uniform policy
    assert np.abs(counts / 20_000 - p).max() < 0.02


def test_heat_flattens(controller: Controller) -> None:
    def distinct(temperature: float) -> int:
        drawn = sharpened(Controller(SIZES, hidden=8, seed=0)).sample(
            200, np.random.default_rng(0), temperature=temperature
        )
        return len(np.unique(drawn, axis=0))

    assert distinct(10.0) > distinct(1.0)


def test_what_another_policy_drew_ruins_no_controller() -> None:
    """Bad outcomes that it would hardly have drawn push a policy away from them without end; PPO's ratio overflowed."""
    sampler = ReinforceSampler(SPACE, update="ppo", batch_size=5, seed=0)
    rng = np.random.default_rng(0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions: dict[str, Any] = dict(SPACE.distributions())
    for _ in range(300):
        params = SPACE.sample(rng)
        study.add_trial(create_trial(params=params, distributions=distributions, value=threes(params)))
    study.optimize(lambda trial: threes(SPACE.suggest(trial).params), 20)
    drawn = [t.value for t in study.trials[300:]]
    assert np.mean(drawn) > 2  # at random 6/5


def test_no_global_random_state_is_touched() -> None:
    before = torch.get_rng_state()
    run(SPACE, ReinforceSampler(SPACE, hidden=4, seed=0), 5)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("update", ["reinforce", "ppo"])
def test_a_choice_that_pays_becomes_probable(update: str) -> None:
    sampler = ReinforceSampler(SPACE, update=update, batch_size=2, hidden=16, seed=0)
    study = run(SPACE, sampler, 80, lambda params: float(params["edge_1_3"] == "none"))
    early, late = (sum(t.params["edge_1_3"] == "none" for t in study.trials[k : k + 30]) for k in (0, 50))
    assert late > early + 5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"update": "a2c"}, "`update` must be one of reinforce, ppo, but got 'a2c'"),
        ({"batch_size": 0}, "`batch_size` must be at least 1, but got 0"),
        ({"hidden": 0}, "`hidden` must be at least 1, but got 0"),
        ({"learning_rate": 0.0}, "`learning_rate` must be above 0, but got 0"),
        ({"decay": 1.0}, r"`decay` must be in \[0, 1\), but got 1"),
        ({"entropy": -1.0}, "`entropy` must be at least 0, but got -1"),
    ],
)
def test_arguments_out_of_range_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReinforceSampler(SPACE, **changed)
