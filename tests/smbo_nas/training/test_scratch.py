from __future__ import annotations

import dataclasses
import itertools
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from smbo_nas.training import CheckpointError, Diverged, EpochRecord, ImageData, Split, TrainingEvaluator, evaluate
from tests.smbo_nas.training.tiny import TinyNetwork, curve, tiny_config, tiny_data


def evaluator(**changes: object) -> TrainingEvaluator:
    return TrainingEvaluator(tiny_data(), tiny_config(**changes), device="cpu")


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_records() -> None:
    records = list(evaluator().run(TinyNetwork, seed=0))
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    assert evaluator().horizon == 4
    assert all(record.seconds > 0 and not record.replayed for record in records)
    assert all(0 <= record.val_accuracy <= 1 and 0 <= record.train_accuracy <= 1 for record in records)
    rates = [record.learning_rate for record in records]
    assert rates == sorted(rates, reverse=True)


def test_it_learns() -> None:
    *_, last = TrainingEvaluator(tiny_data(300), tiny_config(augment="none", epochs=6)).run(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), seed=0
    )
    assert last.val_accuracy > 0.9
    assert last.val_loss < 0.3


def test_same_seed_same_curve_whatever_else_draws_random_numbers() -> None:
    expected = curve(evaluator().run(TinyNetwork, seed=7))
    disturbed: list[EpochRecord] = []
    for record in evaluator().run(TinyNetwork, seed=7):
        torch.rand(record.epoch)
        disturbed.append(record)
    assert curve(disturbed) == expected
    assert curve(evaluator().run(TinyNetwork, seed=8)) != expected


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    list(evaluator().run(TinyNetwork, seed=7))
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_do_not_mix_up_their_random_numbers() -> None:
    expected = {seed: curve(evaluator().run(TinyNetwork, seed=seed)) for seed in (1, 2)}
    found: dict[int, list[EpochRecord]] = {}

    def work(seed: int) -> None:
        found[seed] = curve(evaluator().run(TinyNetwork, seed=seed))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


@pytest.mark.parametrize("amp", ["off", "bfloat16", "float16"])
@pytest.mark.parametrize("stop", [1, 3, 4])
def test_resumed_curve_is_the_uninterrupted_one(tmp_path: Path, stop: int, amp: str) -> None:
    config = {"amp": amp, "schedule": "onecycle"}
    whole = evaluator(**config).run(TinyNetwork, seed=2)
    expected = curve(whole)
    checkpoint = tmp_path / "trial" / "checkpoint.safetensors"
    first = curve(itertools.islice(evaluator(**config).run(TinyNetwork, seed=2, checkpoint=checkpoint), stop))
    assert first == expected[:stop]
    resumed = evaluator(**config).run(TinyNetwork, seed=2, checkpoint=checkpoint)
    records = list(resumed)
    assert curve(records) == expected
    assert [record.replayed for record in records] == [epoch <= stop for epoch in range(1, 5)]
    assert same_weights(resumed.network, whole.network)


def test_the_checkpoint_is_on_disk_before_the_record(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    for record in evaluator().run(TinyNetwork, seed=2, checkpoint=checkpoint):
        stored = evaluator().run(TinyNetwork, seed=2, checkpoint=checkpoint)
        replayed = list(itertools.islice(stored, record.epoch))
        assert replayed[-1] == dataclasses.replace(record, replayed=True)


_KILLED = """
import itertools, os, signal, sys
from pathlib import Path
import torch
from tests.smbo_nas.training.tiny import TinyNetwork, tiny_config, tiny_data
from smbo_nas.training import TrainingEvaluator
torch.set_num_threads(1)
checkpoint, where, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def die_at_last(function):
    def wrapped(*args):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args)
    return wrapped

if where == "step":
    TinyNetwork.forward = die_at_last(TinyNetwork.forward)
else:
    os.fsync = die_at_last(os.fsync)
for record in TrainingEvaluator(tiny_data(), tiny_config(), device="cpu").run(
    TinyNetwork, seed=4, checkpoint=checkpoint
):
    print(record.epoch, flush=True)
"""


@pytest.mark.parametrize(
    ("where", "number", "seen"),
    [
        ("step", 13, 2),  # 4 training steps and 2 validation batches of 16 and 4 make an epoch: in epoch 3
        ("fsync", 5, 2),  # the file of epoch 3, before it has its name
        ("fsync", 6, 2),  # the folder, after
    ],
)
def test_kill_minus_nine_loses_no_more_than_the_epoch_under_way(
    tmp_path: Path, where: str, number: int, seen: int
) -> None:
    checkpoint = tmp_path / "checkpoint"
    arguments = [sys.executable, "-c", _KILLED, str(checkpoint), where, str(number)]
    killed = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout.split() == [str(epoch) for epoch in range(1, seen + 1)]
    records = list(evaluator().run(TinyNetwork, seed=4, checkpoint=checkpoint))
    assert sum(record.replayed for record in records) >= seen
    assert curve(records) == curve(evaluator().run(TinyNetwork, seed=4))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"config": {"learning_rate": 0.05}}, "learning_rate"),
        ({"config": {"epochs": 5}}, "horizon"),
        ({"seed": 3}, "seed"),
        ({"data": 63}, "data"),
        ({"width": 5}, "network"),
    ],
)
def test_checkpoint_of_another_training(tmp_path: Path, change: dict[str, object], name: str) -> None:
    checkpoint = tmp_path / "checkpoint"
    next(evaluator().run(TinyNetwork, seed=2, checkpoint=checkpoint))
    before = checkpoint.read_bytes()
    other = TrainingEvaluator(
        tiny_data(change.get("data", 60)),  # type: ignore[arg-type]
        tiny_config(**change.get("config", {})),  # type: ignore[arg-type]
        device="cpu",
    )
    with pytest.raises(CheckpointError, match=f"belongs to another training: `{name}`"):
        other.run(
            lambda: TinyNetwork(width=change.get("width", 4)),  # type: ignore[arg-type]
            seed=change.get("seed", 2),  # type: ignore[arg-type]
            checkpoint=checkpoint,
        )
    assert checkpoint.read_bytes() == before


