"""LocalSearchSampler: the neighbours of the best, and restarts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History, Outcome, Replay
from smbo_nas.spaces import Params, SearchSpace


@dataclass
class _Climb:
    """Where the climbs have led.

    Attributes:
        known: The first outcome of each architecture, by digest.
        starts: The random architectures before a climb, as long as there is no incumbent.
        incumbent: The architecture whose neighbours are trained.
        around: Its neighbours, by digest.
        tried: What ended since the incumbent was taken or its last neighbours were compared with it.
    """

    known: dict[str, Outcome] = field(default_factory=dict)
    starts: list[Outcome] = field(default_factory=list)
    incumbent: Outcome | None = None
    around: dict[str, Params] = field(default_factory=dict)
    tried: list[Outcome] = field(default_factory=list)


class LocalSearchSampler(ArchitectureSampler):
    """Local search: the neighbours of an incumbent are trained, a better one takes its place; else a new start.

    White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021 (2020 as "Local
    Search is State of the Art for NAS Benchmarks"): their algorithm 1 trains all neighbours before it moves
    (`neighbours=None`); the variant that they use for NAS-Bench-201 moves to the first that is better (`neighbours=1`).
    With `neighbours=8` it is the hill climbing of NASH (Elsken, Metzen and Hutter, "Simple and Efficient Architecture
    Search for Convolutional Neural Networks", 2017, algorithm 1), which trains eight children, then moves.

    Neighbours differ in one parameter. Where all of them are known and none is better, a new climb begins from the best
    of `n_startup_trials` random architectures.

    Departures: isomorphic architectures are trained once. NASH's children inherit weights and are made by network
    morphisms, which is the evaluator's affair here; where all have been tried, it has no restart.

    Args:
        space: As `ArchitectureSampler`.
        neighbours: How many are trained before the search moves to the best of them where that is better, at least 1;
            None for all.
        n_startup_trials: Random architectures of which the best begins a climb, at least 1.
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When a number is below 1.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        neighbours: int | None = 1,
        n_startup_trials: int = 10,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if neighbours is not None and neighbours < 1:
            raise ValueError(f"`neighbours` must be at least 1 or None, but got {neighbours}.")
        if n_startup_trials < 1:
            raise ValueError(f"`n_startup_trials` must be at least 1, but got {n_startup_trials}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._neighbours = neighbours
        self._n_startup_trials = n_startup_trials
        self._replay = Replay(_Climb, self._step)

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        around = list(self._replay(history.outcomes).around.values())
        for k in rng.permutation(len(around)):
            yield around[k]
        yield from self._anything(rng)

    def _step(self, climb: _Climb, outcome: Outcome) -> None:
        climb.known.setdefault(outcome.digest, outcome)
        if climb.incumbent is None:
            climb.starts.append(outcome)
            if len(climb.starts) < self._n_startup_trials:
                return
            self._move(climb, _best(climb.starts))
        else:
            climb.tried.append(outcome)
            if self._neighbours is not None and len(climb.tried) >= self._neighbours:
                better, climb.tried = _best(climb.tried), []
                if better.value > climb.incumbent.value:
                    self._move(climb, better)
        while climb.incumbent is not None and climb.around.keys() <= climb.known.keys():
            incumbent = climb.incumbent
            better = _best([incumbent, *(climb.known[digest] for digest in climb.around)])
            if better.value > incumbent.value:
                self._move(climb, better)
            else:
                climb.incumbent, climb.around, climb.starts = None, {}, []

    def _move(self, climb: _Climb, to: Outcome) -> None:
        climb.incumbent, climb.tried, climb.around = to, [], {}
        for params in self._space.neighbours(to.params):
            digest = self._reader.digest(params)
            if digest is not None:
                climb.around.setdefault(digest, params)


def _best(outcomes: list[Outcome]) -> Outcome:
    return max(outcomes, key=lambda outcome: outcome.value)
