"""FittedRound: what a fitted predictor says about the next candidates, from one fit to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from smbo_nas.joint_scores import JointScores
from smbo_nas.proposers import Elite, Pool, Proposer
from smbo_nas.samplers.trials import stream
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from predictors.graph import ArchGraph
    from smbo_nas.acquisition import Acquisition
    from smbo_nas.observations import Observations

_SHORTLIST = 128
"""Candidates that an acquisition weighs at every proposal, or as many as there are proposals to the next fit."""
_INCUMBENTS = 32
"""Of what was measured, the best that an acquisition may look at."""
_BEYOND = 1.0
"""Units of score by which a value may exceed all that the predictor was fitted on."""


class FittedRound:
    """A fitted predictor and the candidates that it ranks until the next fit.

    All of it follows from the arguments, and so from the trials that the predictor was fitted on: every process has the
    same candidates, from a stream of the fit and not of the trial. They come in short lists, those of highest
    acquisition first; once a pool is used up, the proposer makes another.

    Args:
        space: Where candidates come from.
        proposer: Makes pools of them.
        acquisition: Ranks a pool.
        predictor: Fitted on `observed`.
        observed: What is known.
        n_finished: Trials that had finished.
        seed: Of the sampler.

    Attributes:
        predictor: As given.
        observed: As given.
        best: The score to improve on, the best one measured; what curves merely promise counts where nothing else was.
        incumbents: The graphs of the best of `observed`.
    """

    def __init__(
        self,
        space: SearchSpace,
        proposer: Proposer,
        acquisition: Acquisition,
        *,
        predictor: ArchitecturePredictor,
        observed: Observations,
        n_finished: int,
        seed: int,
    ) -> None:
        self._space, self._proposer, self._acquisition = space, proposer, acquisition
        self.predictor, self.observed = predictor, observed
        self._n_finished, self._seed = n_finished, seed
        measured = observed.y[observed.y_std == 0.0]
        self.best = float(predictor.score_map_.to_scores(measured if len(measured) else observed.y).max())
        self._sure = observed.y - observed.y_std  # what a curve merely promises is no elite
        ranked = np.argsort(-self._sure, kind="stable")[:_INCUMBENTS]
        self.incumbents = [observed.candidates[k].graph for k in ranked]
        # What was worked out: saves time, decides nothing.
        self._pools: dict[int, Pool] = {}
        self._shortlists: dict[int, list[Pool]] = {}
        self._joint: tuple[object, JointScores] | None = None

    def shortlist(self, seen: frozenset[str], fixed: Params) -> Pool:
        """The best short list with a candidate that has the fixed parameters and is not seen; empty where none has."""
        for shortlist in self._agreeing(fixed) if fixed else self._all():
            if not seen.issuperset(shortlist.digests):
                return shortlist
        return Pool((), (), ())

    def joint(self, shortlist: Sequence[ArchGraph], others: Sequence[ArchGraph]) -> JointScores:
        """What the predictor says about a short list, others and the incumbents; the last answer is kept.

        Args:
            shortlist: Candidates.
            others: What an acquisition is to know besides; most are candidates too, so that one answer serves for long.
        """
        listed = {graph.digest for graph in shortlist}
        strangers = {graph.digest: graph for graph in others if graph.digest not in listed}
        graphs = [*shortlist, *self.incumbents, *(strangers[digest] for digest in sorted(strangers))]
        key = [graph.digest for graph in graphs]
        if self._joint is None or self._joint[0] != key:
            self._joint = key, JointScores.of(self.predictor, graphs, self._stream("joint"))
        return self._joint[1]

    def score(self, value: float) -> float:
        """The score of a value measured since, larger is better; what lies far beyond all others counts as just beyond.

        Where the predictor saw no such values, their scores are a straight line's, and one training that diverged would
        drag along all that resemble it.
        """
        known = self.predictor.score_map_
        finite = np.clip(value, self.observed.y.min(), self.observed.y.max()) if np.isinf(value) else value
        score = known.to_scores(np.array([finite]))[0]
        return float(np.clip(score, known.scores[0] - _BEYOND, known.scores[-1] + _BEYOND))

    def _stream(self, *purpose: str) -> np.random.Generator:
        return stream(self._seed, self._n_finished, *purpose)

    def _all(self) -> Iterator[Pool]:
        k = 0
        while (pool := self._pool(k)).params:
            if k not in self._shortlists:
                self._shortlists[k] = self._ranked(pool, f"ranking {k}")
            yield from self._shortlists[k]
            k += 1

    def _agreeing(self, fixed: Params) -> list[Pool]:
        pool = self._pool(0)
        return self._ranked(pool.only([fixed.items() <= params.items() for params in pool.params]), "ranking fixed")

    def _pool(self, k: int) -> Pool:
        """The pool that follows on `k` others; what is in them, and what was fitted on, is not in it."""
        if k not in self._pools:
            seen = {graph.digest for graph in self.observed.graphs}.union(*(self._pool(j).digests for j in range(k)))
            known = zip(self.observed.candidates, self._sure, strict=True)
            elites = [Elite(candidate.params, float(value)) for candidate, value in known]
            rng = self._stream(f"pool {k}")
            self._pools[k] = self._proposer.pool(self._space, elites, frozenset(seen), rng, self.predictor)
        return self._pools[k]

    def _ranked(self, pool: Pool, purpose: str) -> list[Pool]:
        """The pool in short lists, each in the order of the pool."""
        size = max(_SHORTLIST, self._n_finished // 10)
        if len(pool.params) <= size:
            return [pool] if pool.params else []
        worth = self._acquisition(
            self.predictor, pool.graphs, measured=self.observed.graphs, best=self.best, rng=self._stream(purpose)
        )
        order = np.argsort(-worth, kind="stable")
        ranks = np.empty_like(order)
        ranks[order] = np.arange(len(order)) // size
        return [pool.only(ranks == k) for k in range(ranks.max() + 1)]
