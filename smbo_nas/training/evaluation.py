"""Scores of a network on a split."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from smbo_nas.training.data.batches import evaluation_batches
from smbo_nas.training.data.image_data import Split
from smbo_nas.training.device import autocast, resolve_amp


class Score(NamedTuple):
    """Mean cross-entropy and share of images classified correctly, in [0, 1]."""

    loss: float
    accuracy: float


class ScoreSum:
    """Adds up losses and hits on a device, which is asked for the numbers only now and then."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._count = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Adds a batch: its mean loss, logits ``(b, classes)`` and labels ``(b,)``."""
        self._loss += loss.detach() * len(labels)
        self._correct += (logits.detach().argmax(1) == labels).sum()
        self._count += len(labels)

    def loss(self) -> float:
        """The mean loss so far; NaN or infinite if that of any batch was."""
        return self._loss.item() / self._count

    def score(self) -> Score:
        """Mean loss and accuracy so far."""
        return Score(self.loss(), self._correct.item() / self._count)


@torch.no_grad()
def evaluate(network: nn.Module, split: Split, *, batch_size: int = 256, amp: str = "off") -> Score:
    """Scores a network, which is left in the mode (training or not) it was in.

    Args:
        network: Maps images ``(b, C, H, W)`` to logits ``(b, num_classes)``, or to a tuple that
            starts with them. The split is taken to its device batch by batch.
        split: Images and labels.
        batch_size: Images per batch.
        amp: ``off``, ``bfloat16``, ``float16`` or ``auto``.
    """
    parameter = next(network.parameters(), None)
    device = split.images.device if parameter is None else parameter.device
    context = autocast(device, resolve_amp(amp, device))
    total = ScoreSum(device)
    was_training = network.training
    network.eval()
    try:
        for images, labels in evaluation_batches(split, batch_size, device=device):
            with context:
                output = network(images)
            logits = (output[0] if isinstance(output, tuple) else output).float()
            total.add(functional.cross_entropy(logits, labels), logits, labels)
    finally:
        network.train(was_training)
    return total.score()
