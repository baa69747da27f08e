"""The search strategies that every test of what they share runs on, and studies to run them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna

from predictors.graph import ArchGraph
from smbo_nas.samplers import (
    ArchitectureSampler,
    GeneticSampler,
    HierarchicalEvolutionSampler,
    LocalSearchSampler,
    MCTSSampler,
    QLearningSampler,
    RandomArchitectureSampler,
    RegularizedEvolutionSampler,
    ReinforceSampler,
    ZeroCostSampler,
)
from smbo_nas.spaces import CellSpace, NASBench201Space, Params, SearchSpace

SPACE = NASBench201Space()
SMALL = CellSpace(nodes=3, ops=("none", "conv_1x1", "conv_3x3"))


def depth(graph: ArchGraph) -> float:
    """Something to score graphs by."""
    return float(len(graph.canonical().ops))


Make = Callable[[SearchSpace, int], ArchitectureSampler]

STRATEGIES: dict[str, Make] = {
    "random": lambda space, seed: RandomArchitectureSampler(space, seed=seed),
    "evolution": lambda space, seed: RegularizedEvolutionSampler(space, population_size=4, sample_size=2, seed=seed),
    "local search": lambda space, seed: LocalSearchSampler(space, n_startup_trials=3, seed=seed),
    "hill climbing": lambda space, seed: LocalSearchSampler(space, neighbours=4, n_startup_trials=2, seed=seed),
    "all neighbours": lambda space, seed: LocalSearchSampler(space, neighbours=None, n_startup_trials=1, seed=seed),
    "genetic": lambda space, seed: GeneticSampler(space, population_size=5, seed=seed),
    "hierarchical": lambda space, seed: HierarchicalEvolutionSampler(space, n_startup_trials=4, seed=seed),
    "tree search": lambda space, seed: MCTSSampler(space, seed=seed),
    "reinforce": lambda space, seed: ReinforceSampler(space, hidden=16, seed=seed),
    "ppo": lambda space, seed: ReinforceSampler(space, update="ppo", batch_size=3, hidden=16, seed=seed),
    "q-learning": lambda space, seed: QLearningSampler(space, n_trials=40, seed=seed),
    "zero cost": lambda space, seed: ZeroCostSampler(space, depth, n_candidates=12, seed=seed),
}


def threes(params: Params) -> float:
    """How many operations are 3x3."""
    return float(sum("3x3" in choice for choice in params.values()))


def additive(seed: int, space: SearchSpace = SPACE) -> Callable[[Params], float]:
    """A sum of what each choice is worth by itself; a single best point and no other local optimum."""
    rng = np.random.default_rng(seed)
    worth: dict[Any, float] = {
        (name, choice): float(rng.normal()) for name, choices in space.choices.items() for choice in choices
    }
    return lambda params: sum(worth[item] for item in params.items())


def run(
    space: SearchSpace,
    sampler: optuna.samplers.BaseSampler,
    n_trials: int,
    worth: Callable[[Params], float] = threes,
    direction: str = "maximize",
) -> optuna.Study:
    study = optuna.create_study(direction=direction, sampler=sampler)
    study.optimize(lambda trial: worth(space.suggest(trial).params), n_trials)
    return study


def digests(study: optuna.Study, space: SearchSpace) -> list[str]:
    return [space.graph(t.params).digest for t in study.trials]
