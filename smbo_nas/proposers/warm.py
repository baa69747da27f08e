"""WarmProposer: begins with what is known to be good, then proposes as another proposer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smbo_nas.proposers.base import Elite, Pool, Proposer, best_of
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor


class WarmProposer(Proposer):
    """Another proposer, whose first architectures are not random.

    Args:
        proposer: Proposes once there is a model.
        first: Architectures to begin with, in this order.
        source: A fitted predictor of another task, by whose mean the next ones are the best of a pool; None for none.
        known: Architectures measured on that task.
    """

    def __init__(
        self,
        proposer: Proposer,
        *,
        first: Sequence[Params] = (),
        source: ArchitecturePredictor | None = None,
        known: Sequence[Elite] = (),
    ) -> None:
        self.proposer = proposer
        self.first = tuple(first)
        self.source = source
        self.known = tuple(known)
        # The best by the source in each space: saves time, decides nothing.
        self._ranked: tuple[SearchSpace, list[Params]] | None = None

    def draws(self, space: SearchSpace, seen: frozenset[str], rng: np.random.Generator) -> Iterator[Params]:
        """The first ones, those that are best by the source, and what the other proposer draws."""
        yield from self.first
        if self.source is not None:
            yield from self._best(space, self.source)
        yield from self.proposer.draws(space, seen, rng)

    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],
        seen: frozenset[str],
        rng: np.random.Generator,
        predictor: ArchitecturePredictor | None = None,
    ) -> Pool:
        """See `Proposer.pool`: the other proposer's."""
        return self.proposer.pool(space, measured, seen, rng, predictor)

    def _best(self, space: SearchSpace, source: ArchitecturePredictor) -> list[Params]:
        if self._ranked is None or self._ranked[0] is not space:
            rng = np.random.default_rng(0)  # every trial and every process has the same list
            points = [
                *best_of(self.known, len(self.known)),
                *self.proposer.pool(space, self.known, frozenset(), rng).params,
            ]
            pool = Pool.of(space, points, frozenset())
            order = np.argsort(-source.predict_scores(pool.graphs)[0], kind="stable")
            self._ranked = space, [pool.params[k] for k in order]
        return self._ranked[1]
