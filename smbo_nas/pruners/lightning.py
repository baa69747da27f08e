"""A Lightning callback that stops hopeless trainings. Imports Lightning: import this module by its own name."""

from __future__ import annotations

import optuna

from smbo_nas.pruners.trial_curve import TrialCurve

try:
    from pytorch_lightning import Callback, LightningModule, Trainer
except ImportError as error:
    raise ImportError("`smbo_nas.pruners.lightning` needs Lightning: pip install 'smbo-nas[lightning]'.") from error


class CurveStopping(Callback):
    """Reports a logged metric after every validation, and ends the training once it is unlikely to end among the best.

    The training ends as Lightning's own early stopping ends it, checkpoints and all; whoever called `Trainer.fit` then
    says so to Optuna, see the example.

    Args:
        trial: Where to report: a trial, whose study's pruner decides (`CurvePruner`), or its `TrialCurve`, for studies
            of several objectives.
        monitor: The metric's name, as the module logs it in validation.

    Attributes:
        stopped: Whether the training was ended.

    Example:
        >>> def objective(trial):
        ...     stopping = CurveStopping(trial, "val_accuracy")
        ...     trainer = Trainer(max_epochs=30, callbacks=[stopping])
        ...     trainer.fit(module_of(trial), data)
        ...     if stopping.stopped:
        ...         raise optuna.TrialPruned
        ...     return trainer.callback_metrics["val_accuracy"].item()
    """

    def __init__(self, trial: optuna.Trial | TrialCurve, monitor: str) -> None:
        super().__init__()
        self._trial = trial
        self._monitor = monitor
        self.stopped = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Lightning calls this.

        Raises:
            ValueError: When there is no such metric.
        """
        if trainer.sanity_checking:
            return
        if self._monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(trainer.callback_metrics)) or "nothing"
            raise ValueError(f"`monitor` must be a metric that is logged ({known}), but got {self._monitor!r}.")
        self._trial.report(float(trainer.callback_metrics[self._monitor]), trainer.current_epoch + 1)
        trial = self._trial
        self.stopped = trial.should_stop() if isinstance(trial, TrialCurve) else trial.should_prune()
        if self.stopped:
            trainer.should_stop = True
