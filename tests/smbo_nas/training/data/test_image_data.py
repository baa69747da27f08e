from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from smbo_nas.training import DataError, ImageData, Split
from tests.smbo_nas.training.tiny import tiny_data

DATA = tiny_data()
IMAGES, LABELS = DATA.test.images, DATA.test.labels


def test_shape() -> None:
    data = tiny_data(channels=3, size=6)
    assert data.input_shape == (3, 6, 6)
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 60, "validation": 20, "test": 20}


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (Split(IMAGES.double(), LABELS), "test split: images must be float32"),
        (Split(IMAGES[:, 0], LABELS), r"of shape \(n, C, H, W\)"),
        (Split(IMAGES, LABELS[1:]), r"labels must be int64 of shape \(20,\)"),
        (Split(IMAGES, LABELS.int()), "labels must be int64"),
        (Split(IMAGES[:0], LABELS[:0]), "there are no images"),
        (Split(IMAGES[:, :, 1:], LABELS), r"images are \(1, 7, 8\), but those of the train split are \(1, 8, 8\)"),
        (Split(IMAGES, LABELS + 1), r"labels must be in 0 \.\. 2"),
        (Split(IMAGES, LABELS - 1), r"labels must be in 0 \.\. 2"),
        (Split(IMAGES / 0, LABELS), "NaN or infinite"),
    ],
)
def test_bad_splits(test: Split, message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataclasses.replace(DATA, test=test)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_classes": 1}, "at least 2 classes are needed"),
        ({"mean": (0.0, 0.0), "std": (1.0, 1.0)}, "one number per channel"),
        ({"mean": (0.0,)}, "one number per channel"),
        ({"class_names": ("a", "b")}, "one name per class"),
    ],
)
def test_bad_descriptions(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataclasses.replace(DATA, **change)


def test_the_fingerprint_tells_data_and_splits_apart() -> None:
    def fingerprint(**changes: Any) -> str:
        return dataclasses.replace(DATA, **changes).fingerprint

    pixel = IMAGES.clone()
    pixel[3, 0, 2, 2] += 1e-3
    label = LABELS.clone()
    label[5] = (label[5] + 1) % 3
    assert fingerprint() == tiny_data().fingerprint == fingerprint(name="other")
    changed = [
        fingerprint(test=Split(pixel, LABELS)),
        fingerprint(test=Split(IMAGES, label)),
        fingerprint(test=DATA.train, train=DATA.test),
        tiny_data(seed=1).fingerprint,
    ]
    assert len({fingerprint(), *changed}) == 5


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ImageData.__setattr__(DATA, "name", "x")
