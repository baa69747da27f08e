"""An Optuna pruner that extrapolates learning curves."""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from optuna.pruners import BasePruner
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from predictors.curves import CurvePredictor
from smbo_nas.observations import PREDICTION_KEY, PROMISE_KEY, curve_matrix
from smbo_nas.pruners.policy import StopPolicy, StopVerdict
from smbo_nas.resuming import resumes

_logger = logging.getLogger(__name__)

_TRY = 0.1
"""Share of a whole training that a continued one gets before it may be stopped again."""
_STRETCH, _BELIEF = 2.0, 5.0
"""How many times too narrow a sampler's predictions are taken to be, as if seen in so many trials."""


class CurvePruner(BasePruner):
    """Prunes a trial whose learning curve is unlikely to end above the best one.

    The curves of the COMPLETE trials say how curves in this study go on; the final value of the
    running trial is predicted from its curve so far, and the trial is pruned when the probability
    that it beats the incumbent, for each step that is left, has fallen below `risk` times what it was at first. See
    `StopPolicy` for the rule and `predictors.curves.PFNCurvePredictor` for the model. What is compared are the last
    reported values, so report the metric that the objective returns. Where the sampler continues stopped trainings
    (`SMBOSampler(thaw=True)`), a random start also gives way when it promises less than what could be trained in its
    place. Nothing is kept that is not in the storage, so any number of workers may use pruners of their own.

    Args:
        predictor: Predictor of final values; `default_curve_predictor()` if None.
        risk: Share of the trainings that would have beaten the incumbent that may be pruned; None takes 0.2, and 0.9
            where a pruned training may go on (`SMBOSampler(thaw=True)`). In simulated searches of 24 trials x
            12 epochs (tests/smbo_nas/pruners/test_study.py) 0.1, 0.2 and 0.5 save 19, 26 and 38 % of the epochs; at 0.5
            two of 24 searches lose the best network, with the others none.
        k: The value to beat is the k-th best last value of the COMPLETE trials.
        n_startup_trials: No pruning before this many trials are COMPLETE.
        n_warmup_steps: No pruning within this many first reports.
        patience: The probability must have been below `risk` at this many reports in a row.
        horizon: The last step that a whole training reports; None takes the largest step that a
            COMPLETE trial reported.
        use_graph: Whether to judge a curve together with what the sampler predicted from the trial's graph
            (`SMBOSampler` does). Off, because what is proposed is what was predicted too well: in searches on real
            curves this pruned the best network more often (results/curves/search.md).

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import optuna
        >>> study = optuna.create_study(direction="maximize", pruner=CurvePruner())
    """

    def __init__(
        self,
        *,
        predictor: CurvePredictor | None = None,
        risk: float | None = None,
        k: int = 2,
        n_startup_trials: int = 4,
        n_warmup_steps: int = 1,
        patience: int = 1,
        horizon: int | None = None,
        use_graph: bool = False,
    ) -> None:
        if horizon is not None and horizon < 1:
            raise ValueError(f"`horizon` must be at least 1, but got {horizon}.")
        self._policy = StopPolicy(
            predictor=predictor,
            risk=risk,
            k=k,
            n_startup_trials=n_startup_trials,
            n_warmup_steps=n_warmup_steps,
            patience=patience,
        )
        self._horizon = horizon
        self._use_graph = use_graph
        self._curves: tuple[object, NDArray[np.int64], NDArray[np.float64]] | None = None

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns whether to stop the trial; False whenever there is too little to say.

        Args:
            study: The study, with one objective (with more, nothing is pruned).
            trial: The running trial with its reported values.
        """
        verdict = self.verdict(study, trial)
        if verdict is not None and verdict.stop:
            _logger.info("Trial %d is stopped: %s.", trial.number, verdict.why)
            return True
        return False

    def verdict(self, study: Study, trial: FrozenTrial) -> StopVerdict | None:
        """What `prune` rests on; None if the study has no one curve to judge the trial by."""
        if len(study.directions) != 1 or not trial.intermediate_values:
            return None
        steps, finished = self._finished(study)
        if len(steps) == 0 or max(trial.intermediate_values) >= steps[-1]:
            return None
        if self._just_continued(study, trial, steps[-1]):
            return None
        curve = np.full(len(steps), np.nan)
        for step in sorted(trial.intermediate_values):
            # A step that no finished trial reported stands for the last one before it.
            column = int(np.searchsorted(steps, step, side="right")) - 1
            if column >= 0:
                curve[column] = trial.intermediate_values[step]
        maximize = study.direction == StudyDirection.MAXIMIZE
        direction: Literal["maximize", "minimize"] = "maximize" if maximize else "minimize"
        prior = _prior(study, trial) if self._use_graph else None
        promise = trial.system_attrs.get(PROMISE_KEY)
        return self._policy.decide(finished, curve, direction=direction, prior=prior, promise=promise)

    @staticmethod
    def _just_continued(study: Study, trial: FrozenTrial, horizon: int) -> bool:
        """Whether a stopped training goes on since less than a tenth of a whole one: an epoch tells nothing new."""
        before = resumes(trial)
        if before is None:
            return False
        stopped = next((t for t in study.get_trials(deepcopy=False) if t.number == before), None)
        last = max(stopped.intermediate_values, default=0) if stopped is not None else 0
        return bool(max(trial.intermediate_values) < last + _TRY * horizon)

    def _finished(self, study: Study) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The curves of the COMPLETE trials, with columns up to the horizon."""
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        key = [(trial.number, trial.datetime_complete) for trial in trials]
        if self._curves is None or self._curves[0] != key:
            steps, curves = curve_matrix(trials)
            if self._horizon is not None:
                steps, curves = _fit_horizon(steps, curves, self._horizon)
            self._curves = (key, steps, curves)
        return self._curves[1], self._curves[2]


def _prior(study: Study, trial: FrozenTrial) -> tuple[float, float] | None:
    """What the sampler knew of the trial's final value from its graph, if it says so.

    Its standard deviation is made wider or narrower by how far the COMPLETE trials ended from what the sampler had
    said of them: a sampler proposes what it believes in, and there its errors are larger than on average.
    """
    own = _prediction(trial)
    if own is None:
        return None
    squares = [
        ((t.value - said[0]) / said[1]) ** 2
        for t in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if t.value is not None and np.isfinite(t.value) and (said := _prediction(t)) is not None
    ]
    stretch = np.sqrt((_BELIEF * _STRETCH**2 + sum(squares)) / (_BELIEF + len(squares)))
    return own[0], float(own[1] * stretch)


def _prediction(trial: FrozenTrial) -> tuple[float, float] | None:
    predicted = trial.system_attrs.get(PREDICTION_KEY)
    if predicted is None or not np.isfinite([predicted["mean"], predicted["std"]]).all() or predicted["std"] <= 0:
        return None
    return float(predicted["mean"]), float(predicted["std"])


def _fit_horizon(
    steps: NDArray[np.int64], curves: NDArray[np.float64], horizon: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Cuts the axis at the horizon, or continues it at its usual pace up to there."""
    kept = steps <= horizon
    steps, curves = steps[kept], curves[:, kept]
    if len(steps) == 0 or steps[-1] == horizon:
        return steps, curves
    pace = int(np.median(np.diff(steps))) if len(steps) > 1 else 1
    missing = np.arange(horizon, steps[-1], -pace, dtype=np.int64)[::-1]
    unseen = np.full((len(curves), len(missing)), np.nan)
    return np.concatenate([steps, missing]), np.concatenate([curves, unseen], axis=1)
