"""What every search strategy promises, on every space."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase
from optuna.trial import TrialState

from smbo_nas.samplers.base import REPEATS_KEY
from smbo_nas.spaces import SearchSpace
from tests.smbo_nas.samplers.strategies import SMALL, SPACE, STRATEGIES, Make, additive, digests, run, threes
from tests.strategies import SPACES

every_strategy = pytest.mark.parametrize("make", STRATEGIES.values(), ids=STRATEGIES)


@pytest.mark.parametrize("name", ["random", "evolution", "local search", "tree search", "reinforce", "q-learning"])
class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    """Optuna's own tests of a sampler."""

    @pytest.fixture
    def sampler(self, name: str) -> Callable[[], BaseSampler]:
        return lambda: STRATEGIES[name](SPACE, 0)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@every_strategy
def test_every_space_gets_valid_and_distinct_architectures(make: Make, space: SearchSpace) -> None:
    study = run(space, make(space, 1), 9)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 9
    assert len(set(digests(study, space))) == 9


@every_strategy
def test_a_sampler_rebuilt_for_every_trial_proposes_the_same(make: Make) -> None:
    whole = run(SPACE, make(SPACE, 5), 14)
    study = optuna.create_study(direction="maximize")
    for k in range(14):
        study.sampler = make(SPACE, 5)
        if k == 7:
            study.sampler = pickle.loads(pickle.dumps(copy.deepcopy(study.sampler)))
        study.optimize(lambda trial: threes(SPACE.suggest(trial).params), 1)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


@every_strategy
def test_seeds_differ_and_a_sampler_serves_several_studies(make: Make) -> None:
    sampler = make(SPACE, 2)
    first, again = run(SPACE, sampler, 8), run(SPACE, sampler, 8)
    assert [t.params for t in first.trials] == [t.params for t in again.trials]
    assert [t.params for t in run(SPACE, make(SPACE, 3), 8).trials] != [t.params for t in first.trials]


@every_strategy
def test_minimising_the_negative_is_maximising(make: Make) -> None:
    up = run(SPACE, make(SPACE, 0), 10)
    down = run(SPACE, make(SPACE, 0), 10, lambda params: -threes(params), "minimize")
    assert [t.params for t in up.trials] == [t.params for t in down.trials]


@every_strategy
def test_parallel_workers_get_different_architectures(make: Make) -> None:
    study = run(SPACE, make(SPACE, 0), 6)
    asked = [SPACE.suggest(study.ask()).graph.digest for _ in range(4)]
    assert len({*asked, *digests(study, SPACE)[:6]}) == 10


@every_strategy
def test_a_space_is_searched_to_its_end_and_repeats_are_told(make: Make) -> None:
    n = len(SMALL.classes)
    study = run(SMALL, make(SMALL, 0), n + 2)
    found = digests(study, SMALL)
    assert set(found[:n]) == set(SMALL.classes)
    marks = [t.system_attrs.get(REPEATS_KEY) for t in study.trials]
    assert marks == [None] * n + [found.index(digest) for digest in found[n:]]


@every_strategy
def test_fixed_parameters_stay(make: Make) -> None:
    study = run(SPACE, make(SPACE, 0), 6)
    for op in ("none", "avg_pool_3x3", "skip_connect"):
        study.enqueue_trial({"edge_0_1": op, "edge_2_3": "nor_conv_3x3"})
        study.optimize(lambda trial: threes(SPACE.suggest(trial).params), 1)
        assert study.trials[-1].params["edge_0_1"] == op
        assert study.trials[-1].params["edge_2_3"] == "nor_conv_3x3"
    assert len(set(digests(study, SPACE))) == 9


@every_strategy
def test_failed_stopped_and_infinite_trials_do_no_harm(make: Make) -> None:
    def objective(trial: optuna.Trial) -> float:
        params = SPACE.suggest(trial).params
        width = trial.suggest_int("width", 8, 64)
        assert 8 <= width <= 64
        if trial.number % 5 == 1:
            raise RuntimeError
        if trial.number % 5 == 2:
            trial.report(threes(params), 1)
            raise optuna.TrialPruned
        if trial.number % 5 == 3:
            raise optuna.TrialPruned
        return math.inf if trial.number % 10 == 4 else threes(params)

    study = optuna.create_study(direction="maximize", sampler=make(SPACE, 0))
    study.optimize(objective, 20, catch=RuntimeError)
    own = [{name: t.params[name] for name in SPACE.choices} for t in study.trials]
    assert len({SPACE.graph(params).digest for params in own}) == 20


LEARNING = {name: make for name, make in STRATEGIES.items() if name not in ("random", "zero cost")}


@pytest.mark.parametrize("make", LEARNING.values(), ids=LEARNING)
def test_what_is_learned_helps(make: Make) -> None:
    """Better than random search on the mean of five sums, where there is something to be learned."""

    def found(make: Make) -> float:
        return float(np.mean([run(SPACE, make(SPACE, seed), 60, additive(seed)).best_value for seed in range(5)]))

    assert found(make) > found(STRATEGIES["random"])
