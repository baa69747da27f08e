"""Images and labels as a source delivers them, brought to one layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smbo_nas.training.data.image_data import DataError

_MAX_COLOURS = 4
"""Grey, grey + alpha, RGB or RGBA: a last axis this short holds channels, not pixels."""


class Arrays(NamedTuple):
    """Images ``(n, C, H, W)``, uint8 or float32, and labels ``(n,)``, integers or strings."""

    images: NDArray[Any]
    labels: NDArray[Any]


@dataclass(frozen=True)
class RawData:
    """A data set before splitting and standardisation.

    Attributes:
        name: What to call it.
        train: All images, or those outside the splits that the data set brings itself.
        validation: The data set's own validation split, if it has one.
        test: The data set's own test split, if it has one.
    """

    name: str
    train: Arrays
    validation: Arrays | None = None
    test: Arrays | None = None


def as_arrays(images: Any, labels: Any, *, where: str) -> Arrays:
    """Checks images and labels and brings them to the layout of :class:`Arrays`.

    Args:
        images: ``(n, H, W)``, ``(n, C, H, W)`` or ``(n, H, W, C)`` with at most four channels.
        labels: ``(n,)`` or ``(n, 1)``; integers, whole floats, booleans or strings.
        where: Whose images these are, for messages.

    Raises:
        DataError: If shapes or types are wrong, a pixel is not finite, or the numbers of images
            and labels differ.
    """
    pixels = _as_images(_as_numpy(images, f"{where}: images"), where)
    classes = _as_labels(_as_numpy(labels, f"{where}: labels"), where)
    if len(pixels) != len(classes):
        raise DataError(
            f"{where}: there must be one label per image, but there are {len(pixels)} images and {len(classes)} labels."
        )
    if pixels.size == 0:
        raise DataError(f"{where}: there are no images.")
    return Arrays(pixels, classes)


def _as_numpy(values: Any, what: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists, tensors on a GPU
        raise DataError(f"{what} cannot be read as one array: {error}") from error


def _as_images(images: NDArray[Any], where: str) -> NDArray[Any]:
    if images.dtype.kind not in "buif":
        raise DataError(f"{where}: images must be numbers, but are {images.dtype}.")
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4:
        raise DataError(
            f"{where}: images must have shape (n, H, W), (n, C, H, W) or (n, H, W, C), but have shape {images.shape}."
        )
    if images.shape[3] <= _MAX_COLOURS < images.shape[1]:
        images = images.transpose(0, 3, 1, 2)
    if images.dtype != np.uint8:
        images = images.astype(np.float32)
        if not np.isfinite(images).all():
            raise DataError(f"{where}: some pixels are NaN or infinite.")
    return np.ascontiguousarray(images)


def _as_labels(labels: NDArray[Any], where: str) -> NDArray[Any]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{where}: labels must have shape (n,), but have shape {labels.shape}.")
    if labels.dtype.kind == "f":
        if not np.array_equal(labels, np.round(labels)):
            raise DataError(f"{where}: labels must be whole numbers or strings.")
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "buiUS":
        raise DataError(f"{where}: labels must be integers or strings, but are {labels.dtype}.")
    return labels
