"""MutateProposer: neighbours of the best, their children, and random points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smbo_nas.proposers.base import Elite, Pool, Proposer, best_of
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor


class MutateProposer(Proposer):
    """Proposes mutations and crossovers of the best measured architectures, and random ones.

    The candidate generation of BANANAS (White, Neiswanger and Savani, AAAI 2021, sec. 5: mutations of the best) with
    crossovers and random points added, so that the search neither starves nor stalls.

    Args:
        elites: How many of the best architectures are parents.
        mutations: Mutations drawn; each changes one parameter, and one more with probability 1/2, and so on.
        crossovers: Crossovers of two parents drawn, each mutated with probability 1/2.
        randoms: Random points drawn.

    Raises:
        ValueError: When a number is negative or `elites` below 1.
    """

    def __init__(self, *, elites: int = 20, mutations: int = 600, crossovers: int = 200, randoms: int = 200) -> None:
        if elites < 1:
            raise ValueError(f"`elites` must be at least 1, but got {elites}.")
        for name, value in {"mutations": mutations, "crossovers": crossovers, "randoms": randoms}.items():
            if value < 0:
                raise ValueError(f"`{name}` must be at least 0, but got {value}.")
        self.elites = elites
        self.mutations = mutations
        self.crossovers = crossovers
        self.randoms = randoms

    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],
        seen: frozenset[str],
        rng: np.random.Generator,
        predictor: ArchitecturePredictor | None = None,  # noqa: ARG002
    ) -> Pool:
        """See `Proposer.pool`."""
        return Pool.of(space, self._points(space, measured, rng), seen)

    def _points(self, space: SearchSpace, measured: Sequence[Elite], rng: np.random.Generator) -> Iterator[Params]:
        parents = best_of(measured, self.elites)
        if parents:
            for _ in range(self.mutations):
                yield _mutated(space, parents[rng.integers(len(parents))], rng)
            for _ in range(self.crossovers):
                first, second = rng.integers(len(parents), size=2)
                child = space.crossover(parents[first], parents[second], rng)
                yield child if rng.random() < 0.5 else _mutated(space, child, rng)
        for _ in range(self.randoms):
            yield space.sample(rng)


def _mutated(space: SearchSpace, params: Params, rng: np.random.Generator) -> Params:
    if space.size == 1:
        return params
    mutant = space.mutate(params, rng)
    while rng.random() < 0.5:
        mutant = space.mutate(mutant, rng)
    return mutant
