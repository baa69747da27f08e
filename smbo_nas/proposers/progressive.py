"""ProgressiveProposer: the best small architectures, each with one block more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from smbo_nas.proposers.base import Elite, Pool, Proposer, best_of
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor


class ProgressiveProposer(Proposer):
    """Proposes the expansions of the best architectures of b blocks to b + 1 blocks.

    Liu et al., "Progressive Neural Architecture Search", ECCV 2018, algorithm 1: a beam of `beam` architectures is
    trained at each number of blocks, and those of the next number are its expansions. What a block is, the space says
    (`SearchSpace.expansions`): that of PNAS and NASNet, a vertex of NAS-Bench-101, a path of a cell, a layer of a
    chain.

    Departures: the beam is filled one architecture at a time, so that each is chosen knowing the ones before it; the
    paper trains all architectures of one block, here the beam holds for them too; and the paper ends with the last
    beam, here the search goes on among the neighbours of the best.

    Args:
        beam: K, how many architectures are measured at each number of blocks, those of random starts among them. The
            paper's is 256 for 1,280 trainings; the small ones are worth little in themselves, so that with some 100
            trainings the large ones have to be reached soon.
        elites: How many of the best, of whatever size, have their neighbours considered once the last beam is full.
        candidates: Most expansions or neighbours that are considered at a time, drawn at random.

    Raises:
        ValueError: When a number is below 1.
    """

    def __init__(self, *, beam: int = 4, elites: int = 8, candidates: int = 1000) -> None:
        for name, value in {"beam": beam, "elites": elites, "candidates": candidates}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, but got {value}.")
        self.beam = beam
        self.elites = elites
        self.candidates = candidates

    def draws(self, space: SearchSpace, seen: frozenset[str], rng: np.random.Generator) -> Iterator[Params]:
        """Architectures of one block in random order, then random points; see `Proposer.draws`.

        Raises:
            SpaceError: When the space does not say what a block is.
        """
        smallest = self._expanded(space, [None], seen, rng).params
        yield from (smallest[k] for k in rng.permutation(len(smallest)))
        yield from super().draws(space, seen, rng)

    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],
        seen: frozenset[str],
        rng: np.random.Generator,
        predictor: ArchitecturePredictor | None = None,  # noqa: ARG002
    ) -> Pool:
        """See `Proposer.pool`.

        Raises:
            SpaceError: When the space does not say what a block is.
        """
        by_blocks: dict[int, list[Elite]] = {}
        for elite in measured:
            by_blocks.setdefault(space.blocks(elite.params), []).append(elite)
        beam: Sequence[Params | None] = [None]
        level = 1
        while any(next(space.expansions(parent), None) is not None for parent in beam):
            measured_here = by_blocks.get(level, [])
            if len(measured_here) < self.beam:
                pool = self._expanded(space, beam, seen, rng)
                if pool.params:
                    return pool
            beam = best_of(measured_here, self.beam)
            level += 1
        best = best_of(measured, self.elites)
        return self._thinned(space, chain.from_iterable(space.neighbours(params) for params in best), seen, rng)

    def _expanded(
        self, space: SearchSpace, parents: Sequence[Params | None], seen: frozenset[str], rng: np.random.Generator
    ) -> Pool:
        return self._thinned(space, chain.from_iterable(space.expansions(parent) for parent in parents), seen, rng)

    def _thinned(
        self, space: SearchSpace, found: Iterable[Params], seen: frozenset[str], rng: np.random.Generator
    ) -> Pool:
        points = list(found)
        if len(points) > self.candidates:
            points = [points[k] for k in rng.choice(len(points), size=self.candidates, replace=False)]
        return Pool.of(space, points, seen)
