"""LargeScaleEvolutionSampler: networks that grow from the smallest ones, by tournaments of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.evolution import PATIENCE, mutated, tournament
from smbo_nas.samplers.history import History, Outcome, Replay
from smbo_nas.spaces import Params, SearchSpace


@dataclass
class _Population:
    alive: list[Outcome] = field(default_factory=list)
    born: int = 0


class LargeScaleEvolutionSampler(ArchitectureSampler):
    """Evolution from minimal networks: of two the better has a child, the worse of two dies, and children may grow.

    Real et al., "Large-Scale Evolution of Image Classifiers", ICML 2017, sec. 3.1 to 3.3. The space has to say what a
    smaller architecture is (`SearchSpace.expansions`): `ChainSpace` with `skip_connect` is nearest to the paper's.

    Departures: a mutation either grows the parent by one block, which stands for the paper's insertions of convolutions
    and skip connections, or changes one parameter, which stands for its alterations and removals; learning rate and
    stride are no part of a space, and weights are not inherited. The first individuals have one block, and differ. A
    worker has children while others die, so the two pairs are drawn apart. Isomorphic architectures are trained once.

    Args:
        space: As `ArchitectureSampler`.
        population_size: How many live, at least 2.
        growth: Probability that a mutation adds a block, in [0, 1].
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When an argument is out of range.
        SpaceError: When the space does not say what a smaller architecture is.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        population_size: int = 20,
        growth: float = 0.5,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if population_size < 2:
            raise ValueError(f"`population_size` must be at least 2, but got {population_size}.")
        if not 0 <= growth <= 1:
            raise ValueError(f"`growth` must be in [0, 1], but got {growth}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._population_size = population_size
        self._growth = growth
        self._smallest = list(space.expansions())
        self._replay = Replay(_Population, self._step)

    def _step(self, population: _Population, outcome: Outcome) -> None:
        population.alive.append(outcome)
        population.born += 1
        if len(population.alive) > self._population_size:
            rng = np.random.default_rng([self._seed, population.born])  # no trial's: a replay repeats it
            first, second = sorted(rng.choice(self._population_size, size=2, replace=False).tolist())
            worse = second if population.alive[second].value < population.alive[first].value else first
            del population.alive[worse]

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        population = self._replay(history.outcomes).alive
        if len(population) < self._population_size:
            for k in rng.permutation(len(self._smallest)).tolist():
                yield self._smallest[k]
        drawn = 0
        while population:
            drawn += 1
            parent = tournament(population, 2, rng).params
            larger = list(self._space.expansions(parent)) if rng.random() < self._growth else []
            if larger:
                yield larger[rng.integers(len(larger))]
            else:
                yield mutated(self._space, parent, 1 + drawn // PATIENCE, rng)
