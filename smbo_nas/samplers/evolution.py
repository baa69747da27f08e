"""RegularizedEvolutionSampler: the youngest reproduce (aging evolution)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History, Outcome
from smbo_nas.spaces import Params, SearchSpace

PATIENCE = 50
"""Mutations of one kind that are drawn before larger ones are."""


class RegularizedEvolutionSampler(ArchitectureSampler):
    """Aging evolution: the best of a few of the last that were trained is mutated; the oldest die.

    Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, algorithm 1. The paper's
    population is 100 with samples of 25, for 20,000 models; Dong and Yang (ICLR 2020) take 10 and 3 for searches of
    NAS-Bench-201.

    Departures: no isomorphic architecture is trained twice (a parent whose mutations are spent is mutated twice, and so
    on); the sample is drawn without replacement; there is no identity mutation.

    Args:
        space: As `ArchitectureSampler`.
        population_size: How many live (P): the first ones are random.
        sample_size: How many of them compete to reproduce (S), from 1 to `population_size`.
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When a size is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        population_size: int = 100,
        sample_size: int = 25,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if population_size < 1:
            raise ValueError(f"`population_size` must be at least 1, but got {population_size}.")
        if not 1 <= sample_size <= population_size:
            raise ValueError(
                f"`sample_size` must be from 1 to {population_size} (`population_size`), but got {sample_size}."
            )
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._population_size = population_size
        self._sample_size = sample_size

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        population = history.outcomes[-self._population_size :]
        if len(population) < self._population_size:
            yield from self._anything(rng)
        drawn = 0
        while True:
            drawn += 1
            parent = tournament(population, self._sample_size, rng)
            yield mutated(self._space, parent.params, 1 + drawn // PATIENCE, rng)


def tournament(population: Sequence[Outcome], size: int, rng: np.random.Generator) -> Outcome:
    """The best of `size` drawn without replacement; of equals the younger."""
    entered: list[int] = rng.choice(len(population), size=min(size, len(population)), replace=False).tolist()
    return max((population[k] for k in sorted(entered, reverse=True)), key=lambda outcome: outcome.value)


def mutated(space: SearchSpace, params: Params, times: int, rng: np.random.Generator) -> Params:
    """A mutation of a mutation, and so on; a space of a single point has none."""
    if space.size == 1:
        return params
    for _ in range(times):
        params = space.mutate(params, rng)
    return params
