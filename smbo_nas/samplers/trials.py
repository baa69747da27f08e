"""What every sampler of ours does with a trial, whatever it proposes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial

SECONDS_KEY = "smbo_nas:sampler_seconds"
"""System attribute of a trial: seconds the sampler took to propose it."""


def stream(seed: int, number: int, *purpose: str) -> np.random.Generator:
    """The random numbers of one trial or one fit for one purpose, the same in every process."""
    return np.random.default_rng([seed, number, *(zlib.crc32(word.encode()) for word in purpose)])


def record(study: Study, trial: FrozenTrial, key: str, value: Any) -> None:
    """Sets a system attribute of a trial that is RUNNING."""
    study._storage.set_trial_system_attr(trial._trial_id, key, value)


def decided(trial: FrozenTrial) -> dict[str, Any]:
    """Parameters that are no longer to be proposed: enqueued ones, and those a killed process had suggested."""
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}


def sample_by(
    sampler: BaseSampler, study: Study, trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]
) -> dict[str, Any]:
    """Every parameter of `search_space` from another sampler: together where it can, else one by one."""
    sampled = sampler.sample_relative(study, trial, dict(search_space))
    for name, distribution in search_space.items():
        if name not in sampled:
            sampled[name] = sampler.sample_independent(study, trial, name, distribution)
    return sampled
