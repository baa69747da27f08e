from __future__ import annotations

import numpy as np
import optuna
import pytest

from smbo_nas.benchmarks.ablations import Blind, UnmergedSpace
from smbo_nas.benchmarks.methods import ABLATIONS, STARTS, make
from smbo_nas.benchmarks.runner import run_search
from tests.smbo_nas.benchmarks.small import CELLS, SPACE, VALUES, task


@pytest.mark.parametrize("method", ABLATIONS)
def test_every_ablation_searches(method: str) -> None:
    run = run_search(task(tolerance=-1.0), method, 0, budget=STARTS + 6)
    assert run.trials == STARTS + 6
    if method != "smbo-gp-unmerged":
        assert run.repeats == 0


def test_the_blind_one_does_not_learn() -> None:
    """What the predictor ranks first is not what is proposed: the mean of 12 proposals is that of random ones."""

    def proposed(method: str) -> float:
        study = optuna.create_study(direction="maximize", sampler=make(method, SPACE, 3, 1)[0])
        found = task()
        for params in found.starts(3, STARTS):
            study.enqueue_trial(params)
        study.optimize(found.objective(3), n_trials=STARTS + 12)
        return float(np.mean([t.value for t in study.trials[STARTS:]]))

    assert proposed("smbo-gp-blind") < VALUES.mean() + 2 * VALUES.std() / np.sqrt(12) < proposed("smbo-gp")


def test_worth_is_drawn_from_the_generator_alone() -> None:
    graphs = [SPACE.graph(CELLS[k]) for k in (1, 2, 3)]
    worth = [Blind()(None, graphs, measured=(), best=0.0, rng=np.random.default_rng(s)) for s in (0, 0, 1)]  # type: ignore[arg-type]
    np.testing.assert_array_equal(worth[0], worth[1])
    assert (worth[0] != worth[2]).all()


def test_isomorphic_settings_count_as_different_only_there() -> None:
    unmerged = UnmergedSpace(SPACE)
    assert len(unmerged.classes) == len({SPACE.graph(params).to_json() for params in CELLS})
    assert len(unmerged.classes) > len(SPACE.classes)
    twins = [params for params in CELLS if SPACE.graph(params).digest == SPACE.graph(CELLS[0]).digest]
    assert len(twins) > 1
    assert len({unmerged.graph(params).digest for params in twins}) == len(twins)
    assert unmerged.graph(twins[0]).canonical() == SPACE.graph(twins[1]).canonical()  # predictors see the same
    assert unmerged.is_valid(unmerged.sample(np.random.default_rng(0)))
