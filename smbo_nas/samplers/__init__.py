"""Samplers: Optuna `BaseSampler`s over architectures."""

from __future__ import annotations

from smbo_nas.samplers.recipes import BANANASSampler, NAOSampler, PNASSampler
from smbo_nas.samplers.smbo import SMBOSampler

__all__ = ["BANANASSampler", "NAOSampler", "PNASSampler", "SMBOSampler"]
