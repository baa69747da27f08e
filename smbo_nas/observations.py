"""From an Optuna study to what the predictors learn from: curves, graphs, values, and uncertain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from predictors.architecture.inputs import Described
from predictors.curves.base import CurvePredictor
from predictors.curves.learning import last_values
from predictors.curves.prior import evidence
from predictors.graph import ArchGraph
from smbo_nas.resuming import superseded
from smbo_nas.spaces import Candidate, SearchSpace

PREDICTION_KEY = "smbo_nas:prediction"
"""System attribute of a trial: mean and std of its value as predicted from its graph when it was proposed."""
PROMISE_KEY = "smbo_nas:promise"
"""System attribute of a trial: its expected improvement as a share of that of the best that could be trained."""


@dataclass(frozen=True)
class Observations:
    """Architectures with a value, larger is better.

    Attributes:
        candidates: `n` architectures.
        y: Their values, `(n,)`; the predicted final value where training was stopped.
        y_std: Standard deviation of each value, `(n,)`: 0 where it was measured to the end.
        numbers: The trial that each value is from.
    """

    candidates: tuple[Candidate, ...]
    y: NDArray[np.float64]
    y_std: NDArray[np.float64]
    numbers: tuple[int, ...]

    @property
    def graphs(self) -> tuple[ArchGraph, ...]:
        """The graphs of the candidates."""
        return tuple(candidate.graph for candidate in self.candidates)

    def __len__(self) -> int:
        return len(self.candidates)


class StudyReader:
    """Reads studies over one space; keeps the graphs it made, which the study determines.

    Args:
        space: The space of the architecture parameters; trials without all of them are left out.
        curve_predictor: Predicts the final value of stopped trials from their curves.
        evidence: As for `FinalValues`.
    """

    def __init__(self, space: SearchSpace, curve_predictor: CurvePredictor, *, evidence: bool = False) -> None:
        self._space = space
        self._names = tuple(space.distributions())
        self._candidates: dict[tuple[object, ...], Candidate | None] = {}
        # By number, for storages that hand out one object for a trial that ended: its params need no second look.
        self._ended: dict[int, tuple[FrozenTrial, Candidate | None]] = {}
        self._final_of = FinalValues(curve_predictor, evidence=evidence)

    def candidate(self, trial: FrozenTrial) -> Candidate | None:
        """The trial's architecture, or None where it has none of this space (yet)."""
        known = self._ended.get(trial.number)
        if known is not None and known[0] is trial:
            return known[1]
        given = trial.params
        key = tuple([given.get(name) for name in self._names])
        if key not in self._candidates:
            params = {name: given[name] for name in self._names if name in given}
            valid = self._space.is_valid(params)
            self._candidates[key] = self._space.candidate(params) if valid else None
        if trial.state.is_finished():
            self._ended[trial.number] = trial, self._candidates[key]
        return self._candidates[key]

    def digests(self, trials: Sequence[FrozenTrial]) -> frozenset[str]:
        """Digests of the trials' architectures, and of these with their hyperparameters, whatever became of them."""
        graphs = [c.graph for c in map(self.candidate, trials) if c is not None]
        alone = [row.graph for row in graphs if isinstance(row, Described)]
        return frozenset(graph.digest for graph in [*graphs, *alone])

    def observations(self, trials: Sequence[FrozenTrial], direction: StudyDirection) -> Observations:
        """What finished trials say about their architectures.

        A PRUNED trial enters with the final value its curve predicts, learned from the COMPLETE trials' curves, and
        that prediction's standard deviation; it is left out while no complete trial has reported a curve, and once
        another trial has continued it.
        """
        over = superseded(trials)
        complete = [t for t in trials if t.state == TrialState.COMPLETE and self.candidate(t) is not None]
        complete = [t for t in complete if t.value is not None]
        pruned = [t for t in trials if t.state == TrialState.PRUNED and self.candidate(t) is not None]
        pruned = [t for t in pruned if t.number not in over]
        y = [float(t.values[0]) for t in complete]
        std = [0.0] * len(y)
        predicted = self._final_of(complete, pruned)
        stopped = [t for t in pruned if t.number in predicted]
        y += [predicted[t.number][0] for t in stopped]
        std += [predicted[t.number][1] for t in stopped]
        values = np.asarray(y, dtype=np.float64)
        if direction == StudyDirection.MINIMIZE:
            values = -values
        finite = values[np.isfinite(values)]
        if len(finite) < len(values):  # an infinite objective value is the worst or best there is
            low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
            values = np.clip(values, low, high)
        candidates = tuple(c for c in map(self.candidate, [*complete, *stopped]) if c is not None)
        numbers = tuple(t.number for t in [*complete, *stopped])
        return Observations(candidates, values, np.asarray(std, dtype=np.float64), numbers)


