"""The Optuna objective: suggest an architecture, build it, train it, report every epoch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from predictors.files import write_whole
from smbo_nas.resuming import lineage, resumes
from smbo_nas.spaces import SearchSpace
from smbo_nas.training.checkpoint import CheckpointError
from smbo_nas.training.evaluator import Diverged, EpochRecord, Evaluator

CHECKPOINT = "checkpoint.safetensors"
REASON_KEY = "reason"
"""User attribute of a trial that failed: why."""

OnEpoch = Callable[[optuna.Trial, EpochRecord], None]


class TrainingObjective:
    """Trains what the trial suggests; its value is the validation accuracy after the last epoch, to be maximized.

    Every epoch is reported to the trial, so that the study's pruner can stop it. A training that diverges ends its
    trial as FAIL with the reason as user attribute `reason`. A trial that continues a stopped one
    (`smbo_nas.resuming`) starts from a copy of its checkpoint, where there is one, and reports the epochs before again.
    The trial's user attributes `parameters` (weights) and
    `flops` (multiply-adds) are of the network as trained.

    Args:
        space: Where architectures come from.
        evaluator: What gives them their values.
        folder: Where checkpoints are kept, one folder per trial number, so that a trial can go on in another process;
            None keeps none.
        seed: Seed of the trainings; trial n trains with a seed derived from it and n.
        on_epoch: Called after each epoch was reported.
        **sizes: Sizes of the networks, such as `channels`; see `smbo_nas.networks.build_network`.
    """

    def __init__(
        self,
        space: SearchSpace,
        evaluator: Evaluator,
        *,
        folder: Path | None = None,
        seed: int = 0,
        on_epoch: OnEpoch | None = None,
        **sizes: Any,
    ) -> None:
        self.space = space
        self.evaluator = evaluator
        self.folder = folder
        self.seed = seed
        self.on_epoch = on_epoch
        self.sizes = sizes

    def __call__(self, trial: optuna.Trial) -> float:
        """Evaluates one trial.

        Raises:
            optuna.TrialPruned: When the pruner stops it.
        """
        candidate = self.space.suggest(trial)
        data = self.evaluator.data
        build = partial(candidate.build, input_shape=data.input_shape, num_classes=data.num_classes, **self.sizes)
        self._describe(trial, build)
        try:
            return self._train(trial, build)
        except Diverged as diverged:
            trial.set_user_attr(REASON_KEY, str(diverged))
            return float("nan")  # which Optuna records as FAIL

    def training_seed(self, number: int) -> int:
        """The seed that trial `number` trains with."""
        return int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])

    def checkpoint(self, number: int) -> Path | None:
        """Where trial `number` keeps its checkpoint, or None."""
        return None if self.folder is None else self.folder / str(number) / CHECKPOINT

    def _begin(self, trial: optuna.Trial, checkpoint: Path | None) -> int:
        """Fetches the checkpoint of the trial that this one continues; returns the number of the one that began."""
        frozen = trial.storage.get_trial(trial._trial_id)
        before = resumes(frozen)
        if before is None:
            return trial.number
        stopped = self.checkpoint(before)
        if checkpoint is not None and stopped is not None and stopped.exists() and not checkpoint.exists():
            write_whole(checkpoint, stopped.read_bytes())
        return lineage(frozen, trial.study.get_trials(deepcopy=False))[0]

    def _describe(self, trial: optuna.Trial, build: Callable[[], Any]) -> None:
        import torch

        from smbo_nas.networks import count_flops, count_parameters

        if "parameters" in trial.user_attrs:
            return
        with torch.device("meta"):
            network = build()
        trial.set_user_attr("flops", count_flops(network, self.evaluator.data.input_shape))
        trial.set_user_attr("parameters", count_parameters(network))

    def _train(self, trial: optuna.Trial, build: Callable[[], Any]) -> float:
        checkpoint = self.checkpoint(trial.number)
        if checkpoint is not None:
            checkpoint.parent.mkdir(parents=True, exist_ok=True)
        seed = self.training_seed(self._begin(trial, checkpoint))
        try:
            records = self.evaluator.run(build, seed=seed, checkpoint=checkpoint)
        except CheckpointError:
            # What cannot be continued (broken, or of another device) is trained anew rather than lost.
            if checkpoint is None or not checkpoint.exists():
                raise
            checkpoint.replace(checkpoint.with_suffix(".broken"))
            records = self.evaluator.run(build, seed=seed, checkpoint=checkpoint)
        reported = set(trial.storage.get_trial(trial._trial_id).intermediate_values)
        value = float("nan")
        for record in records:
            value = record.val_accuracy
            if record.epoch not in reported:
                trial.report(value, record.epoch)
            if self.on_epoch is not None:
                self.on_epoch(trial, record)
            # A replayed epoch was judged when it was made; the last epoch costs nothing any more.
            if record.replayed or record.epoch == self.evaluator.horizon:
                continue
            if trial.should_prune():
                raise optuna.TrialPruned(f"stopped after epoch {record.epoch} of {self.evaluator.horizon}")
        return value
