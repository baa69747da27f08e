from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from smbo_nas.training import CheckpointError, load_weights, save_weights
from smbo_nas.training.checkpoint import network_tensors, read_checkpoint, write_checkpoint
from tests.smbo_nas.training.tiny import TinyNetwork


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "checkpoint.safetensors"
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(3), "none": torch.zeros(0, 2)}
    write_checkpoint(path, tensors, {"history": [0.1, 1e-300], "x": None})
    return path


def test_round_trip_is_exact(path: Path) -> None:
    tensors, state = read_checkpoint(path)
    assert torch.equal(tensors["a"], torch.arange(6.0).reshape(2, 3))
    assert tensors["n"].item() == 3
    assert tensors["none"].shape == (0, 2)
    assert state == {"history": [0.1, 1e-300], "x": None}


def test_it_is_one_safetensors_file(path: Path) -> None:
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with safe_open(path, "pt") as file:
        assert "a" in file.keys()  # noqa: SIM118


def test_layout_and_sharing_do_not_matter(tmp_path: Path) -> None:
    image = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    path = tmp_path / "x"
    write_checkpoint(path, {"a": image, "b": image, "c": image[0, 0]}, {})
    tensors = read_checkpoint(path).tensors
    assert torch.equal(tensors["a"], image)
    assert torch.equal(tensors["b"], image)
    assert torch.equal(tensors["c"], image[0, 0])


@pytest.mark.parametrize("keep", [0, 5, 0.3, 0.9, -1])
def test_truncated_files(path: Path, keep: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if 0 < keep < 1 else int(keep)])
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors cannot be read"):
        read_checkpoint(path)


def test_every_flipped_byte_of_the_tensors_is_noticed(path: Path) -> None:
    content = path.read_bytes()
    for offset in range(1, 33):  # 6 floats and one int64 at the end of the file
        broken = bytearray(content)
        broken[-offset] ^= 0x10
        path.write_bytes(broken)
        with pytest.raises(CheckpointError, match="corrupt"):
            read_checkpoint(path)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        read_checkpoint(tmp_path / "none")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(CheckpointError, match="not a training checkpoint"):
        read_checkpoint(tmp_path / "foreign")
    (tmp_path / "text").write_text("hello world, this is no checkpoint")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(tmp_path / "text")


def test_a_failed_write_leaves_the_old_checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(path, {"a": torch.ones(3)}, {})
    assert path.read_bytes() == before


def test_weights_from_weights_and_from_checkpoints(tmp_path: Path) -> None:
    network = TinyNetwork()
    save_weights(network, tmp_path / "weights", {"note": "best"})
    write_checkpoint(tmp_path / "checkpoint", {**network_tensors(network), "momentum.0": torch.zeros(2)}, {})
    for name in ("weights", "checkpoint"):
        other = TinyNetwork()
        assert not torch.equal(other.head.weight, network.head.weight)
        load_weights(tmp_path / name, other)
        expected = network.state_dict()
        assert all(torch.equal(tensor, expected[key]) for key, tensor in other.state_dict().items())


def test_weights_of_another_network(tmp_path: Path) -> None:
    save_weights(TinyNetwork(width=4), tmp_path / "weights")
    with pytest.raises(CheckpointError, match="holds another network"):
        load_weights(tmp_path / "weights", TinyNetwork(width=5))
    with pytest.raises(CheckpointError, match="holds another network"):
        load_weights(tmp_path / "weights", nn.Linear(2, 2))