def test_networks_that_differ_in_an_operation_without_weights(tmp_path: Path) -> None:
    def build(pool: nn.Module) -> nn.Module:
        return nn.Sequential(pool, nn.Flatten(), nn.Linear(16, 3))

    checkpoint = tmp_path / "checkpoint"
    next(evaluator().run(lambda: build(nn.MaxPool2d(2)), seed=2, checkpoint=checkpoint))
    with pytest.raises(CheckpointError, match="`network`"):
        evaluator().run(lambda: build(nn.AvgPool2d(2)), seed=2, checkpoint=checkpoint)


class NanFromStep(TinyNetwork):
    steps = 0

    def forward(self, images: Tensor) -> Tensor:
        self.steps += self.training
        return super().forward(images) / (self.steps <= 6)


def test_divergence_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    run = evaluator().run(NanFromStep, seed=2, checkpoint=checkpoint)
    first = next(run)
    with pytest.raises(Diverged) as caught:
        next(run)
    assert caught.value.epoch == 2
    assert next(evaluator().run(NanFromStep, seed=2, checkpoint=checkpoint)) == dataclasses.replace(
        first, replayed=True
    )


def test_the_network_is_the_trained_one() -> None:
    run = evaluator().run(TinyNetwork, seed=2)
    *_, last = run
    score = evaluate(run.network, tiny_data().validation)
    assert score.loss == pytest.approx(last.val_loss)
    assert score.accuracy == last.val_accuracy


def test_the_test_split_is_never_looked_at() -> None:
    data = tiny_data()
    other = ImageData("tiny", 3, data.train, data.validation, Split(data.test.images * 0 + 9, data.test.labels))
    curves = [curve(TrainingEvaluator(d, tiny_config(), device="cpu").run(TinyNetwork, seed=0)) for d in (data, other)]
    assert curves[0] == curves[1]


def test_the_identity_names_data_budget_and_settings() -> None:
    identity = evaluator(epochs=3).identity
    assert identity["evaluator"] == "TrainingEvaluator"
    assert identity["horizon"] == identity["epochs"] == 3
    assert identity["data"].startswith("tiny (")


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="`seed` must be at least 0, but got -1"):
        evaluator().run(TinyNetwork, seed=-1)
    with pytest.raises(ValueError, match="`device` must be"):
        TrainingEvaluator(tiny_data(), device="tpu")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("amp", ["off", "bfloat16", "float16"])
def test_cuda_resumes_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amp: str, resident: bool) -> None:
    monkeypatch.setattr("smbo_nas.training.data.batches._RESIDENT_SHARE", 0.25 if resident else 0.0)

    def make() -> TrainingEvaluator:
        return TrainingEvaluator(tiny_data(channels=3), tiny_config(amp=amp), device="cuda")

    def build() -> nn.Module:
        return TinyNetwork(channels=3)

    expected = curve(make().run(build, seed=2))
    checkpoint = tmp_path / "checkpoint"
    list(itertools.islice(make().run(build, seed=2, checkpoint=checkpoint), 2))
    assert curve(make().run(build, seed=2, checkpoint=checkpoint)) == expected
