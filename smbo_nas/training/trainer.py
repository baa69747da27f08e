"""One network in training: weights, optimiser, loss scaler and random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from smbo_nas.training.config import TrainingConfig
from smbo_nas.training.data.augmentation import Augmentation
from smbo_nas.training.data.batches import steps_per_epoch, training_batches
from smbo_nas.training.data.image_data import Split
from smbo_nas.training.device import autocast, repeatable, resolve_amp
from smbo_nas.training.evaluation import Score, ScoreSum, evaluate
from smbo_nas.training.evaluator import Diverged
from smbo_nas.training.rng import RunRandom
from smbo_nas.training.schedule import learning_rate_at

_STEPS_BETWEEN_CHECKS = 50
"""Reading the loss makes the CPU wait for a GPU, so divergence is looked for now and then."""


class Trainer:
    """Trains a network epoch by epoch.

    Args:
        build: Makes the network.
        train: Training images, on ``device`` or not.
        num_classes: Number of logits expected.
        config: How to train.
        augment: Applied to training images.
        seed: Of weights, order, augmentation and dropout.
        device: Where the network runs.

    Attributes:
        network: The network, on ``device``.
        epoch: Number of epochs trained.
        learning_rate: Of the last step.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        train: Split,
        num_classes: int,
        config: TrainingConfig,
        *,
        augment: Augmentation,
        seed: int,
        device: torch.device,
    ) -> None:
        self._train, self._num_classes, self._config = train, num_classes, config
        self._augment, self._device = augment, device
        self._random = RunRandom(seed, device)
        channels_last = config.channels_last
        if channels_last is None:
            channels_last = device.type == "cuda"
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        with self._random.borrowed():
            self.network = build()
        self.network.to(device=device).to(memory_format=self._format)  # type: ignore[call-overload]
        self._forward: nn.Module = self.network
        if config.compile:
            self._forward = torch.compile(self.network)  # type: ignore[assignment]
        dtype = resolve_amp(config.amp, device)
        self._autocast = autocast(device, dtype)
        self._scaler = torch.amp.GradScaler(device.type, enabled=dtype is torch.float16)
        self._parameters = [p for p in self.network.parameters() if p.requires_grad]
        self._optimizer = torch.optim.SGD(
            self._parameters,
            lr=config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            nesterov=config.momentum > 0,
            # One kernel for all parameters: on small networks, Python is the cost. But on the CPU it
            # does not skip the steps that the loss scaler wants skipped (seen in PyTorch 2.13).
            fused=not self._scaler.is_enabled(),
        )
        self.epoch = 0
        self.learning_rate = config.learning_rate

    def train_epoch(self) -> Score:
        """Trains for one epoch.

        Returns:
            Mean loss and accuracy on the augmented images during the epoch.

        Raises:
            Diverged: If the loss is NaN or infinite.
        """
        total = ScoreSum(self._device)
        self.network.train()
        self._forward.train()
        with self._random.borrowed(), repeatable(self._device):
            batches = training_batches(
                self._train,
                self._config.batch_size,
                augment=self._augment,
                generator=self._random.generator,
                device=self._device,
                memory_format=self._format,
            )
            steps = steps_per_epoch(len(self._train), self._config.batch_size)
            for step, (images, labels) in enumerate(batches):
                self._set_learning_rate(self.epoch * steps + step, self._config.epochs * steps)
                loss, logits = self._loss(images, labels)
                self._update(loss)
                total.add(loss, logits, labels)
                if step % _STEPS_BETWEEN_CHECKS == 0:
                    self._check(total.loss(), "training")
        score = total.score()
        self._check(score.loss, "training")
        self.epoch += 1
        return score

    def validate(self, split: Split) -> Score:
        """Scores the network.

        Raises:
            Diverged: If the loss is NaN or infinite.
        """
        with repeatable(self._device):
            score = evaluate(self._forward, split, batch_size=2 * self._config.batch_size, amp=self._config.amp)
        self._check(score.loss, "validation", self.epoch)
        return score

    def _set_learning_rate(self, step: int, steps: int) -> None:
        config = self._config
        self.learning_rate = learning_rate_at(
            step,
            steps,
            peak=config.learning_rate,
            schedule=config.schedule,
            warmup=config.warmup,
        )
        self._optimizer.param_groups[0]["lr"] = self.learning_rate

    def _loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with self._autocast:
            output = self._forward(images)
        logits, *auxiliary = output if isinstance(output, tuple) else (output,)
        if logits.shape != (len(labels), self._num_classes):
            raise ValueError(
                f"The network must map {len(labels)} images to logits of shape "
                f"{(len(labels), self._num_classes)}, but their shape is {tuple(logits.shape)}."
            )
        logits = logits.float()
        smoothing = self._config.label_smoothing
        loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        for other in auxiliary:
            loss = loss + self._config.auxiliary_weight * functional.cross_entropy(
                other.float(), labels, label_smoothing=smoothing
            )
        return loss, logits

    def _update(self, loss: Tensor) -> None:
        self._optimizer.zero_grad()
        torch.autograd.backward(self._scaler.scale(loss))
        if self._config.gradient_clip is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self._config.gradient_clip)
        self._scaler.step(self._optimizer)  # skips the step if float16 gradients overflowed
        self._scaler.update()

    def _check(self, loss: float, part: str, epoch: int | None = None) -> None:
        if not math.isfinite(loss):
            raise Diverged(self.epoch + 1 if epoch is None else epoch, f"the {part} loss is {loss}")

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything but the network that the next epoch depends on: tensors and JSON values."""
        tensors = {f"random.{name}": tensor for name, tensor in self._random.state().items()}
        for index, parameter in enumerate(self._parameters):
            momentum = self._optimizer.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum.{index}"] = momentum
        return tensors, {
            "epoch": self.epoch,
            "learning_rate": self.learning_rate,
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Goes back to what :meth:`state` returned; the network is loaded apart from it."""
        prefix = "random."
        self._random.restore({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        for index, parameter in enumerate(self._parameters):
            momentum = tensors.get(f"momentum.{index}")
            if momentum is not None:
                buffer = torch.empty_like(parameter).copy_(momentum)
                self._optimizer.state[parameter]["momentum_buffer"] = buffer
        self._scaler.load_state_dict(state["scaler"])
        self.epoch = state["epoch"]
        self.learning_rate = state["learning_rate"]
