"""Training from scratch, the first evaluator."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from smbo_nas.training.checkpoint import (
    CheckpointError,
    load_network,
    network_tensors,
    read_checkpoint,
    write_checkpoint,
)
from smbo_nas.training.config import TrainingConfig
from smbo_nas.training.data.augmentation import augmentation_for
from smbo_nas.training.data.batches import place
from smbo_nas.training.data.image_data import ImageData, Split
from smbo_nas.training.device import resolve_amp, resolve_device
from smbo_nas.training.evaluator import EpochRecord, Evaluator
from smbo_nas.training.trainer import Trainer


class TrainingEvaluator(Evaluator):
    """Trains networks from scratch and validates them after every epoch.

    Args:
        data: What to train on; its test split is never looked at.
        config: How to train; ``None`` is the default.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ValueError: If there is no such device.
    """

    def __init__(self, data: ImageData, config: TrainingConfig | None = None, *, device: str = "auto") -> None:
        self.data = data
        self.config = config or TrainingConfig()
        self.device = resolve_device(device)

    @property
    def horizon(self) -> int:
        """Number of epochs."""
        return self.config.epochs

    @property
    def identity(self) -> dict[str, Any]:
        """Data, configuration, kind of device and precision."""
        return {
            **super().identity,
            **self.config.to_dict(),
            "data": f"{self.data.name} ({self.data.fingerprint})",
            "device": self.device.type,
            "precision": str(resolve_amp(self.config.amp, self.device) or torch.float32),
        }

    @cached_property
    def _splits(self) -> tuple[Split, Split]:
        return place(self.data, self.device)

    def run(self, build: Callable[[], nn.Module], *, seed: int, checkpoint: Path | None = None) -> TrainingRun:
        """Builds the network, goes to its checkpoint if there is one, and trains as it is read.

        On the CPU an interrupted run that goes on gives the same curve, bit for bit, as one that
        was never interrupted.

        Raises:
            CheckpointError: If the checkpoint is broken or of another training.
            ValueError: If ``seed`` is negative.
        """
        if seed < 0:
            raise ValueError(f"`seed` must be at least 0, but got {seed}.")
        train, validation = self._splits
        trainer = Trainer(
            build,
            train,
            self.data.num_classes,
            self.config,
            augment=augmentation_for(self.data, self.config.augment),
            seed=seed,
            device=self.device,
        )
        identity = {**self.identity, "seed": seed, "network": _signature(trainer.network)}
        return TrainingRun(trainer, validation, self.horizon, checkpoint, identity)


class TrainingRun(Iterator[EpochRecord]):
    """The records of one training; made by :meth:`TrainingEvaluator.run`."""

    def __init__(
        self,
        trainer: Trainer,
        validation: Split,
        horizon: int,
        checkpoint: Path | None,
        identity: dict[str, Any],
    ) -> None:
        self._trainer, self._validation, self._horizon = trainer, validation, horizon
        self._checkpoint, self._identity = checkpoint, identity
        self._history: list[EpochRecord] = []
        if checkpoint is not None and checkpoint.exists():
            self._resume(checkpoint)
        self._records = self._run()

    @property
    def network(self) -> nn.Module:
        """The network as it is now: trained for as many epochs as there are records."""
        return self._trainer.network

    def __next__(self) -> EpochRecord:
        return next(self._records)

    def _run(self) -> Iterator[EpochRecord]:
        for record in tuple(self._history):
            yield dataclasses.replace(record, replayed=True)
        while self._trainer.epoch < self._horizon:
            started = time.perf_counter()
            train = self._trainer.train_epoch()
            validation = self._trainer.validate(self._validation)
            record = EpochRecord(
                epoch=self._trainer.epoch,
                train_loss=train.loss,
                train_accuracy=train.accuracy,
                val_loss=validation.loss,
                val_accuracy=validation.accuracy,
                learning_rate=self._trainer.learning_rate,
                seconds=time.perf_counter() - started,
            )
            self._history.append(record)
            if self._checkpoint is not None:
                self._save(self._checkpoint)
            yield record

    def _save(self, path: Path) -> None:
        tensors, trainer = self._trainer.state()
        state = {
            "identity": self._identity,
            "trainer": trainer,
            "history": [dataclasses.asdict(record) for record in self._history],
        }
        write_checkpoint(path, {**network_tensors(self.network), **tensors}, state)

    def _resume(self, path: Path) -> None:
        tensors, state = read_checkpoint(path)
        for name, now in self._identity.items():
            then = state["identity"].get(name)
            if then != now:
                raise CheckpointError(f"{path} belongs to another training: `{name}` was {then!r}, but is {now!r}.")
        load_network(path, tensors, self.network)
        self._trainer.restore(tensors, state["trainer"])
        self._history = [EpochRecord(**record) for record in state["history"]]


def _signature(network: nn.Module) -> str:
    """A digest of a network's modules and of its tensors' names, shapes and types."""
    modules = re.sub(r" at 0x[0-9a-f]+", "", repr(network))
    tensors = [(name, tuple(tensor.shape), str(tensor.dtype)) for name, tensor in network.state_dict().items()]
    return hashlib.sha256(f"{modules}\n{tensors}".encode()).hexdigest()[:16]
