"""The seam between a search and whatever gives its candidates their values."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from smbo_nas.training.data.image_data import ImageData


@dataclass(frozen=True)
class EpochRecord:
    """One step of an evaluation.

    Attributes:
        epoch: From 1 to the evaluator's horizon.
        train_loss: Mean loss over the epoch's (augmented) training images, auxiliary loss included.
        train_accuracy: Share of them classified correctly while training, in [0, 1].
        val_loss: Mean cross-entropy on the validation split after the epoch.
        val_accuracy: Share of the validation images classified correctly, in [0, 1].
        learning_rate: Of the epoch's last step.
        seconds: Wall time of training and validation.
        replayed: Whether the record was read from a checkpoint instead of being made now.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    replayed: bool = False


class Diverged(Exception):  # noqa: N818 - named like Optuna's TrialPruned: an outcome, not a fault
    """Training has reached a loss that is NaN or infinite.

    Args:
        epoch: The epoch, from 1, in which it happened.
        reason: What was seen.
    """

    def __init__(self, epoch: int, reason: str) -> None:
        super().__init__(epoch, reason)
        self.epoch = epoch
        self.reason = reason

    def __str__(self) -> str:
        return f"Training diverged in epoch {self.epoch}: {self.reason}"


class Evaluator(abc.ABC):
    """Turns a network into a curve.

    Nothing outside an evaluator may assume how its values come about: by training from scratch
    (:class:`~smbo_nas.training.scratch.TrainingEvaluator`), from inherited or from shared weights.

    Attributes:
        data: What networks are evaluated on; they must take its ``input_shape`` and tell its
            ``num_classes`` apart.
    """

    data: ImageData

    @property
    @abc.abstractmethod
    def horizon(self) -> int:
        """Number of records of a complete evaluation."""

    @property
    def identity(self) -> dict[str, Any]:
        """What its values depend on, as JSON values, to be kept beside them."""
        return {"evaluator": type(self).__name__, "horizon": self.horizon}

    @abc.abstractmethod
    def run(
        self, build: Callable[[], nn.Module], *, seed: int, checkpoint: Path | None = None
    ) -> Iterator[EpochRecord]:
        """Evaluates the network that ``build`` returns.

        Args:
            build: Makes the network; weights that it draws from PyTorch's global generator depend
                on ``seed`` only.
            seed: Of everything random, at least 0. The same seed gives the same curve.
            checkpoint: File that keeps the evaluation's state. If it exists, its records come
                first, marked as replayed, and the evaluation goes on where it stopped.

        Yields:
            One record per epoch, once the checkpoint that holds it is safely on disk. The caller
            may stop at any of them.

        Raises:
            Diverged: If the loss is NaN or infinite; the checkpoint stays at the epoch before.
            CheckpointError: If the checkpoint is broken or belongs to another evaluation.
        """
