"""The spaces inside an Optuna study."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import FixedTrial, TrialState

from smbo_nas.spaces import NASBench101Space, SearchSpace
from tests.strategies import SPACES

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@every_space
def test_distributions_are_categoricals_of_the_choices(space: SearchSpace) -> None:
    distributions = space.distributions()
    assert list(distributions) == list(space.choices)
    for name, distribution in distributions.items():
        assert isinstance(distribution, CategoricalDistribution)
        assert distribution.choices == space.choices[name]


@every_space
def test_suggest_takes_the_params_of_the_trial(space: SearchSpace) -> None:
    params = space.sample(np.random.default_rng(0))
    candidate = space.suggest(FixedTrial(params))  # type: ignore[arg-type]
    assert candidate.space is space
    assert candidate.params == params
    assert candidate.graph == space.graph(params)


@every_space
def test_suggest_in_a_study(space: SearchSpace) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = []

    def objective(trial: optuna.Trial) -> float:
        seen.append(space.suggest(trial))
        return float(seen[-1].graph.n_nodes)

    study.optimize(objective, n_trials=30)
    for trial in study.trials:
        assert trial.distributions == space.distributions()
        assert (trial.state == TrialState.COMPLETE) == space.is_valid(trial.params)
        assert trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    complete = [trial.params for trial in study.trials if trial.state == TrialState.COMPLETE]
    assert complete == [candidate.params for candidate in seen]
    assert complete, "random draws include valid points"


def test_an_invalid_suggestion_is_pruned_with_its_reason() -> None:
    space = NASBench101Space(vertices=3)
    cut = {"op_1": space.ops[0], "inputs_1": "0", "inputs_2": "none"}
    with pytest.raises(optuna.TrialPruned, match=r"^no architecture of nasbench101: the output is not connected"):
        space.suggest(FixedTrial(cut))  # type: ignore[arg-type]
    full = {f"inputs_{k}": ",".join(map(str, range(k))) for k in range(1, 7)}
    full |= {f"op_{k}": space.ops[0] for k in range(1, 6)}
    with pytest.raises(optuna.TrialPruned, match=r"21 edges are in use, more than 9\.$"):
        NASBench101Space().suggest(FixedTrial(full))  # type: ignore[arg-type]


def test_a_study_with_invalid_suggestions_goes_on() -> None:
    space = NASBench101Space()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(lambda trial: float(space.suggest(trial).graph.n_nodes), n_trials=60)
    states = {trial.state for trial in study.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED}
