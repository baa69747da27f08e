"""ArchitectureSampler: what the search strategies share; each says only which architectures it would try, in turn."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from smbo_nas.samplers.history import History, HistoryReader
from smbo_nas.samplers.trials import SECONDS_KEY, decided, record, sample_by, stream
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

REPEATS_KEY = "smbo_nas:repeats"
"""System attribute of a trial whose architecture is not new: the number of the first trial that had it."""

_MAX_DRAWS = 1000


class ArchitectureSampler(BaseSampler):
    """A search strategy as an Optuna sampler: a subclass says which architectures it would try, in turn (`_draws`).

    The first of them that is no isomorphic repeat of a trial's is proposed. Where none of 1,000 is new, a random one
    is; where nothing new is left in a space that can be listed, or found in a larger one, a repeat, which is marked by
    the system attribute `smbo_nas:repeats`. Parameters that are fixed (enqueued, or suggested before a process was
    killed) stay as they are. Parameters of the study that are not the space's go to another sampler.

    Every proposal follows from the study, the seed and the trial's number alone.

    Args:
        space: The search space; its parameters are suggested by `space.suggest(trial)`.
        other_sampler: Samples the study's other parameters (learning rate, width); by default at random.
        seed: Seed of every random choice.
    """

    def __init__(
        self, space: SearchSpace, *, other_sampler: BaseSampler | None = None, seed: int | None = None
    ) -> None:
        self._space = space
        self._other_sampler = other_sampler
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._reader = HistoryReader(space)
        self._lock = threading.Lock()  # workers that are threads share what is kept

    @abstractmethod
    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        """Valid architectures in the order in which they are to be tried; one that is passed over was seen or unfit.

        Args:
            history: What the study has shown.
            rng: Of the trial; the only source of randomness that may differ between trials.
        """

    # -- Optuna's contract ------------------------------------------------------------------------------------------

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The space's parameters, and what the other sampler would sample together."""
        self._raise_error_if_multi_objective(study)
        others = self._others(trial).infer_relative_search_space(study, trial)
        return {**others, **self._space.distributions()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Proposes an architecture; leaves what is no parameter of the space to the other sampler."""
        self._raise_error_if_multi_objective(study)
        own = [name for name in search_space if name in self._space.choices]
        rest = {name: d for name, d in search_space.items() if name not in self._space.choices}
        params: dict[str, Any] = {}
        if own:
            started = time.perf_counter()
            with self._lock:
                proposed = self._propose(study, trial)
            params = {name: proposed[name] for name in own}
            record(study, trial, SECONDS_KEY, time.perf_counter() - started)
        if rest:
            params |= sample_by(self._others(trial), study, trial, rest)
        return params

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Leaves what is no parameter of the space to the other sampler."""
        self._raise_error_if_multi_objective(study)
        return self._others(trial, param_name).sample_independent(study, trial, param_name, param_distribution)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}  # a lock cannot be copied

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def _others(self, trial: FrozenTrial, *names: str) -> BaseSampler:
        if self._other_sampler is not None:
            return self._other_sampler
        return RandomSampler(seed=int(stream(self._seed, trial.number, "other", *names).integers(2**31)))

    # -- proposals --------------------------------------------------------------------------------------------------

    def _propose(self, study: Study, trial: FrozenTrial) -> Params:
        known = decided(trial)
        fixed = {name: str(known[name]) for name in self._space.choices if name in known}
        if len(fixed) == len(self._space.choices):
            return fixed
        history = self._reader.read(study, trial)
        rng = stream(self._seed, trial.number, "architecture")
        found = self._first_new(self._draws(history, rng), history.seen, fixed)
        if found is None:
            found = self._first_new(self._anything(rng), history.seen, fixed)
        if found is None and self._space.is_enumerable:
            # Not by the number of draws: what is left of a large class of isomorphic cells may be rare.
            left = [c.params for digest, c in self._space.classes.items() if digest not in history.seen]
            agreeing = [params for params in left if fixed.items() <= params.items()]
            found = agreeing[rng.integers(len(agreeing))] if agreeing else None
        if found is not None:
            return found
        repeat = next(self._agreeing(self._draws(history, rng), fixed), None)
        if repeat is None:
            repeat = next(self._agreeing(self._anything(rng), fixed), self._space.sample(rng))
        first = history.seen.get(self._space.graph(repeat).digest)
        if first is not None:
            record(study, trial, REPEATS_KEY, first)
        return repeat

    def _first_new(self, draws: Iterator[Params], seen: Mapping[str, int], fixed: Params) -> Params | None:
        agreeing = self._agreeing(draws, fixed)
        return next((params for params in agreeing if self._reader.digest(params) not in seen), None)

    def _agreeing(self, draws: Iterator[Params], fixed: Params) -> Iterator[Params]:
        """The first draws with the fixed parameters put in, where that is valid."""
        for draw in islice(draws, _MAX_DRAWS):
            params = draw | fixed
            if self._reader.digest(params) is not None:
                yield params

    def _anything(self, rng: np.random.Generator) -> Iterator[Params]:
        while True:
            yield self._space.sample(rng)
