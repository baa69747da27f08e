"""RandomArchitectureSampler: random search without isomorphic repeats."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History
from smbo_nas.spaces import Params


class RandomArchitectureSampler(ArchitectureSampler):
    """Random search: uniform draws of the space's valid settings, none isomorphic to an earlier one.

    Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019: the baseline that
    every other strategy has to exceed.

    Departure: repeats are drawn again, so that no training is spent on them.

    Args:
        space: As `ArchitectureSampler`, and so `other_sampler` and `seed`.
    """

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:  # noqa: ARG002
        return self._anything(rng)
