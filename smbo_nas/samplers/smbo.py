"""SMBOSampler: a graph predictor proposes the next architecture of an Optuna study."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from smbo_nas.acquisition import LogEI, get_acquisition
from smbo_nas.hyperparameters import Hyperparameters, JointSpace
from smbo_nas.observations import PREDICTION_KEY, PROMISE_KEY, StudyReader, finished_in_order
from smbo_nas.proposers import JointProposer, Pool, Proposer, default_proposer
from smbo_nas.resuming import RESUMES_KEY
from smbo_nas.samplers.fitted_round import FittedRound
from smbo_nas.samplers.trials import SECONDS_KEY, decided, record, sample_by, stream
from smbo_nas.samplers.warm_start import Start, WarmStart, warm_start_from
from smbo_nas.samplers.weighing import Weighed, heard_since, prediction, stopped_trainings
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

    from predictors.architecture.base import ArchitecturePredictor
    from predictors.curves.base import CurvePredictor
    from predictors.graph import ArchGraph
    from smbo_nas.acquisition import Acquisition

_MAX_RANDOM_DRAWS = 1000
_FEWEST = 4
"""Finished trainings from which on a random one is weighed against what could be trained in its place."""


class SMBOSampler(BaseSampler):
    """Sequential model-based optimization of architectures.

    The first architectures are random. Then a graph predictor is fitted to the study's trials and the architecture
    with the largest expected improvement (or another `acquisition`) among a pool of candidates is next: the whole space
    where it can be listed, else mutations of the best and random points. Isomorphic architectures are proposed once.
    Between two fits, what has finished is conditioned on with the hyperparameters held, and RUNNING trials count as
    observed at their predicted value (Ginsbourger, Le Riche and Carraro 2010, "kriging believer"). A PRUNED trial
    enters with the final value that its learning curve predicts and that prediction's uncertainty.

    With `thaw`, a stopped training may be proposed again where its expected improvement for each epoch that is left
    exceeds that of a new one for each epoch of a whole training (after Swersky, Snoek and Adams, "Freeze-thaw Bayesian
    optimization", 2014). Such a trial has the parameters of the stopped one, and the number of that in its system
    attribute `smbo_nas:resumes` (`smbo_nas.resuming`); the objective is to go on from its checkpoint and to report the
    epochs before again. And once a few trainings have finished, the random ones that are left to start, and enqueued
    ones, are weighed against the best that could be trained in their place (system attribute `smbo_nas:promise`), so
    that `CurvePruner` soon stops those that promise little: they go on when it is their turn.

    Every proposal follows from the study, the seed and the trial's number alone, so that another process, or the same
    one restarted, proposes the same.

    Args:
        space: The search space; its parameters are suggested by `space.suggest(trial)`.
        predictor: Architecture predictor; by default `predictors.architecture.AutoPredictor`.
        proposer: Makes the pool of candidates; by default chosen by the size of the space.
        acquisition: What a candidate is worth: a name of `smbo_nas.acquisition.ACQUISITIONS` or an `Acquisition`.
        curve_predictor: Predicts the final value of stopped trials; by default
            `predictors.curves.default_curve_predictor()`.
        n_startup_trials: Random architectures before the predictor takes over, at least 1.
        thaw: Whether stopped trainings may be continued; only for objectives that can.
        warm_start: What is known beforehand: a study of the same space on another data set or a predictor fitted there,
            to learn from; architectures to begin with; or a path of either (`WarmStart.from_path`).
        other_sampler: Samples the study's other parameters (learning rate, width) without regard to the architecture;
            by default they are searched together with it, once a trial has suggested them.
        seed: Seed of every random choice.

    Raises:
        ValueError: When `n_startup_trials` is below 1, there is no such acquisition, or it does not go with `thaw`.
        WarmStartError: When there is nothing in `warm_start`, or it is of another space.
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
        warm_start: Start | None = None,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if n_startup_trials < 1:
            raise ValueError(f"`n_startup_trials` must be at least 1, but got {n_startup_trials}.")
        self._space = space
        self._predictor = predictor
        self._acquisition = get_acquisition(acquisition)
        if thaw and not isinstance(self._acquisition, LogEI):
            raise ValueError(f"`thaw` weighs expected improvements: `acquisition` must be log_ei, got {acquisition!r}.")
        self._curve_predictor = curve_predictor
        self._n_startup_trials = n_startup_trials
        self._thaw = thaw
        self._other_sampler = other_sampler
        self._seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        start = WarmStart()
        if warm_start is not None:
            start = warm_start_from(warm_start, space, predictor or self._default_predictor())
        self._source = start.source
        self._proposer = start.proposer(proposer or default_proposer(space))
        # What was searched last: saves time, decides nothing.
        self._domain: tuple[Mapping[str, BaseDistribution], _Domain] | None = None
        # The last fitted predictor by what it was fitted on: saves refits, decides nothing.
        self._fitted: tuple[object, FittedRound] | None = None

    # -- Optuna's contract ------------------------------------------------------------------------------------------

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """With `thaw`, weighs an enqueued architecture against what could be trained in its place."""
        if not self._thaw or not decided(trial).keys() >= self._space.choices.keys():
            return
        if self.infer_relative_search_space(study, trial).keys() <= self._space.choices.keys():
            params = {name: str(decided(trial)[name]) for name in self._space.choices}
            self._note_promise(_Asked(study, trial, self._searched({})), params)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The space's parameters, and what is searched with them or what the other sampler would sample together."""
        self._raise_error_if_multi_objective(study)
        if self._other_sampler is None:
            others = Hyperparameters.of(study.get_trials(deepcopy=False), besides=self._space).distributions
        else:
            others = self._other_sampler.infer_relative_search_space(study, trial)
        return {**others, **self._space.distributions()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Proposes an architecture, with its hyperparameters; leaves what else there is to the other sampler."""
        self._raise_error_if_multi_objective(study)
        rest = {name: d for name, d in search_space.items() if name not in self._space.choices}
        params: dict[str, Any] = {}
        if len(rest) < len(search_space):
            started = time.perf_counter()
            domain = self._searched(rest if self._other_sampler is None else {})
            proposed = self._propose(_Asked(study, trial, domain))
            params = {name: proposed[name] for name in search_space if name in proposed}
            record(study, trial, SECONDS_KEY, time.perf_counter() - started)
        rest = {name: d for name, d in rest.items() if name not in params}
        if rest:
            params |= sample_by(self._others(trial), study, trial, rest)
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
        rng = stream(self._seed, trial.number, "other", *names)
        return TPESampler(seed=int(rng.integers(2**31)))

    # -- proposals --------------------------------------------------------------------------------------------------

    def _searched(self, hyperparameters: Mapping[str, BaseDistribution]) -> _Domain:
        """The space alone, or hyperparameters together with it."""
        if self._domain is None or self._domain[0] != hyperparameters:
            space, proposer = self._space, self._proposer
            if hyperparameters:
                space, proposer = JointSpace(space, Hyperparameters(hyperparameters)), JointProposer(proposer)
            reader = StudyReader(space, self._curve_predictor or _default_curve_predictor(), evidence=self._thaw)
            self._domain = hyperparameters, _Domain(space, proposer, reader)
        return self._domain[1]

    def _propose(self, asked: _Asked) -> Params:
        study, trial = asked.study, asked.trial
        fixed, held = _fixed_params(trial, asked.domain.space)
        fitted = None
        if len(asked.finished) >= self._n_startup_trials:
            fitted = self._fitted_on(asked.finished, study.direction, asked.domain)
        choice = None if fitted is None else self._weighed(asked, fitted, fixed, held)
        if fitted is None or choice is None or not choice.graphs:
            params = self._random(asked, fixed)
            if self._thaw:
                self._note_promise(asked, params)
            return params
        chosen = int(np.argmax(choice.worth))
        mean, std = prediction(fitted, choice.joint, choice.graphs[chosen], choice.numbers[chosen])
        sign = _sign(study)
        record(study, trial, PREDICTION_KEY, {"mean": sign * mean, "std": std})
        if self._thaw:
            record(study, trial, PROMISE_KEY, 1.0)
        if choice.numbers[chosen] is not None:
            record(study, trial, RESUMES_KEY, choice.numbers[chosen])
        return choice.params[chosen]

    def _note_promise(self, asked: _Asked, params: Params) -> None:
        """Records what an architecture that was not chosen for it is worth beside the best that could be trained."""
        fitted = self._fitted_on(asked.finished, asked.study.direction, asked.domain)
        if fitted is None or not asked.domain.space.is_valid(params):
            return
        rivals = self._weighed(asked, fitted, {}, {}, besides=[asked.domain.space.graph(params)])
        if rivals.graphs:
            share = float(np.exp(min(rivals.besides[0] - rivals.worth.max(), 0.0)))
            record(asked.study, asked.trial, PROMISE_KEY, share)

    def _weighed(
        self,
        asked: _Asked,
        fitted: FittedRound,
        fixed: Params,
        held: Mapping[str, Any],
        *,
        besides: Sequence[ArchGraph] = (),
    ) -> Weighed:
        """What may be trained next and agrees with what is fixed and held, and what each is worth.

        Args:
            asked: The trial that asks, and the study's others.
            fitted: What is known.
            fixed: Parameters of the architecture.
            held: Other parameters.
            besides: Architectures to be weighed with them, a whole training each.
        """
        domain, seen = asked.domain, asked.seen
        shortlist = fitted.shortlist(seen, fixed)
        if held:
            shortlist = Pool.of(domain.space, ({**params, **held} for params in shortlist.params), seen)
        thaw = self._thaw and not fixed and not held
        stopped = stopped_trainings(domain.reader, asked.trials, fitted.observed) if thaw else []
        fresh = shortlist.only(
            digest not in seen and fixed.items() <= params.items()
            for digest, params in zip(shortlist.digests, shortlist.params, strict=True)
        )
        later = asked.finished[self._refit_point(len(asked.finished)) :]
        since = heard_since(domain.reader, fitted, asked.trials, later, _sign(asked.study))
        begun = [candidate.graph for candidate, _ in since]
        continued = [candidate.graph for _, candidate, _ in stopped]
        scores = {candidate.graph.digest: score for candidate, score in since}
        joint = fitted.joint(shortlist.graphs, [*begun, *continued, *besides]).given(scores)
        graphs = [*fresh.graphs, *continued]
        if not graphs:
            return Weighed((), (), (), np.empty(0), np.empty(0), joint)
        worth = self._acquisition(
            joint,
            [*graphs, *besides],
            measured=[*fitted.incumbents, *begun],
            best=max([fitted.best, *(score for score in scores.values() if not np.isnan(score))]),
            rng=stream(self._seed, asked.trial.number, "acquisition"),
        )
        left = np.array([1.0] * len(fresh.graphs) + [share for _, _, share in stopped])
        return Weighed(
            graphs,
            [*fresh.params, *(candidate.params for _, candidate, _ in stopped)],
            [*[None] * len(fresh.graphs), *(k for k, _, _ in stopped)],
            worth[: len(graphs)] - np.log(left),
            worth[len(graphs) :],
            joint,
        )

    def _random(self, asked: _Asked, fixed: Params) -> Params:
        """What to measure without a model, new where it is found soon."""
        space, rng = asked.domain.space, stream(self._seed, asked.trial.number, "architecture")
        for draw in islice(asked.domain.proposer.draws(space, asked.seen, rng), _MAX_RANDOM_DRAWS):
            params = draw | fixed
            if space.is_valid(params) and space.graph(params).digest not in asked.seen:
                return params
        params = space.sample(rng)
        return params | fixed if space.is_valid(params | fixed) else params

    def _default_predictor(self) -> ArchitecturePredictor:
        from predictors.architecture import AutoPredictor

        return AutoPredictor(ops=self._space.operations, random_state=self._seed % 2**32)

    def _refit_point(self, n: int) -> int:
        """How many of `n` finished trials the predictor is fitted on; decided by `n` alone."""
        return refit_point(n)

    def _fitted_on(self, finished: list[FrozenTrial], direction: StudyDirection, domain: _Domain) -> FittedRound | None:
        """The predictor fitted on the finished trials up to `_refit_point`, or None where these are too few."""
        from sklearn.base import clone

        finished = finished[: self._refit_point(len(finished))]
        key = (domain, direction, finished)
        if self._fitted is not None and self._fitted[0] == key:
            return self._fitted[1]
        least = min(self._n_startup_trials, _FEWEST) if self._thaw else self._n_startup_trials
        if len(finished) < least:
            return None
        observed = domain.reader.observations(finished, direction)
        if len(observed) < least:
            return None
        predictor: ArchitecturePredictor = clone(self._predictor or self._default_predictor())
        predictor.fit(observed.graphs, observed.y, y_std=observed.y_std, source=self._source)
        fitted = FittedRound(
            domain.space,
            domain.proposer,
            self._acquisition,
            predictor=predictor,
            observed=observed,
            n_finished=len(finished),
            seed=self._seed,
        )
        self._fitted = (key, fitted)
        return fitted


@dataclass(frozen=True, eq=False)
class _Domain:
    """What is searched, architectures alone or with hyperparameters, and who proposes and reads its points."""

    space: SearchSpace
    proposer: Proposer
    reader: StudyReader


@dataclass(frozen=True, eq=False)
class _Asked:
    """A trial that asks what to train, and what its study holds beside it, read once."""

    study: Study
    trial: FrozenTrial
    domain: _Domain

    @cached_property
    def trials(self) -> list[FrozenTrial]:
        """The others."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.number != self.trial.number]

    @cached_property
    def finished(self) -> list[FrozenTrial]:
        """Those of them that have finished, in the order in which they did."""
        return finished_in_order(self.trials)

    @cached_property
    def seen(self) -> frozenset[str]:
        """Digests of what they trained."""
        return self.domain.reader.digests(self.trials)


def _sign(study: Study) -> float:
    return -1.0 if study.direction == StudyDirection.MINIMIZE else 1.0


def refit_point(n: int) -> int:
    """How many of `n` finished trials the predictor is fitted on.

    All up to 20; then in steps of 10 %, of at most 10 trials up to 200; then in steps of 5 %. The
    steps depend on `n` alone, so a restarted process fits what the one before it did.
    """
    if n <= 20:
        return n
    point = 20
    while point + (step := min(point // 10, 10) if point < 200 else point // 20) <= n:
        point += step
    return point


def _fixed_params(trial: FrozenTrial, space: SearchSpace) -> tuple[Params, dict[str, Any]]:
    """What is decided already, enqueued or suggested before a process was killed: architecture and other parameters."""
    fixed = decided(trial)
    others = space.hyperparameters.distributions if isinstance(space, JointSpace) else {}
    return (
        {name: str(fixed[name]) for name in space.choices if name in fixed},
        {name: fixed[name] for name in others if name in fixed},
    )


def _default_curve_predictor() -> CurvePredictor:
    from predictors.curves import default_curve_predictor

    return default_curve_predictor()
