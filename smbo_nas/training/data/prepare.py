"""From raw images to :class:`ImageData`: splits that never leak, then standardisation."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from smbo_nas.training.data.image_data import DataError, ImageData, Split
from smbo_nas.training.data.raw import Arrays, RawData


def prepare(
    raw: RawData,
    *,
    seed: int = 0,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.2,
    max_images: int | None = None,
) -> ImageData:
    """Splits a data set and standardises it with the training split's statistics.

    Splits that the data set brings are kept. The others are drawn class by class (stratified)
    with ``seed``. Byte-identical images never end up on two sides: copies are drawn together, and
    a training image that also occurs in a split of the data set's own is left out of training.

    Args:
        raw: The data set.
        seed: Seed of the splits, at least 0.
        validation_fraction: Share of the images for validation, in (0, 1).
        test_fraction: Share of the images for testing, in (0, 1).
        max_images: At most this many images for training and validation together, drawn class by
            class. The test split stays whole.

    Raises:
        DataError: If there are fewer than two classes or a class is too small to be split.
        ValueError: If an argument is out of range.
    """
    _check_arguments(seed, validation_fraction, test_fraction, max_images)
    pool, validation, test, names = _encode_labels(raw)
    if test is not None:
        pool = _without(pool, test)
        validation = _without(validation, test) if validation is not None else None
    if validation is not None:
        pool = _without(pool, validation)
    parts = 1 + (validation is None) + (test is None)
    _check_class_sizes(raw.name, pool, names, parts)
    if test is None:
        pool, test = _divide(pool, test_fraction, len(names), seed)
        validation_fraction /= 1 - test_fraction
    if max_images is not None:
        pool, validation = _cap(raw.name, pool, validation, max_images, names, seed)
    if validation is None:
        pool, validation = _divide(pool, validation_fraction, len(names), seed)
    return _standardise(raw.name, names, pool, validation, test)


def _check_arguments(seed: int, validation: float, test: float, max_images: int | None) -> None:
    if not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must be in 0 .. 2**32 - 1, but got {seed}.")
    for name, fraction in (("validation_fraction", validation), ("test_fraction", test)):
        if not 0 < fraction < 1:
            raise ValueError(f"`{name}` must be between 0 and 1, but got {fraction}.")
    if validation + test >= 1:
        raise ValueError(
            "`validation_fraction` and `test_fraction` must leave images to train on, "
            f"but add up to {validation + test:g}."
        )
    if max_images is not None and max_images < 1:
        raise ValueError(f"`max_images` must be at least 1, but got {max_images}.")


def _encode_labels(raw: RawData) -> tuple[Arrays, Arrays | None, Arrays | None, list[str]]:
    """Labels become 0 .. num_classes - 1 in sorted order of the training labels."""
    classes = np.unique(raw.train.labels)
    if len(classes) < 2:
        raise DataError(
            f"{raw.name}: at least 2 classes are needed, but all images have the label {str(classes[0])!r}."
        )
    splits = [split for split in (raw.train, raw.validation, raw.test) if split is not None]
    shapes = {split.images.shape[1:] for split in splits}
    if len(shapes) > 1:
        raise DataError(f"{raw.name}: the splits have images of different shapes {sorted(shapes)}.")
    common = np.result_type(*(split.images.dtype for split in splits))

    def encode(split: Arrays) -> Arrays:
        unknown = sorted(set(split.labels.tolist()) - set(classes.tolist()))
        if unknown:
            raise DataError(f"{raw.name}: no training image has the label {unknown[0]!r}.")
        labels = np.searchsorted(classes, split.labels).astype(np.int64)
        return Arrays(split.images.astype(common, copy=False), labels)

    validation = encode(raw.validation) if raw.validation is not None else None
    test = encode(raw.test) if raw.test is not None else None
    return encode(raw.train), validation, test, [str(name) for name in classes.tolist()]


def _digests(images: NDArray[Any]) -> list[bytes]:
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]


def _select(arrays: Arrays, mask: NDArray[np.bool_]) -> Arrays:
    return Arrays(arrays.images[mask], arrays.labels[mask])


def _without(arrays: Arrays, held_out: Arrays) -> Arrays:
    held = set(_digests(held_out.images))
    return _select(arrays, np.array([d not in held for d in _digests(arrays.images)], dtype=bool))


def _groups(arrays: Arrays) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of identical images each image belongs to, and each group's label."""
    numbers: dict[bytes, int] = {}
    group = np.array(
        [numbers.setdefault(digest, len(numbers)) for digest in _digests(arrays.images)],
        dtype=np.int64,
    )
    first = np.unique(group, return_index=True)[1]
    return group, arrays.labels[first]


def _check_class_sizes(name: str, pool: Arrays, names: list[str], needed: int) -> None:
    counts = np.bincount(_groups(pool)[1], minlength=len(names))
    smallest = int(counts.argmin())
    if counts[smallest] < needed:
        raise DataError(
            f"{name}: each class must have at least {needed} different images, one for each "
            f"split to be made, but class {names[smallest]!r} has {counts[smallest]}."
        )


def _divide(pool: Arrays, fraction: float, classes: int, seed: int) -> tuple[Arrays, Arrays]:
    """Takes a stratified part of about ``fraction``, at least one image per class, out of it."""
    from sklearn.model_selection import train_test_split

    group, labels = _groups(pool)
    size = min(max(round(fraction * len(labels)), classes), len(labels) - classes)
    try:
        _, taken = train_test_split(np.arange(len(labels)), test_size=size, stratify=labels, random_state=seed)
    except ValueError as error:
        raise DataError(f"{len(labels)} images cannot be split by class: {error}") from error
    mask = np.isin(group, taken)
    return _select(pool, ~mask), _select(pool, mask)


def _cap(
    name: str,
    pool: Arrays,
    validation: Arrays | None,
    max_images: int,
    names: list[str],
    seed: int,
) -> tuple[Arrays, Arrays | None]:
    """Both parts shrink in proportion, so that together they hold about ``max_images``."""
    total = len(pool.labels) + (len(validation.labels) if validation is not None else 0)
    classes = len(names)
    if total <= max_images:
        return pool, validation
    if max_images < 2 * classes:
        raise DataError(
            f"{name}: `max_images` must be at least {2 * classes}, one image per class for "
            f"training and one for validation, but got {max_images}."
        )
    keep = max_images / total
    if validation is not None:
        validation = _divide(validation, keep, classes, seed)[1]
    pool = _divide(pool, keep, classes, seed)[1]
    _check_class_sizes(f"{name}, with {max_images} images", pool, names, 1 + (validation is None))
    return pool, validation


def _standardise(name: str, names: list[str], train: Arrays, validation: Arrays, test: Arrays) -> ImageData:
    pixels = torch.from_numpy(train.images).float()
    std, mean = torch.std_mean(pixels, dim=(0, 2, 3), correction=0)
    std = torch.where(std > 0, std, 1.0)  # a constant channel carries nothing: leave its scale

    def split(arrays: Arrays) -> Split:
        images = torch.from_numpy(arrays.images) - mean[:, None, None]
        return Split(images.div_(std[:, None, None]), torch.from_numpy(arrays.labels))

    return ImageData(
        name=name,
        num_classes=len(names),
        train=split(train),
        validation=split(validation),
        test=split(test),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        class_names=tuple(names),
    )
