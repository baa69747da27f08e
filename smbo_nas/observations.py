"""From an Optuna study to what the predictors learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial


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
