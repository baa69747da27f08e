"""Samplers: Optuna `BaseSampler`s over architectures."""

from __future__ import annotations

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.evolution import RegularizedEvolutionSampler
from smbo_nas.samplers.local_search import LocalSearchSampler
from smbo_nas.samplers.random import RandomArchitectureSampler
from smbo_nas.samplers.recipes import BANANASSampler, NAOSampler, PNASSampler
from smbo_nas.samplers.smbo import SMBOSampler

__all__ = [
    "ArchitectureSampler",
    "BANANASSampler",
    "LocalSearchSampler",
    "NAOSampler",
    "PNASSampler",
    "RandomArchitectureSampler",
    "RegularizedEvolutionSampler",
    "SMBOSampler",
]
