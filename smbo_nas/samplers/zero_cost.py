"""ZeroCostSampler: architectures in the order of a score that needs no training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from optuna.samplers import BaseSampler

from predictors.graph import ArchGraph
from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History
from smbo_nas.spaces import Candidate, Params, SearchSpace

_CANDIDATES = 0xCA4D
_MAX_DRAWS_EACH = 10


class ZeroCostSampler(ArchitectureSampler):
    """The training-free baseline: random architectures are scored untrained, and trained from the best score down.

    Mellor et al., "Neural Architecture Search without Training", ICML 2021, sec. 4 (the best of some random
    architectures by one score); Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021.

    The candidates follow from the seed alone and are scored once in each process. When all have been proposed, random
    ones follow.

    Departure: one after the other is trained, as the study goes on, in place of the best one alone.

    Args:
        space: As `ArchitectureSampler`.
        score: From a graph to a number, larger is better; always the same for a graph. NaN is the worst. Of an
            untrained network: `smbo_nas.zero_cost.describe`.
        n_candidates: Architectures scored, at least 1; None for one of each class of a space that can be listed.
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When `n_candidates` is below 1.
        SpaceError: When it is None, and the space cannot be listed (at the first proposal).
    """

    def __init__(
        self,
        space: SearchSpace,
        score: Callable[[ArchGraph], float],
        *,
        n_candidates: int | None = 1000,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if n_candidates is not None and n_candidates < 1:
            raise ValueError(f"`n_candidates` must be at least 1 or None, but got {n_candidates}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._score = score
        self._n_candidates = n_candidates
        self._ranking: list[Candidate] | None = None

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        if self._ranking is None:
            self._ranking = self._ranked()
        for candidate in self._ranking:
            if candidate.graph.digest not in history.seen:
                yield candidate.params
        yield from self._anything(rng)

    def _ranked(self) -> list[Candidate]:
        if self._n_candidates is None or self._space.size <= self._n_candidates:
            candidates = list(self._space.classes.values())
        else:
            candidates = self._drawn(self._n_candidates)
        scores = [float(self._score(candidate.graph)) for candidate in candidates]
        order = sorted(range(len(scores)), key=lambda k: (math.isnan(scores[k]), -scores[k], k))
        return [candidates[k] for k in order]

    def _drawn(self, count: int) -> list[Candidate]:
        """Random architectures, no two of them isomorphic; fewer where new ones are hard to find."""
        rng = np.random.default_rng([self._seed, _CANDIDATES])
        found: dict[str, Candidate] = {}
        for _ in range(count * _MAX_DRAWS_EACH):
            candidate = self._space.candidate(self._space.sample(rng))
            found.setdefault(candidate.graph.digest, candidate)
            if len(found) == count:
                break
        return list(found.values())