class FinalValues:
    """Predicts the final values of stopped trials from their curves; keeps the last fit, which the trials determine.

    Args:
        predictor: Fitted, as a clone, on the curves of complete trials.
        evidence: Whether to say what a curve speaks for by itself, without what is common to all (`evidence`), for
            trainings that are weighed again: a short curve says "about the median of all", and taken as a measurement
            that draws down what its graph promises. What is stopped for good is told as predicted.
    """

    def __init__(self, predictor: CurvePredictor, *, evidence: bool = False) -> None:
        self._predictor = predictor
        self._evidence = evidence
        self._fitted: tuple[object, CurvePredictor] | None = None

    def __call__(
        self, complete: Sequence[FrozenTrial], stopped: Sequence[FrozenTrial]
    ) -> dict[int, tuple[float, float]]:
        """Mean and standard deviation of what each stopped trial's curve says of its value, in the study's units.

        By number. The mean is the median of the predicted value, the deviation that of its bulk,
        or what they are of the evidence. Nothing is said without a complete curve to learn from, or of a trial without
        a finite value.
        """
        stopped = [t for t in stopped if any(np.isfinite(v) for v in t.intermediate_values.values())]
        finished = [t for t in complete if any(np.isfinite(v) for v in t.intermediate_values.values())]
        if not stopped or not finished:
            return {}
        steps, curves = curve_matrix([*finished, *stopped])
        predictor = self._fit((tuple(t.number for t in finished), tuple(steps)), curves[: len(finished)])
        begun = curves[len(finished) :]
        mean, std = predictor.predictive(begun).bulk()
        if self._evidence:
            (center,), (spread,) = predictor.predictive(np.full((1, 1), np.nan)).bulk()
            ends = last_values(curves[: len(finished)])
            mean, std = evidence(mean, std, (float(center), float(spread)), (float(ends.min()), float(ends.max())))
        return {
            t.number: (float(m), float(s))
            for t, m, s in zip(stopped, mean, std, strict=True)
            if np.isfinite(m) and np.isfinite(s)
        }

    def _fit(self, key: object, curves: NDArray[np.float64]) -> CurvePredictor:
        from sklearn.base import clone

        if self._fitted is None or self._fitted[0] != key:
            self._fitted = (key, clone(self._predictor).fit(curves))
        return self._fitted[1]


def finished_in_order(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """COMPLETE and PRUNED trials in the order in which they ended."""
    done = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    return sorted(done, key=lambda t: (t.datetime_complete or t.datetime_start, t.number))


def curve_matrix(
    trials: Sequence[FrozenTrial],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The learning curves of trials on one common axis.

    Args:
        trials: Trials in any state, with or without reported values.

    Returns:
        The sorted union of the reported steps, shape `(n_steps,)`, and the values reported there,
        shape `(n_trials, n_steps)`, NaN where a trial reported none (or reported NaN).
    """
    steps = sorted({step for trial in trials for step in trial.intermediate_values})
    column = {step: index for index, step in enumerate(steps)}
    curves = np.full((len(trials), len(steps)), np.nan)
    for row, trial in enumerate(trials):
        for step, value in trial.intermediate_values.items():
            curves[row, column[step]] = value
    return np.array(steps, dtype=np.int64), curves
