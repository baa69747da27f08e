from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smbo_nas.training import DataError, load_data


def part(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(n, 8, 8, 3), dtype=np.uint8), np.arange(n) % 3


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        (("images", "labels"), [36, 12, 12]),
        (("x_train", "y_train", "x_test", "y_test"), [48, 12, 21]),
        (("x_train", "y_train", "x_val", "y_val", "x_test", "y_test"), [60, 24, 21]),
        (("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"), [60, 24, 21]),
    ],
)
def test_keys(tmp_path: Path, keys: tuple[str, ...], sizes: list[int]) -> None:
    path = tmp_path / "mine.npz"
    values = [array for n, seed in ((60, 0), (24, 1), (21, 2)) for array in part(n, seed)]
    if len(keys) == 4:
        values[2:4] = []
    np.savez_compressed(path, **dict(zip(keys, values, strict=False)))
    data = load_data(str(path))
    assert data.name == "mine"
    assert data.input_shape == (3, 8, 8)
    assert [len(split) for split in data.splits.values()] == sizes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pixels": np.zeros(3)}, r"must hold images and labels, or x_train.* but holds \['pixels'\]"),
        ({"images": part(9)[0]}, "'labels' is missing"),
        ({"x_train": part(9)[0], "y_train": part(9)[1], "y_test": part(9)[1]}, "'x_test' is missing"),
        ({"images": part(9)[0], "labels": part(8)[1]}, "9 images and 8 labels"),
        ({"images": part(9)[0], "labels": np.zeros(9)}, "at least 2 classes"),
        ({"images": np.full((9, 4, 4), np.nan), "labels": part(9)[1]}, "NaN"),
        ({"images": part(9)[0], "labels": np.array([{}] * 9)}, "allow_pickle=False"),
    ],
)
def test_bad_contents(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **content)
    with pytest.raises(DataError, match=message):
        load_data(str(path))


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    with pytest.raises(DataError, match="cannot be read"):
        load_data(str(path))
    np.savez_compressed(path, images=part(60)[0], labels=part(60)[1])
    content = path.read_bytes()
    flipped = content[:600] + bytes(b ^ 0xFF for b in content[600:900]) + content[900:]
    for broken in (b"", b"text", content[: len(content) // 2], flipped):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="cannot be read"):
            load_data(str(path))
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(DataError, match="cannot be read"):
        load_data(str(path))
