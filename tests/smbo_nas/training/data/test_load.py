from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smbo_nas.training import DataError, load_data


def test_digits() -> None:
    data = load_data("digits")
    assert data.name == "digits"
    assert data.input_shape == (1, 8, 8)
    assert data.num_classes == 10
    assert [len(split) for split in data.splits.values()] == [1078, 360, 359]
    # Pixels of the UCI digits are 0 .. 16.
    mean, std = data.mean[0], data.std[0]
    raw = np.concatenate([split.images.numpy() for split in data.splits.values()]) * std + mean
    assert raw.min() == pytest.approx(0, abs=1e-4)
    assert raw.max() == pytest.approx(16, abs=1e-4)


def test_splits_of_digits_are_disjoint() -> None:
    train, validation, test = (
        {image.tobytes() for image in split.images.numpy()} for split in load_data("digits", seed=3).splits.values()
    )
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("spec", ["imagenet", "", "no/such/folder", "Digits"])
def test_unknown_names_list_what_is_allowed(spec: str) -> None:
    with pytest.raises(DataError, match=f"Unknown data set '{spec}'.*digits, mnist5k, fashion-mnist.*npz.*folder"):
        load_data(spec)


def test_arguments_reach_the_splits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    np.savez(path, images=rng.random((100, 8, 8)), labels=np.arange(100) % 4)
    data = load_data(str(path), seed=1, validation_fraction=0.25, test_fraction=0.2, max_images=40)
    assert data.name == "mine"
    # A quarter of all images is 5 / 16 of those that are not for testing.
    assert [len(split) for split in data.splits.values()] == [28, 12, 20]
