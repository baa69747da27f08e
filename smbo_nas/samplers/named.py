"""The samplers by name, each with settings for the some hundred trainings that a search on one machine can afford."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.evolution import RegularizedEvolutionSampler
from smbo_nas.samplers.genetic import GeneticSampler
from smbo_nas.samplers.hierarchical import HierarchicalEvolutionSampler
from smbo_nas.samplers.large_scale import LargeScaleEvolutionSampler
from smbo_nas.samplers.local_search import LocalSearchSampler
from smbo_nas.samplers.mcts import MCTSSampler
from smbo_nas.samplers.q_learning import QLearningSampler
from smbo_nas.samplers.random import RandomArchitectureSampler
from smbo_nas.samplers.recipes import BANANASSampler, NAOSampler, PNASSampler
from smbo_nas.samplers.reinforce import ReinforceSampler
from smbo_nas.samplers.smbo import SMBOSampler

MODEL_BASED: Mapping[str, type[SMBOSampler]] = {
    "smbo": SMBOSampler,
    "bananas": BANANASSampler,
    "pnas": PNASSampler,
    "nao": NAOSampler,
}
"""What learns a predictor; takes a space and the keywords of `SMBOSampler`."""

STRATEGIES: Mapping[str, Callable[..., ArchitectureSampler]] = {
    "random-distinct": RandomArchitectureSampler,
    # Population and sample are those of Dong and Yang (ICLR 2020) for searches of this length.
    "evolution": partial(RegularizedEvolutionSampler, population_size=10, sample_size=3),
    "genetic": GeneticSampler,
    "hierarchical": HierarchicalEvolutionSampler,
    "large-scale": LargeScaleEvolutionSampler,
    "local-search": LocalSearchSampler,
    "hill-climbing": partial(LocalSearchSampler, neighbours=8),
    "mcts": MCTSSampler,
    "reinforce": ReinforceSampler,
    "ppo": partial(ReinforceSampler, update="ppo", batch_size=5),
    "q-learning": QLearningSampler,
}
"""The other search strategies of the literature; take a space and a seed."""
