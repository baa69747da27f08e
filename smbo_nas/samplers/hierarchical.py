"""HierarchicalEvolutionSampler: tournaments in a population that only grows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.evolution import PATIENCE, mutated, tournament
from smbo_nas.samplers.history import History
from smbo_nas.spaces import Params, SearchSpace


class HierarchicalEvolutionSampler(ArchitectureSampler):
    """The evolution of hierarchical representations: the best of a share of all there are is mutated; none dies.

    Liu et al., "Hierarchical Representations for Efficient Architecture Search", ICLR 2018, sec. 3.1 and 3.2: the first
    individuals are made by many random mutations, which leaves them random; then the best of a random 5 % of the
    population is mutated. A mutation replaces one operation, also by none or of none: an edge is altered, added or
    removed.

    Departures: the motifs of several levels are the space's affair (a mutation changes one parameter); 20 random
    architectures in place of 200; isomorphic architectures are trained once.

    Args:
        space: As `ArchitectureSampler`.
        share: Of the population that competes, in (0, 1]; at least 2 do.
        n_startup_trials: Random architectures, at least 1.
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When an argument is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        share: float = 0.05,
        n_startup_trials: int = 20,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"`share` must be in (0, 1], but got {share}.")
        if n_startup_trials < 1:
            raise ValueError(f"`n_startup_trials` must be at least 1, but got {n_startup_trials}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._share = share
        self._n_startup_trials = n_startup_trials

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        population = history.outcomes
        if len(population) < self._n_startup_trials:
            yield from self._anything(rng)
        drawn = 0
        while True:
            drawn += 1
            parent = tournament(population, max(2, math.ceil(self._share * len(population))), rng)
            yield mutated(self._space, parent.params, 1 + drawn // PATIENCE, rng)
