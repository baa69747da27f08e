"""SMBOSampler: a graph predictor proposes the next architecture of an Optuna study."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from smbo_nas.acquisition import LogEI, get_acquisition
from smbo_nas.observations import PREDICTION_KEY, StudyReader, finished_in_order
from smbo_nas.proposers import Elite, Pool, Proposer, default_proposer
from smbo_nas.resuming import RESUMES_KEY, resumable, resumes
from smbo_nas.spaces import Candidate, Params, SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

    from predictors.architecture.base import ArchitecturePredictor
    from predictors.curves.base import CurvePredictor
    from predictors.graph import ArchGraph
    from smbo_nas.acquisition import Acquisition
    from smbo_nas.observations import Observations

SECONDS_KEY = "smbo_nas:sampler_seconds"
"""System attribute of a trial: seconds the sampler took to propose it."""

_MAX_RANDOM_DRAWS = 1000


class SMBOSampler(BaseSampler):
    """Sequential model-based optimization of architectures.

    The first architectures are random. Then a graph predictor is fitted to the study's trials and the architecture
    with the largest expected improvement (or another `acquisition`) among a pool of candidates is next: the whole space
    where it can be listed, else mutations of the best and random points. Isomorphic architectures are proposed once.
    RUNNING trials count as observed at their predicted value (Ginsbourger, Le Riche and Carraro 2010, "kriging
    believer"). A PRUNED trial enters with the final value that its learning curve predicts and that prediction's
    uncertainty.

    With `thaw`, a stopped training may be proposed again where its expected improvement for each epoch that is left
    exceeds that of a new one for each epoch of a whole training (after Swersky, Snoek and Adams, "Freeze-thaw Bayesian
    optimization", 2014). Such a trial has the parameters of the stopped one, and the number of that in its system
    attribute `smbo_nas:resumes` (`smbo_nas.resuming`); the objective is to go on from its checkpoint and to report the
    epochs before again.

    Every proposal follows from the study, the seed and the trial's number alone, so that another process, or the same
    one restarted, proposes the same.

    Args:
        space: The search space; its parameters are suggested by `space.suggest(trial)`.
        predictor: Architecture predictor; by default `predictors.architecture.AutoPredictor`.
        proposer: Makes the pool of candidates; by default chosen by the size of the space.
        acquisition: What a candidate is worth: a name of `smbo_nas.acquisition.ACQUISITIONS` or an `Acquisition`.
        curve_predictor: Predicts the final value of stopped trials; by default
            `predictors.curves.ParametricCurvePredictor`.
        n_startup_trials: Random architectures before the predictor takes over, at least 1.
        thaw: Whether stopped trainings may be continued; only for objectives that can.
        other_sampler: Samples the study's other parameters (learning rate, width); by default `TPESampler`.
        seed: Seed of every random choice.

    Raises:
        ValueError: When `n_startup_trials` is below 1, there is no such acquisition, or it does not go with `thaw`.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        predictor: ArchitecturePredictor | None = None,
        proposer: Proposer | None = None,
        acquisition: str | Acquisition = "log_ei",
        curve_predictor: CurvePredictor | None = None,
        n_startup_trials: int = 10,
        thaw: bool = False,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if n_startup_trials < 1:
            raise ValueError(f"`n_startup_trials` must be at least 1, but got {n_startup_trials}.")
        self._space = space
        self._predictor = predictor
        self._proposer = proposer or default_proposer(space)
        self._acquisition = get_acquisition(acquisition)
        if thaw and not isinstance(self._acquisition, LogEI):
            raise ValueError(f"`thaw` weighs expected improvements: `acquisition` must be log_ei, got {acquisition!r}.")
        self._curve_predictor = curve_predictor
        self._n_startup_trials = n_startup_trials
        self._thaw = thaw
        self._other_sampler = other_sampler
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._reader: StudyReader | None = None
        # The last fitted predictor by what it was fitted on: saves refits, decides nothing.
        self._fitted: tuple[object, ArchitecturePredictor] | None = None

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
            proposed = self._propose(study, trial)
            params = {name: proposed[name] for name in own}
            self._record(study, trial, SECONDS_KEY, time.perf_counter() - started)
        if rest:
            others = self._others(trial)
            sampled = others.sample_relative(study, trial, rest)
            for name, distribution in rest.items():
                if name not in sampled:
                    sampled[name] = others.sample_independent(study, trial, name, distribution)
            params |= sampled
        return params

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Leaves what is no parameter of the space to the other sampler."""
        self._raise_error_if_multi_objective(study)
        return self._others(trial, param_name).sample_independent(study, trial, param_name, param_distribution)

    def _others(self, trial: FrozenTrial, *names: str) -> BaseSampler:
        """The sampler of the other parameters; the default one is seeded by the trial, as everything here."""
        if self._other_sampler is not None:
            return self._other_sampler
        rng = self._rng(trial, "other", *names)
        return TPESampler(seed=int(rng.integers(2**31)))

    def _rng(self, trial: FrozenTrial, *purpose: str) -> np.random.Generator:
        words = [zlib.crc32(word.encode()) for word in purpose]
        return np.random.default_rng([self._seed, trial.number, *words])

    @staticmethod
    def _record(study: Study, trial: FrozenTrial, key: str, value: Any) -> None:
        study._storage.set_trial_system_attr(trial._trial_id, key, value)

    # -- proposals --------------------------------------------------------------------------------------------------

    def _propose(self, study: Study, trial: FrozenTrial) -> Params:
        if self._reader is None:
            self._reader = StudyReader(self._space, self._curve_predictor or _default_curve_predictor())
        trials = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        seen = self._reader.digests(trials)
        fixed = _fixed_params(trial, self._space)
        rng = self._rng(trial, "architecture")
        finished = finished_in_order(trials)
        if len(finished) < self._n_startup_trials:
            return self._random(seen, fixed, rng)
        observed = self._reader.observations(finished[: refit_point(len(finished))], study.direction)
        if len(observed) < self._n_startup_trials:
            return self._random(seen, fixed, rng)
        pending = [
            candidate.graph
            for t in trials
            if t.state == TrialState.RUNNING and resumes(t) is None  # what was stopped is observed already
            if (candidate := self._reader.candidate(t)) is not None
        ]
        predictor, best = self._fit(observed, pending)
        elites = [Elite(c.params, float(v)) for c, v in zip(observed.candidates, observed.y, strict=True)]
        pool = _agreeing(self._proposer.pool(self._space, elites, seen, rng, predictor), fixed)
        stopped = _stopped(self._reader, trials) if self._thaw and not fixed else []
        if not pool.params and not stopped:
            return self._random(seen, fixed, rng)
        graphs = [*pool.graphs, *(candidate.graph for _, candidate, _ in stopped)]
        left = np.array([1.0] * len(pool.graphs) + [share for _, _, share in stopped])
        worth = self._acquisition(
            predictor, graphs, measured=[*observed.graphs, *pending], best=best, rng=self._rng(trial, "acquisition")
        )
        chosen = int(np.argmax(worth - np.log(left)))
        sign = -1.0 if study.direction.name == "MINIMIZE" else 1.0
        number = None if chosen < len(pool.graphs) else stopped[chosen - len(pool.graphs)][0]
        mean, std = _prediction(predictor, observed, graphs[chosen], number)
        self._record(study, trial, PREDICTION_KEY, {"mean": sign * mean, "std": std})
        if number is None:
            return pool.params[chosen]
        self._record(study, trial, RESUMES_KEY, number)
        return stopped[chosen - len(pool.graphs)][1].params

    def _random(self, seen: frozenset[str], fixed: Params, rng: np.random.Generator) -> Params:
        """What to measure without a model, new where it is found soon."""
        for draw in islice(self._proposer.draws(self._space, seen, rng), _MAX_RANDOM_DRAWS):
            params = draw | fixed
            if self._space.is_valid(params) and self._space.graph(params).digest not in seen:
                return params
        params = self._space.sample(rng)
        return params | fixed if self._space.is_valid(params | fixed) else params

    def _fit(self, observed: Observations, pending: Sequence[Any]) -> tuple[ArchitecturePredictor, float]:
        """The predictor with RUNNING trials believed at their predictions, and the score to improve on."""
        graphs = observed.graphs
        predictor = self._fitted_on(graphs, observed.y, observed.y_std)
        if pending:
            y = np.concatenate([observed.y, predictor.predict(pending)])
            y_std = np.concatenate([observed.y_std, np.zeros(len(pending))])
            predictor = self._fitted_on([*graphs, *pending], y, y_std)
        measured = observed.y[observed.y_std == 0.0]  # what a curve merely promises is no incumbent
        scores = predictor.score_map_.to_scores(measured if len(measured) else observed.y)
        return predictor, float(scores.max())

    def _default_predictor(self) -> ArchitecturePredictor:
        from predictors.architecture import AutoPredictor

        return AutoPredictor(ops=self._space.operations, random_state=self._seed % 2**32)

    def _fitted_on(self, graphs: Sequence[Any], y: Any, y_std: Any) -> ArchitecturePredictor:
        from sklearn.base import clone

        key = (tuple(graph.digest for graph in graphs), tuple(y), tuple(y_std))
        if self._fitted is not None and self._fitted[0] == key:
            return self._fitted[1]
        predictor: ArchitecturePredictor = clone(self._predictor or self._default_predictor())
        predictor.fit(graphs, y, y_std=y_std)
        self._fitted = (key, predictor)
        return predictor


def _stopped(reader: StudyReader, trials: Sequence[FrozenTrial]) -> list[tuple[int, Candidate, float]]:
    """Number, architecture and share left of each stopped training that may go on."""
    complete = [t for t in trials if t.state == TrialState.COMPLETE and t.intermediate_values]
    horizon = max((max(t.intermediate_values) for t in complete), default=0)
    found = []
    for t in resumable(trials):
        candidate = reader.candidate(t)
        last = max(t.intermediate_values, default=horizon)
        if candidate is not None and last < horizon:
            found.append((t.number, candidate, 1.0 - last / horizon))
    return found


def _prediction(
    predictor: ArchitecturePredictor, observed: Observations, graph: ArchGraph, number: int | None
) -> tuple[float, float]:
    """Mean and standard deviation of the final value from the graph; for a stopped trial, without its own curve."""
    if number in observed.numbers:
        row = observed.numbers.index(number)
        held_out = predictor.held_out_
        if np.isfinite(held_out.mean[row]):
            score_std = held_out.std[[row]] * predictor.error_law_.std
            mean, std = predictor.score_map_.value_moments(held_out.mean[[row]], score_std)
            return float(mean[0]), float(std[0])
    mean, std = predictor.predict([graph], return_std=True)
    return float(mean[0]), float(std[0])


def refit_point(n: int) -> int:
    """How many of `n` finished trials the predictor is fitted on.

    All up to 20; then in steps of 10 %, of at most 5 trials up to 100; then in steps of 5 %. The
    steps depend on `n` alone, so a restarted process fits what the one before it did.
    """
    if n <= 20:
        return n
    point = 20
    while point + (step := min(point // 10, 5) if point < 100 else point // 20) <= n:
        point += step
    return point


def _fixed_params(trial: FrozenTrial, space: SearchSpace) -> Params:
    """What is decided already: enqueued parameters, and those a killed process had suggested."""
    enqueued = trial.system_attrs.get("fixed_params", {})
    fixed = {**enqueued, **trial.params}
    return {name: str(fixed[name]) for name in space.choices if name in fixed}


def _agreeing(pool: Pool, fixed: Params) -> Pool:
    """The candidates that keep the fixed parameters."""
    if not fixed:
        return pool
    kept = [k for k, params in enumerate(pool.params) if fixed.items() <= params.items()]
    return Pool(
        params=tuple(pool.params[k] for k in kept),
        graphs=tuple(pool.graphs[k] for k in kept),
        digests=tuple(pool.digests[k] for k in kept),
    )


def _default_curve_predictor() -> CurvePredictor:
    from predictors.curves import ParametricCurvePredictor

    return ParametricCurvePredictor()
