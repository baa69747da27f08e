"""Samplers: Optuna `BaseSampler`s over architectures."""

from __future__ import annotations

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.evolution import RegularizedEvolutionSampler
from smbo_nas.samplers.genetic import GeneticSampler
from smbo_nas.samplers.hierarchical import HierarchicalEvolutionSampler
from smbo_nas.samplers.large_scale import LargeScaleEvolutionSampler
from smbo_nas.samplers.local_search import LocalSearchSampler
from smbo_nas.samplers.mcts import MCTSSampler
from smbo_nas.samplers.multi_objective import MultiObjectiveSMBOSampler
from smbo_nas.samplers.q_learning import QLearningSampler
from smbo_nas.samplers.random import RandomArchitectureSampler
from smbo_nas.samplers.recipes import BANANASSampler, NAOSampler, PNASSampler
from smbo_nas.samplers.reinforce import ReinforceSampler
from smbo_nas.samplers.smbo import SMBOSampler
from smbo_nas.samplers.warm_start import WarmStart, WarmStartError, enqueue
from smbo_nas.samplers.zero_cost import ZeroCostSampler

__all__ = [
    "ArchitectureSampler",
    "BANANASSampler",
    "GeneticSampler",
    "HierarchicalEvolutionSampler",
    "LargeScaleEvolutionSampler",
    "LocalSearchSampler",
    "MCTSSampler",
    "MultiObjectiveSMBOSampler",
    "NAOSampler",
    "PNASSampler",
    "QLearningSampler",
    "RandomArchitectureSampler",
    "RegularizedEvolutionSampler",
    "ReinforceSampler",
    "SMBOSampler",
    "WarmStart",
    "WarmStartError",
    "ZeroCostSampler",
    "enqueue",
]
