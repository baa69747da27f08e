from __future__ import annotations

import numpy as np
import pytest

from smbo_nas.samplers import HierarchicalEvolutionSampler, LargeScaleEvolutionSampler
from smbo_nas.spaces import ChainSpace
from tests.smbo_nas.samplers.strategies import SPACE, run, threes

CHAIN = ChainSpace(layers=5)


def sizes(study) -> list[int]:
    return [len(CHAIN.graph(t.params).canonical().ops) for t in study.trials]


def test_networks_start_small_and_grow() -> None:
    study = run(CHAIN, LargeScaleEvolutionSampler(CHAIN, population_size=4, seed=0), 40, lambda p: size(p))
    smallest = [len(CHAIN.graph(p).canonical().ops) for p in CHAIN.expansions()]
    found = sizes(study)
    assert set(found[:3]) <= set(smallest)
    assert max(found) > max(smallest) + 1


def size(params) -> float:
    return float(len(CHAIN.graph(params).canonical().ops))


def test_a_population_that_only_grows_gets_better() -> None:
    study = run(SPACE, HierarchicalEvolutionSampler(SPACE, n_startup_trials=10, seed=0), 70)
    values = [threes(t.params) for t in study.trials]
    assert np.mean(values[-20:]) > np.mean(values[:10]) + 1


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="`population_size` must be at least 2, but got 1"):
        LargeScaleEvolutionSampler(CHAIN, population_size=1)
    with pytest.raises(ValueError, match="`growth` must be in"):
        LargeScaleEvolutionSampler(CHAIN, growth=1.5)
    with pytest.raises(ValueError, match="`share` must be in"):
        HierarchicalEvolutionSampler(SPACE, share=0.0)
    with pytest.raises(ValueError, match="`n_startup_trials` must be at least 1"):
        HierarchicalEvolutionSampler(SPACE, n_startup_trials=0)
