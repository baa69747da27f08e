"""TrialCurve: learning curves and early stopping where Optuna's own reports do not go."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import TrialState

from smbo_nas.pruners.policy import Direction, StopPolicy, StopVerdict

CURVE_KEY = "smbo_nas:curve"
"""System attribute of a trial: its curve, pairs of step and value; null stands for what is not finite."""


class TrialCurve:
    """Reports a trial's metric and says when to stop, in studies of any number of objectives.

    `optuna.Trial.report` is for studies with one objective. This keeps the curve of one metric, whatever the study
    optimises, in the study's storage, and judges it by the curves of the COMPLETE trials, from any process.

    Args:
        trial: The running trial.
        horizon: The last step of a whole training, at least 1.
        direction: Whether a larger metric is better.
        policy: When to stop; `StopPolicy()` if None. Trials of one process may share it, which saves refits.

    Raises:
        ValueError: When an argument is out of range.

    Example:
        >>> def objective(trial):
        ...     curve = TrialCurve(trial, horizon=30)
        ...     for epoch in range(1, 31):
        ...         curve.report(train_and_validate(), epoch)
        ...         if curve.should_stop():
        ...             raise optuna.TrialPruned
        ...     return accuracy, parameters
    """

    def __init__(
        self,
        trial: optuna.Trial,
        *,
        horizon: int,
        direction: Direction = "maximize",
        policy: StopPolicy | None = None,
    ) -> None:
        if horizon < 1:
            raise ValueError(f"`horizon` must be at least 1, but got {horizon}.")
        if direction not in ("maximize", "minimize"):
            raise ValueError(f'`direction` must be "maximize" or "minimize", but got {direction!r}.')
        self._trial = trial
        self._horizon = horizon
        self._direction = direction
        self._policy = policy or StopPolicy()
        self._values: dict[int, float] = dict(_curve(trial.storage.get_trial(trial._trial_id).system_attrs))

    @property
    def values(self) -> dict[int, float]:
        """What was reported so far, by step; a trial that goes on in another process knows what it had."""
        return dict(self._values)

    def report(self, value: float, step: int) -> None:
        """Adds a value to the curve; NaN and infinity say that training diverged.

        Raises:
            ValueError: When `step` is not from 1 to the horizon.
        """
        if not 1 <= step <= self._horizon:
            raise ValueError(f"`step` must be from 1 to {self._horizon}, but got {step}.")
        self._values[int(step)] = float(value)
        pairs = [[k, v if math.isfinite(v) else None] for k, v in sorted(self._values.items())]
        self._trial.storage.set_trial_system_attr(self._trial._trial_id, CURVE_KEY, pairs)

    def verdict(self) -> StopVerdict:
        """What `should_stop` rests on."""
        done = self._trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        finished = [curve for t in done if (curve := _curve(t.system_attrs))]
        rows = np.array([self._row(curve) for curve in finished]).reshape(len(finished), self._horizon)
        return self._policy.decide(rows, self._row(self._values), direction=self._direction)

    def should_stop(self) -> bool:
        """Whether the training is unlikely to end among the best; False whenever there is too little to say."""
        return self.verdict().stop

    def _row(self, curve: dict[int, float]) -> NDArray[np.float64]:
        row = np.full(self._horizon, np.nan)
        for step, value in curve.items():
            if step <= self._horizon:
                row[step - 1] = value
        return row


def trial_curve(trial: optuna.trial.FrozenTrial) -> dict[int, float]:
    """What a trial reported through a `TrialCurve`, by step; NaN where it was not finite."""
    return _curve(trial.system_attrs)


def _curve(attributes: dict[str, Any]) -> dict[int, float]:
    return {int(k): math.nan if v is None else float(v) for k, v in attributes.get(CURVE_KEY, ())}
