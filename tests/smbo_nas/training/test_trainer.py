from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from smbo_nas.training import Diverged, TrainingConfig
from smbo_nas.training.data.augmentation import Compose
from smbo_nas.training.data.batches import training_batches
from smbo_nas.training.rng import RunRandom
from smbo_nas.training.trainer import Trainer
from tests.smbo_nas.training.tiny import TinyNetwork, tiny_config, tiny_data

CPU = torch.device("cpu")


def make(build: Callable[[], nn.Module], config: TrainingConfig, seed: int = 0) -> Trainer:
    data = tiny_data()
    return Trainer(build, data.train, data.num_classes, config, augment=Compose(), seed=seed, device=CPU)


def weights(trainer: Trainer) -> Tensor:
    return torch.cat([p.detach().flatten() for p in trainer.network.parameters()])


def test_two_epochs_are_those_of_a_plain_pytorch_loop() -> None:
    data, seed = tiny_data(), 3
    config = tiny_config(label_smoothing=0.1, gradient_clip=0.5, augment="none", epochs=2)
    trainer = make(TinyNetwork, config, seed)
    trained = [trainer.train_epoch() for _ in range(2)]

    random = RunRandom(seed, CPU)
    with random.borrowed():
        network = TinyNetwork()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)
        losses, hits = [], []
        for _ in range(2):
            for images, labels in training_batches(
                data.train, 16, augment=Compose(), generator=random.generator, device=CPU
            ):
                optimizer.zero_grad()
                logits = network(images)
                loss = functional.cross_entropy(logits, labels, label_smoothing=0.1)
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 0.5)
                optimizer.step()
                schedule.step()
                losses.append(loss.item() * len(labels))
                hits.append((logits.argmax(1) == labels).sum().item())
    for ours, theirs in zip(trainer.network.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert trained[1].loss == pytest.approx(sum(losses[4:]) / 60)
    assert trained[1].accuracy == pytest.approx(sum(hits[4:]) / 60)


def test_the_initial_weights_come_from_the_seed() -> None:
    same = [weights(make(TinyNetwork, tiny_config(), seed)) for seed in (1, 1, 2)]
    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], same[2])


class Auxiliary(TinyNetwork):
    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Linear(64, 3)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        logits = super().forward(images)
        return (logits, self.other(images.flatten(1))) if self.training else logits


def test_an_auxiliary_head_learns_unless_its_weight_is_zero() -> None:
    for weight, learns in ((0.4, True), (0.0, False)):
        trainer = make(Auxiliary, tiny_config(auxiliary_weight=weight, weight_decay=0.0))
        network = trainer.network
        assert isinstance(network, Auxiliary)
        before = network.other.weight.detach().clone()
        trainer.train_epoch()
        assert (not torch.equal(network.other.weight, before)) == learns
        assert math.isfinite(trainer.validate(tiny_data().validation).loss)


def test_logits_of_the_wrong_shape() -> None:
    trainer = make(lambda: TinyNetwork(classes=5), tiny_config())
    with pytest.raises(ValueError, match=r"logits of shape \(15, 3\), but their shape is \(15, 5\)"):
        trainer.train_epoch()


class Breaks(TinyNetwork):
    """Returns ``value`` from the given forward pass on, in training or in evaluation."""

    def __init__(self, value: float, *, after: int, training: bool) -> None:
        super().__init__()
        self.value, self.calls, self.when = value, -after, training

    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        if self.training != self.when:
            return logits
        self.calls += 1
        return logits * self.value if self.calls > 0 else logits


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_training_loss_that_is_not_finite(value: float) -> None:
    trainer = make(lambda: Breaks(value, after=5, training=True), tiny_config())
    trainer.train_epoch()
    with pytest.raises(Diverged, match="diverged in epoch 2: the training loss is nan"):
        trainer.train_epoch()


def test_a_validation_loss_that_is_not_finite() -> None:
    trainer = make(lambda: Breaks(float("nan"), after=0, training=False), tiny_config())
    trainer.train_epoch()
    with pytest.raises(Diverged, match="diverged in epoch 1: the validation loss is nan"):
        trainer.validate(tiny_data().validation)


def test_a_learning_rate_that_is_far_too_high() -> None:
    trainer = make(TinyNetwork, tiny_config(learning_rate=1e30, gradient_clip=None))

    def train() -> None:
        for _ in range(4):
            trainer.train_epoch()
            trainer.validate(tiny_data().validation)

    with pytest.raises(Diverged) as caught:
        train()
    assert caught.value.epoch <= 2
    assert "loss is" in caught.value.reason


class _Overflow(torch.autograd.Function):
    @staticmethod
    def forward(context: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        return gradient * float("inf")


class Overflows(nn.Module):
    """Its gradients are infinite in the first ``steps`` steps, its loss never is."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.head, self.left = nn.Linear(64, 3), steps

    def forward(self, images: Tensor) -> Tensor:
        logits = self.head(images.flatten(1))
        self.left -= self.training
        return _Overflow.apply(logits) if self.left >= 0 and self.training else logits


@pytest.mark.parametrize("clip", [None, 1.0])
def test_overflowing_float16_gradients_skip_the_step(clip: float | None) -> None:
    trainer = make(lambda: Overflows(steps=4), tiny_config(amp="float16", gradient_clip=clip))
    before, scale = weights(trainer), trainer.state()[1]["scaler"]["scale"]
    trainer.train_epoch()
    assert torch.equal(weights(trainer), before)
    assert trainer.state()[1]["scaler"]["scale"] == scale / 2**4
    trainer.train_epoch()
    assert not torch.equal(weights(trainer), before)
    assert torch.isfinite(weights(trainer)).all()


@pytest.mark.parametrize("amp", ["bfloat16", "float16"])
def test_mixed_precision_learns_too(amp: str) -> None:
    losses = {}
    for mode in ("off", amp):
        trainer = make(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), tiny_config(amp=mode))
        losses[mode] = [trainer.train_epoch().loss for _ in range(4)]
        assert all(weight.dtype == torch.float32 for weight in trainer.network.parameters())
    assert losses[amp] != losses["off"]
    assert losses[amp][-1] < 0.01 < losses[amp][0]


def test_channels_last_changes_the_layout_only() -> None:
    losses = {}
    for flag in (False, True):
        trainer = make(lambda: TinyNetwork(channels=1, width=4), tiny_config(channels_last=flag))
        losses[flag] = [trainer.train_epoch().loss for _ in range(2)]
    assert losses[True] == pytest.approx(losses[False], rel=1e-4)


def test_compile_is_used_in_training_and_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []

    class Compiled(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Tensor) -> Tensor:
            calls.append(self.training and self.network.training)
            return self.network(images)

    monkeypatch.setattr(torch, "compile", Compiled)
    trainer = make(TinyNetwork, tiny_config(compile=True))
    trainer.train_epoch()
    trainer.validate(tiny_data().validation)
    assert calls == [True] * 4 + [False]
    assert isinstance(trainer.network, TinyNetwork)


@pytest.mark.slow
def test_compiled_networks_learn_the_same() -> None:
    losses = []
    for flag in (False, True):
        trainer = make(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), tiny_config(compile=flag))
        losses.append(trainer.train_epoch().loss)
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_batch_size_one_or_more_than_the_images() -> None:
    for batch_size in (1, 1000):
        trainer = make(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), tiny_config(batch_size=batch_size))
        assert math.isfinite(trainer.train_epoch().loss)
