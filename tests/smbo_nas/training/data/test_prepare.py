from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smbo_nas.training import DataError, ImageData, Split
from smbo_nas.training.data import RawData, as_arrays, prepare
from smbo_nas.training.data.raw import Arrays


def arrays(n: int, classes: int = 3, *, seed: int = 0, values: int = 256) -> Arrays:
    rng = np.random.default_rng(seed)
    return as_arrays(rng.integers(values, size=(n, 2, 3, 3), dtype=np.uint8), np.arange(n) % classes, where="x")


def pixels(split: Split, data: ImageData) -> set[bytes]:
    """The raw images of a split, whatever standardisation did to them."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (data.mean, data.std))
    raw = (split.images * std + mean).round().to(torch.uint8)
    return {image.numpy().tobytes() for image in raw}


def assert_no_leak(data: ImageData) -> None:
    train, validation, test = (pixels(split, data) for split in data.splits.values())
    assert not train & validation
    assert not train & test
    assert not validation & test


@given(st.integers(45, 90), st.integers(0, 2**31), st.sampled_from([2, 256]), st.integers(0, 20))
@settings(max_examples=30, deadline=None)
def test_splits_partition_the_images_and_never_leak(n: int, seed: int, values: int, copies: int) -> None:
    source = arrays(n, seed=seed, values=values)
    source = Arrays(*(np.concatenate([part, part[:copies]]) for part in source))  # exact duplicates
    data = prepare(RawData("x", source), seed=seed)
    assert_no_leak(data)
    assert sum(len(split) for split in data.splits.values()) == n + copies
    everything = set.union(*(pixels(split, data) for split in data.splits.values()))
    assert everything == {image.tobytes() for image in source.images}
    assert set(data.train.labels.tolist()) == {0, 1, 2}


def test_fractions_and_classes() -> None:
    labels = np.repeat([0, 1, 2], [100, 200, 700])
    raw = RawData("x", Arrays(arrays(1000).images, labels))
    data = prepare(raw, validation_fraction=0.1, test_fraction=0.3)
    for split, share in ((data.train, 0.6), (data.validation, 0.1), (data.test, 0.3)):
        assert Counter(split.labels.tolist()) == {0: 100 * share, 1: 200 * share, 2: 700 * share}


def test_statistics_are_those_of_the_training_split_alone() -> None:
    data = prepare(RawData("x", arrays(300)))
    assert torch.allclose(data.train.images.mean((0, 2, 3)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(data.train.images.std((0, 2, 3), correction=0), torch.ones(2), atol=1e-5)
    dark = [Arrays(np.minimum(arrays(300, seed=seed).images, 9), arrays(300).labels) for seed in (1, 2)]
    kept = prepare(RawData("x", arrays(300), *dark))
    assert kept.mean == pytest.approx(arrays(300).images.mean((0, 2, 3)).tolist(), rel=1e-5)
    assert kept.std == pytest.approx(arrays(300).images.std((0, 2, 3)).tolist(), rel=1e-5)


def test_a_constant_channel_becomes_zero() -> None:
    source = arrays(60)
    source.images[:, 1] = 7
    images = prepare(RawData("x", source)).train.images
    assert (images[:, 1] == 0).all()


def test_the_source_is_left_alone() -> None:
    source, test = (Arrays(a.images.astype(np.float32), a.labels) for a in (arrays(60), arrays(30, seed=1)))
    before = source.images.copy(), test.images.copy()
    prepare(RawData("x", source, test=test))
    np.testing.assert_array_equal(source.images, before[0])
    np.testing.assert_array_equal(test.images, before[1])


def test_splits_depend_on_the_seed() -> None:
    prints = [prepare(RawData("x", arrays(60)), seed=seed).fingerprint for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]


def test_own_splits_are_kept_and_their_copies_leave_the_training_split() -> None:
    train, validation, test = arrays(60), arrays(30, seed=1), arrays(30, seed=2)
    train.images[:4], validation.images[0] = test.images[:4], test.images[4]
    train.images[4] = validation.images[1]
    data = prepare(RawData("x", train, validation, test))
    assert_no_leak(data)
    assert [len(split) for split in data.splits.values()] == [55, 29, 30]
    assert pixels(data.test, data) == {image.tobytes() for image in test.images}
    half = prepare(RawData("x", train, test=test))
    assert_no_leak(half)
    assert len(half.test) == 30
    assert len(half.train) + len(half.validation) == 56


@pytest.mark.parametrize("own_validation", [False, True])
def test_cap(own_validation: bool) -> None:
    validation = arrays(50, seed=1) if own_validation else None
    raw = RawData("x", arrays(200), validation, arrays(30, seed=2))
    data = prepare(raw, max_images=50, validation_fraction=0.2)
    assert (len(data.train), len(data.validation), len(data.test)) == (40, 10, 30)
    assert_no_leak(data)
    whole = prepare(raw)
    assert prepare(raw, max_images=10_000).fingerprint == whole.fingerprint


def test_labels_become_numbers() -> None:
    source = Arrays(arrays(60).images, np.array(["cat", "dog", "ant"] * 20))
    data = prepare(RawData("x", source))
    assert data.class_names == ("ant", "cat", "dog")
    assert data.num_classes == 3
    of = {image.tobytes(): label for image, label in zip(*source, strict=True)}
    mean, std = (torch.tensor(values)[:, None, None] for values in (data.mean, data.std))
    for split in data.splits.values():
        raw = (split.images * std + mean).round().to(torch.uint8).numpy()
        assert [of[i.tobytes()] for i in raw] == [data.class_names[k] for k in split.labels]


@pytest.mark.parametrize(
    ("raw", "arguments", "message"),
    [
        (RawData("x", Arrays(arrays(9).images, np.zeros(9))), {}, "at least 2 classes are needed, .* label '0.0'"),
        (RawData("x", arrays(7)), {}, "at least 3 different images, .* but class '1' has 2"),
        (RawData("x", arrays(4), test=arrays(9)), {}, "but class '0' has 0"),  # all of them are in test
        (RawData("x", arrays(60), test=arrays(9, classes=4)), {}, "no training image has the label 3"),
        (
            RawData("x", arrays(60), test=Arrays(arrays(9).images[:, :, 1:], arrays(9).labels)),
            {},
            "images of different shapes",
        ),
        (RawData("x", arrays(60)), {"max_images": 5}, "`max_images` must be at least 6, .* but got 5"),
    ],
)
def test_data_that_cannot_be_split(raw: RawData, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        prepare(raw, **arguments)


def test_copies_do_not_count_as_images_of_a_class() -> None:
    source = arrays(60)
    mask = source.labels == 2
    source.images[mask] = source.images[mask][0]
    with pytest.raises(DataError, match="but class '2' has 1"):
        prepare(RawData("x", source))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "`seed` must be in"),
        ({"validation_fraction": 0.0}, "`validation_fraction` must be between 0 and 1, but got 0.0"),
        ({"test_fraction": 1.0}, "`test_fraction` must be between 0 and 1"),
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "add up to 1"),
        ({"max_images": 0}, "`max_images` must be at least 1, but got 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepare(RawData("x", arrays(60)), **arguments)
