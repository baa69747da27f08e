"""GeneticSampler: generations, made by crossover and mutation of parents that a roulette chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History, Outcome, Replay
from smbo_nas.spaces import Params, SearchSpace


@dataclass
class _Generations:
    """The last whole generation, and those of the next that are known."""

    number: int = 0
    parents: list[Outcome] = field(default_factory=list)
    coming: list[Outcome] = field(default_factory=list)


class GeneticSampler(ArchitectureSampler):
    """A genetic algorithm: each generation is made of crossovers, mutations and unchanged ones of the one before.

    Xie and Yuille, "Genetic CNN" (GeNet), ICCV 2017, sec. 3.2: individuals are selected by a roulette whose shares are
    what their values exceed the worst one's by; a pair exchanges each stage with probability 0.2, one that is not
    crossed has each bit flipped with probability 0.05.

    The paper's own space is `GeNetSpace`. In others the space's `genes`, which are its parameters, stand for stages and
    the parameters for bits (a bit that flips is a parameter that changes its choice).

    Departures: a pair has one child; isomorphic architectures are trained once, so that what is unchanged enters the
    next generation with the value it has.

    Args:
        space: As `ArchitectureSampler`.
        population_size: Of a generation, at least 2; the first is random.
        crossover: Probability that an individual is crossed, in [0, 1].
        exchange: Probability that a stage is exchanged in a crossover, in (0, 1).
        mutation: Probability that an individual that is not crossed is mutated, in (0, 1].
        flip: Probability that a parameter changes in a mutation, in (0, 1].
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When an argument is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        population_size: int = 20,
        crossover: float = 0.2,
        exchange: float = 0.2,
        mutation: float = 0.8,
        flip: float = 0.05,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if population_size < 2:
            raise ValueError(f"`population_size` must be at least 2, but got {population_size}.")
        if not 0 <= crossover <= 1:
            raise ValueError(f"`crossover` must be in [0, 1], but got {crossover}.")
        if not 0 < exchange < 1:
            raise ValueError(f"`exchange` must be in (0, 1), but got {exchange}.")
        for name, probability in {"mutation": mutation, "flip": flip}.items():
            if not 0 < probability <= 1:
                raise ValueError(f"`{name}` must be in (0, 1], but got {probability}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._population_size = population_size
        self._exchange = exchange
        self._flip = flip
        changed = crossover + (1 - crossover) * mutation
        self._unchanged = 1 - changed
        self._crossed = crossover / changed
        self._replay = Replay(_Generations, self._step)

    def _step(self, generations: _Generations, outcome: Outcome) -> None:
        generations.coming.append(outcome)
        if len(generations.coming) < self._population_size:
            return
        generations.number += 1
        parents = generations.parents = generations.coming
        rng = np.random.default_rng([self._seed, generations.number])  # no trial's: a replay repeats it
        unchanged = min(int(rng.binomial(self._population_size, self._unchanged)), self._population_size - 1)
        kept = rng.choice(len(parents), size=unchanged, p=roulette(parents)).tolist()
        generations.coming = [parents[k] for k in kept]

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        parents = self._replay(history.outcomes).parents
        if not parents:
            yield from self._anything(rng)
        shares = roulette(parents)
        while True:
            crossed = rng.random() < self._crossed
            first, second = (parents[k].params for k in rng.choice(len(parents), size=2, p=shares).tolist())
            yield self._exchanged(first, second, rng) if crossed else self._flipped(first, rng)

    def _exchanged(self, first: Params, second: Params, rng: np.random.Generator) -> Params:
        child = dict(first)
        for gene in self._space.genes:
            if rng.random() < self._exchange:
                child |= {name: second[name] for name in gene}
        return child

    def _flipped(self, params: Params, rng: np.random.Generator) -> Params:
        mutant = dict(params)
        for name, choices in self._space.choices.items():
            if len(choices) > 1 and rng.random() < self._flip:
                others = [choice for choice in choices if choice != params[name]]
                mutant[name] = others[rng.integers(len(others))]
        return mutant


def roulette(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    """The probability of each, `(n,)`: in proportion to what it exceeds the worst by; alike where all are equal."""
    values = np.array([outcome.value for outcome in outcomes])
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() == finite.max():
        return np.full(len(values), 1 / len(values))
    over = np.clip(values, finite.min(), finite.max()) - finite.min()
    return np.asarray(over / over.sum())
