"""ProgressiveProposer: the best small architectures, each with one block more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    paper trains all architectures of one block, here the beam holds for them too; and after the last beam the search
    goes on among the largest architectures.

    Args:
        beam: K, how many architectures are measured at each number of blocks; the paper's 256 for 1,280 trainings.
        candidates: Most expansions that are considered at a time, drawn at random.

    Raises:
        ValueError: When a number is below 1.
    """

    def __init__(self, *, beam: int = 32, candidates: int = 1000) -> None:
        for name, value in {"beam": beam, "candidates": candidates}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, but got {value}.")
        self.beam = beam
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
        beams: list[Sequence[Params | None]] = [[None]]
        while any(next(space.expansions(parent), None) is not None for parent in beams[-1]):
            measured_here = by_blocks.get(len(beams), [])
            if len(measured_here) < self.beam:
                pool = self._expanded(space, beams[-1], seen, rng)
                if pool.params:
                    return pool
            beams.append(best_of(measured_here, self.beam))
        pools = (self._expanded(space, beam, seen, rng) for beam in reversed(beams))
        return next((pool for pool in pools if pool.params), Pool((), (), ()))

    def _expanded(
        self, space: SearchSpace, parents: Sequence[Params | None], seen: frozenset[str], rng: np.random.Generator
    ) -> Pool:
        points = list(chain.from_iterable(space.expansions(parent) for parent in parents))
        if len(points) > self.candidates:
            points = [points[k] for k in rng.choice(len(points), size=self.candidates, replace=False)]
        return Pool.of(space, points, seen)
