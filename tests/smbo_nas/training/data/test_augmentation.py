from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
import torch

from smbo_nas.training.data import augmentation_for
from smbo_nas.training.data.augmentation import Compose, RandomFlip, RandomShift
from tests.smbo_nas.training.tiny import tiny_data


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_shift_occurs_and_each_is_a_window_of_the_padded_image() -> None:
    image = torch.arange(1.0, 41.0).reshape(1, 2, 4, 5)
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2))[0]
    windows = {
        (y, x): padded[:, y : y + 4, x : x + 5].contiguous().numpy().tobytes() for y in range(5) for x in range(5)
    }
    shifted = RandomShift(2)(image.repeat(2000, 1, 1, 1), generator())
    counts = Counter(s.contiguous().numpy().tobytes() for s in shifted)
    assert set(counts) == set(windows.values())
    assert min(counts.values()) > 40  # 80 expected of each


def test_what_comes_in_is_the_fill_of_its_channel() -> None:
    shifted = RandomShift(1, fill=(7.0, 8.0))(torch.zeros(200, 2, 3, 3), generator())
    assert set(shifted[:, 0].unique().tolist()) == {0.0, 7.0}
    assert set(shifted[:, 1].unique().tolist()) == {0.0, 8.0}


def test_about_half_of_the_images_are_flipped() -> None:
    images = torch.arange(6.0).reshape(1, 1, 2, 3).repeat(1000, 1, 1, 1)
    flipped = RandomFlip()(images, generator())
    is_flipped = (flipped == images.flip(-1)).all((1, 2, 3))
    assert ((flipped == images).all((1, 2, 3)) ^ is_flipped).all()
    assert 430 < is_flipped.sum() < 570


def test_it_depends_on_the_generator_only_and_leaves_its_input_alone() -> None:
    images = torch.randn(20, 1, 8, 8, generator=generator(1))
    before, state = images.clone(), torch.get_rng_state()
    augment = Compose((RandomShift(2), RandomFlip()))
    first, again, other = (augment(images, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("name", "channels", "size", "shift", "flip"),
    [
        ("digits", 1, 8, 1, False),
        ("mnist5k", 1, 28, 3, False),
        ("fashion-mnist", 1, 28, 3, True),
        ("photos", 3, 32, 4, True),
        ("svhn", 3, 32, 4, False),
        ("scans", 1, 32, 4, False),
        ("dots", 1, 4, 0, False),
    ],
)
def test_defaults(name: str, channels: int, size: int, shift: int, flip: bool) -> None:
    data = dataclasses.replace(tiny_data(9, channels=channels, size=size), name=name)
    steps = augmentation_for(data).steps
    assert [step.pixels for step in steps if isinstance(step, RandomShift)] == [shift] * bool(shift)
    assert any(isinstance(step, RandomFlip) for step in steps) == flip


def test_names() -> None:
    data = dataclasses.replace(tiny_data(9), mean=(2.0,), std=(4.0,))
    black = RandomShift(1, fill=(-0.5,))
    assert augmentation_for(data, "none") == Compose()
    assert augmentation_for(data, "shift") == Compose((black,))
    assert augmentation_for(data, "shift+flip") == Compose((black, RandomFlip()))
    with pytest.raises(ValueError, match="must be one of auto, none, shift"):
        augmentation_for(data, "cutout")


def test_shift_of_nothing() -> None:
    with pytest.raises(ValueError, match="`pixels` must be at least 1, but got 0"):
        RandomShift(0)
