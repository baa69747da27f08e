"""TabularObjective: a table of learning curves as an Optuna objective, on a simulated clock."""

from __future__ import annotations

import numpy as np
import optuna
from numpy.typing import NDArray

from smbo_nas.resuming import resumes
from smbo_nas.spaces.listed import ListedSpace

CELL_KEY = "cell"
"""User attribute of a trial: the position of its architecture on the list."""
EPOCHS_KEY = "epochs"
"""User attribute of a trial: epochs that it trained, without those that it found trained."""


class TabularObjective:
    """Looks the curve of what a trial suggests up in a table, and reports it epoch by epoch.

    Its value is the last of the curve. An architecture that was trained to some epoch costs nothing up to there when it
    is suggested again or continued (`smbo_nas.resuming`): only new epochs are counted.

    Args:
        space: The architectures of the table.
        curves: The metric after each epoch, one row for each architecture of `space`, `(n, epochs)`.
        nearest: Whether a suggestion that the table does not have stands for the one it has that is most like it; else
            it ends its trial as PRUNED, as one that is no architecture always does.

    Attributes:
        trained: Epochs each architecture was trained, `(n,)`.
    """

    def __init__(self, space: ListedSpace, curves: NDArray[np.float64], *, nearest: bool = False) -> None:
        if curves.ndim != 2 or len(curves) != len(space):
            raise ValueError(
                f"`curves` must have one row for each of the {len(space)} architectures, but has shape {curves.shape}."
            )
        self.space = space
        self.curves = curves
        self.nearest = nearest
        self.trained = np.zeros(len(space), dtype=np.int64)

    def __call__(self, trial: optuna.Trial) -> float:
        """The value of one trial.

        Raises:
            optuna.TrialPruned: When the pruner stops it, or the table does not have its architecture.
        """
        cell = self._cell(trial)
        trial.set_user_attr(CELL_KEY, cell)
        before = int(self.trained[cell])
        frozen = trial.storage.get_trial(trial._trial_id)
        known = before if resumes(frozen) is not None else 0
        epochs = self.curves.shape[1]
        try:
            for epoch, value in enumerate(self.curves[cell], start=1):
                trial.report(float(value), epoch)
                self.trained[cell] = max(self.trained[cell], epoch)
                if epoch > known and epoch < epochs and trial.should_prune():
                    raise optuna.TrialPruned(f"stopped after epoch {epoch} of {epochs}")
        finally:
            trial.set_user_attr(EPOCHS_KEY, int(self.trained[cell]) - before)
        return float(self.curves[cell, -1])

    def _cell(self, trial: optuna.Trial) -> int:
        if not self.nearest:
            place = self.space.place(self.space.suggest(trial).graph)
            if place is None:
                raise optuna.TrialPruned("the table does not have this architecture")
            return place
        params = {n: trial.suggest_categorical(n, c) for n, c in self.space.choices.items()}
        reason = self.space.space.why_invalid(params)
        if reason is not None:
            raise optuna.TrialPruned(f"no architecture of {self.space.space.name}: {reason}")
        return self.space.nearest(params)
