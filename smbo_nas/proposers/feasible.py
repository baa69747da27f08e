"""FeasibleProposer: only what is known to meet the constraints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from predictors.graph import ArchGraph
from smbo_nas.proposers.base import Elite, Pool, Proposer
from smbo_nas.spaces import Params, SearchSpace, SpaceError

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from smbo_nas.objectives import Cost

_MAX_DRAWS = 10_000


class FeasibleProposer(Proposer):
    """Leaves out what another proposer makes that breaks a constraint which can be computed.

    Args:
        proposer: Makes the candidates.
        constraints: Functions of a graph; one that is at most 0 is met, as by `optuna.Trial.set_constraint`.

    Example:
        >>> small = FeasibleProposer(MutateProposer(), [lambda graph: flops(graph) - 100e6])
        >>> sampler = SMBOSampler(space, proposer=small)
    """

    def __init__(self, proposer: Proposer, constraints: Sequence[Cost]) -> None:
        self._proposer = proposer
        self._constraints = tuple(constraints)

    def draws(self, space: SearchSpace, seen: frozenset[str], rng: np.random.Generator) -> Iterator[Params]:
        """See `Proposer.draws`.

        Raises:
            SpaceError: When none of 10,000 draws in a row meets the constraints.
        """
        missed = 0
        for params in self._proposer.draws(space, seen, rng):
            if self._is_feasible(space.graph(params)):
                missed = 0
                yield params
            elif (missed := missed + 1) >= _MAX_DRAWS:
                raise SpaceError(f"none of {_MAX_DRAWS:,} architectures of {space.name} meets the constraints.")

    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],
        seen: frozenset[str],
        rng: np.random.Generator,
        predictor: ArchitecturePredictor | None = None,
    ) -> Pool:
        """See `Proposer.pool`."""
        pool = self._proposer.pool(space, measured, seen, rng, predictor)
        return pool.only(self._is_feasible(graph) for graph in pool.graphs)

    def _is_feasible(self, graph: ArchGraph) -> bool:
        return all(constraint(graph) <= 0.0 for constraint in self._constraints)
