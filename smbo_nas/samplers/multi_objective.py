"""MultiObjectiveSMBOSampler: what is expensive is predicted, what is cheap is computed."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from smbo_nas.proposers import Elite, Pool, Proposer, default_proposer
from smbo_nas.proposers.feasible import FeasibleProposer
from smbo_nas.pruners.trial_curve import trial_curve
from smbo_nas.samplers.pareto_round import Computed, Learned, Objective, ParetoRound, architecture
from smbo_nas.samplers.smbo import SMBOSampler, _Asked, _Domain, _fixed_params
from smbo_nas.samplers.trials import stream
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from optuna.study import Study

    from predictors.architecture.base import ArchitecturePredictor
    from predictors.graph import ArchGraph
    from smbo_nas.objectives import Cost

Array = NDArray[np.float64]


class MultiObjectiveSMBOSampler(SMBOSampler):
    """Sequential model-based optimization of several objectives: accuracy with parameters, FLOPs or latency.

    An objective that is known without training is computed for every candidate; a predictor learns each of the others.
    The architecture that is expected to add most to the hypervolume of the Pareto front is next (BoTorch's
    `qExpectedHypervolumeImprovement`, and with RUNNING trials `qLogNoisyExpectedHypervolumeImprovement`; `ParetoRound`
    says how). The front is the study's: `study.best_trials`. Of the points that are the same architecture
    (`SearchSpace.alike`), one that no other beats in the computed objectives is proposed.

    Constraints of the study (`trial.set_constraint`) are predicted too: an infeasible trial is not on the front, and a
    candidate counts as much as it is likely to be feasible. What `constraints` computes is never broken.

    A trial that was stopped early enters with the final value that its curve predicts for the first objective that is
    not computed; `smbo_nas.pruners.trial_curve.TrialCurve` reports curves in studies of any number of objectives.

    In a study with one objective this is `SMBOSampler`.

    Args:
        space: As `SMBOSampler`.
        computed: For the index of an objective, the function of a graph that gives its value exactly, such as those of
            `smbo_nas.objectives`; all others are predicted, and one must be.
        constraints: Functions of a graph that must be at most 0.
        predictor: As `SMBOSampler`; one is fitted for each objective.
        proposer: As `SMBOSampler`.
        n_startup_trials: As `SMBOSampler`.
        settings: The other arguments of `SMBOSampler`: `curve_predictor`, `warm_start` (for the first objective that is
            predicted), `other_sampler`, `seed`.

    Raises:
        ValueError: When an index is negative, or as `SMBOSampler`.

    Example:
        >>> size = parameters(space, input_shape=(3, 32, 32), num_classes=10)
        >>> sampler = MultiObjectiveSMBOSampler(space, computed={1: size}, seed=0)
        >>> study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
        >>> study.optimize(lambda trial: train(candidate := space.suggest(trial)), size(candidate.graph)), 100)
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        computed: Mapping[int, Cost] | None = None,
        constraints: Sequence[Cost] = (),
        predictor: ArchitecturePredictor | None = None,
        proposer: Proposer | None = None,
        n_startup_trials: int = 10,
        **settings: Any,
    ) -> None:
        self._computed = dict(computed or {})
        self._constraints = tuple(constraints)
        if any(index < 0 for index in self._computed):
            raise ValueError(f"`computed` must have indices of objectives, from 0, but got {sorted(self._computed)}.")
        proposer = proposer or default_proposer(space)
        if constraints:
            proposer = FeasibleProposer(proposer, constraints)
        super().__init__(space, predictor=predictor, proposer=proposer, n_startup_trials=n_startup_trials, **settings)
        # What was fitted last by what it was fitted on: saves refits, decides nothing.
        self._round: tuple[object, ParetoRound] | None = None

    def _raise_error_if_multi_objective(self, study: Study) -> None:
        """Any number will do, if one is left to predict.

        Raises:
            ValueError: When every objective is computed, or one that the study does not have.
        """
        objectives = range(len(study.directions))
        if not self._computed.keys() < set(objectives):
            raise ValueError(
                f"`computed` must be some but not all of the study's {len(objectives)} objectives, counted from 0, "
                f"but got {sorted(self._computed)}."
            )

    # -- proposals --------------------------------------------------------------------------------------------------

    def _propose(self, asked: _Asked) -> Params:
        directions = asked.study.directions
        if len(directions) == 1:
            return super()._propose(asked)
        fixed, held = _fixed_params(asked.trial, asked.domain.space)
        demanded = {**fixed, **held}
        params = self._chosen(asked, fixed, demanded)
        return self._cheapest(params, demanded, _signs(directions), asked.domain)

    def _chosen(self, asked: _Asked, fixed: Params, demanded: Mapping[str, Any]) -> Params:
        domain, directions, finished = asked.domain, asked.study.directions, asked.finished
        n = self._refit_point(len(finished))
        fitted = self._fitted_round(finished[:n], directions, domain)
        if fitted is None:
            return self._random(asked, fixed)
        pool = fitted.pool
        kept = [
            k
            for k, (digest, params) in enumerate(zip(pool.digests, pool.params, strict=True))
            if digest not in asked.seen and demanded.items() <= params.items()
        ]
        if not kept:
            return self._random(asked, fixed)
        signs = _signs(directions)
        feasible = [t for t in finished if _has_values(t) and all(c <= 0.0 for c in t.constraints.values())]
        front = np.array([signs * np.asarray(t.values) for t in feasible if domain.reader.candidate(t) is not None])
        chosen = fitted.choose(
            kept,
            front.reshape(-1, len(signs)),
            pending=_graphs([t for t in asked.trials if t.state == TrialState.RUNNING], domain),
            since={
                g: signs * np.asarray(t.values) for t in finished[n:] if _has_values(t) for g in _graphs([t], domain)
            },
            rng=stream(self._seed, asked.trial.number, "acquisition"),
        )
        return pool.params[chosen]

    def _cheapest(self, params: Params, demanded: Mapping[str, Any], signs: Array, domain: _Domain) -> Params:
        """The same architecture at a point that no other beats in what is computed; keeps what is demanded."""
        costs = [(signs[k], cost) for k, cost in sorted(self._computed.items())]
        best = None
        while costs and params is not best:
            best, graph = params, architecture(domain.space.graph(params))
            worth = np.array([sign * cost(graph) for sign, cost in costs])
            for other in domain.space.alike(best):
                graph = architecture(domain.space.graph(other))
                if demanded.items() <= other.items() and all(limit(graph) <= 0.0 for limit in self._constraints):
                    found = np.array([sign * cost(graph) for sign, cost in costs])
                    if (found >= worth).all() and (found > worth).any():
                        params, worth = other, found
        return params

    def _fitted_round(
        self, finished: list[FrozenTrial], directions: Sequence[StudyDirection], domain: _Domain
    ) -> ParetoRound | None:
        """What is known after some trials, or None where they are too few."""
        key = (domain, directions, finished)
        if self._round is not None and self._round[0] == key:
            return self._round[1]
        signs, rng = _signs(directions), stream(self._seed, len(finished), "outlook")
        objectives: list[Objective] = []
        learned: list[Learned] = []
        for k, direction in enumerate(directions):
            if k in self._computed:
                objectives.append(Computed(self._computed[k], signs[k]))
                continue
            views = [_only(t, k, curve=not learned) for t in finished]
            source = None if learned else self._source  # what a warm start knows is of the first
            one = self._learned(views, direction, domain, rng, least=self._n_startup_trials, source=source)
            if one is None:
                return None
            learned.append(one)
            objectives.append(one)
        names = sorted({name for t in finished for name in t.constraints})
        limited = (_constraint(finished, name) for name in names)
        limits = [self._learned(views, StudyDirection.MAXIMIZE, domain, rng, least=2) for views in limited]
        pool = self._pool(finished, signs, learned[0].predictor, domain)
        if not pool.graphs:
            return None
        fitted = ParetoRound(pool, objectives, [limit for limit in limits if limit is not None])
        self._round = key, fitted
        return fitted

    def _learned(
        self,
        trials: list[FrozenTrial],
        direction: StudyDirection,
        domain: _Domain,
        rng: np.random.Generator,
        *,
        least: int,
        source: ArchitecturePredictor | None = None,
    ) -> Learned | None:
        """A predictor of what trials of one objective say, or None where they are too few."""
        from sklearn.base import clone

        observed = domain.reader.observations(trials, direction)
        if len(observed) < least:
            return None
        predictor: ArchitecturePredictor = clone(self._predictor or self._default_predictor())
        predictor.fit(observed.graphs, observed.y, y_std=observed.y_std, source=source)
        return Learned(predictor, rng)

    def _pool(
        self, finished: Sequence[FrozenTrial], signs: Array, predictor: ArchitecturePredictor, domain: _Domain
    ) -> Pool:
        """Candidates; the elites that some proposers begin with are of the first fronts."""
        from smbo_nas.hypervolume import layers

        done = [(t, c) for t in finished if _has_values(t) and (c := domain.reader.candidate(t)) is not None]
        ranks = layers(np.array([signs * np.asarray(t.values) for t, _ in done]).reshape(-1, len(signs)))
        elites = [Elite(c.params, -float(rank)) for (_, c), rank in zip(done, ranks, strict=True)]
        seen = domain.reader.digests(finished)
        rng = stream(self._seed, len(finished), "pool")
        return domain.proposer.pool(domain.space, elites, seen, rng, predictor)


def _signs(directions: Sequence[StudyDirection]) -> Array:
    return np.array([-1.0 if direction == StudyDirection.MINIMIZE else 1.0 for direction in directions])


def _has_values(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE and trial.values is not None and bool(np.isfinite(trial.values).all())


def _graphs(trials: Sequence[FrozenTrial], domain: _Domain) -> list[ArchGraph]:
    return [c.graph for t in trials if (c := domain.reader.candidate(t)) is not None]


def _only(trial: FrozenTrial, k: int, *, curve: bool) -> FrozenTrial:
    """The trial as if objective `k` were the only one, with the curve that it reported if that is of this objective."""
    view = copy.copy(trial)
    view.values = None if trial.values is None or trial.state != TrialState.COMPLETE else [trial.values[k]]
    view.intermediate_values = trial_curve(trial) if curve else {}
    return view


def _constraint(trials: Sequence[FrozenTrial], name: str) -> list[FrozenTrial]:
    """The trials as if a constraint were their objective, where they have it."""
    views = []
    for trial in trials:
        if name in trial.constraints:
            view = copy.copy(trial)
            view.values, view.intermediate_values, view.state = [trial.constraints[name]], {}, TrialState.COMPLETE
            views.append(view)
    return views
