"""LatentProposer: steps up the gradient from the best architectures in a continuous embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from predictors.architecture.inputs import Described
from smbo_nas.proposers.base import Elite, Pool, Proposer, best_of
from smbo_nas.proposers.mutate import MutateProposer
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from predictors.graph import ArchGraph


class LatentProposer(Proposer):
    """Proposes what the best architectures become on their way up the gradient of a `NAOPredictor`.

    Luo et al., "Neural Architecture Optimization", NeurIPS 2018, algorithm 1: the embeddings of the best architectures
    are moved towards a higher prediction and decoded. Decoded architectures that are no members of the space or known
    already are passed over, as there.

    Departures: the step length stays and its number grows (`NAOPredictor.improve`); and where few new architectures
    are decoded, mutations of the best fill up the pool, so that the search does not stall.

    Args:
        elites: How many of the best architectures to climb from; the paper's 100 for 1,000 trainings.
        step: Length of a step, against the typical length of a state of the embedding.
        steps: Number of steps.
        least: Candidates up to which mutations fill up.

    Raises:
        ValueError: When a number is not positive.
    """

    def __init__(self, *, elites: int = 20, step: float = 0.2, steps: int = 10, least: int = 10) -> None:
        for name, value in {"elites": elites, "step": step, "steps": steps, "least": least}.items():
            if not value > 0:
                raise ValueError(f"`{name}` must be positive, but got {value}.")
        self.elites = elites
        self.step = step
        self.steps = steps
        self.least = least

    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],
        seen: frozenset[str],
        rng: np.random.Generator,
        predictor: ArchitecturePredictor | None = None,
    ) -> Pool:
        """See `Proposer.pool`.

        Raises:
            TypeError: When `predictor` has no embedding to climb in.
        """
        parents = best_of(measured, self.elites)
        climbed = self._climbed(space, parents, seen, predictor) if parents and predictor is not None else []
        pool = Pool.of(space, climbed, seen)
        missing = self.least - len(pool.params)
        if missing <= 0:
            return pool
        many = 10 * self.least
        mutations = MutateProposer(elites=self.elites, mutations=many, crossovers=0, randoms=many)
        fill = mutations.pool(space, measured, seen.union(pool.digests), rng)
        return Pool(
            params=pool.params + fill.params[:missing],
            graphs=pool.graphs + fill.graphs[:missing],
            digests=pool.digests + fill.digests[:missing],
        )

    def _climbed(
        self,
        space: SearchSpace,
        parents: Sequence[Params],
        seen: frozenset[str],
        predictor: ArchitecturePredictor,
    ) -> list[Params]:
        from predictors.architecture.nao import NAOPredictor

        if not isinstance(predictor, NAOPredictor):
            raise TypeError(f"LatentProposer needs a NAOPredictor to climb in, but got {type(predictor).__name__}.")
        found: dict[ArchGraph, Params | None] = {}

        def is_new(graph: ArchGraph) -> bool:
            if graph not in found:
                found[graph] = None if graph.digest in seen else space.params_of(graph, near=parents[0])
            return found[graph] is not None

        middle = tuple((name, np.nan) for name in predictor.column_names_)  # of what is searched beside architectures
        graphs = [space.graph(params) for params in parents]
        rows = [Described(graph, middle) for graph in graphs] if middle else graphs
        improved = predictor.improve(rows, step=self.step, steps=self.steps, is_member=is_new)
        return [params for graph in improved.graphs if graph is not None and (params := found[graph]) is not None]
