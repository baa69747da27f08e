"""The value every data source ends in: standardised images with three splits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


class DataError(ValueError):
    """A data set that cannot be found, read, split or trained on; the message says why."""


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set.

    Attributes:
        images: ``(n, C, H, W)``, float32.
        labels: ``(n,)``, int64, in ``0 .. num_classes - 1``.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Memory taken by images and labels, in bytes."""
        return self.images.nbytes + self.labels.nbytes


@dataclass(frozen=True, eq=False)
class ImageData:
    """Labelled images, split into training, validation and test parts.

    Attributes:
        name: What to call the data set in a report.
        num_classes: Number of classes, at least 2.
        train: What networks are fitted to.
        validation: What networks are compared on.
        test: What the chosen network is scored on, once.
        mean: Per channel, what was subtracted from the raw pixels (empty if unknown).
        std: Per channel, what they were then divided by (empty if unknown).
        class_names: The original label of each class (empty if unknown).

    Raises:
        DataError: If a split is empty, shapes or types do not match, a label is out of range, a
            pixel is not finite, or there are fewer than two classes.
    """

    name: str
    num_classes: int
    train: Split
    validation: Split
    test: Split
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.num_classes < 2:
            raise DataError(f"{self.name}: at least 2 classes are needed, but there is {self.num_classes}.")
        for part, split in self.splits.items():
            self._check(part, split)
        if len(self.mean) != len(self.std) or len(self.mean) not in (0, self.input_shape[0]):
            raise DataError(f"{self.name}: `mean` and `std` must hold one number per channel.")
        if len(self.class_names) not in (0, self.num_classes):
            raise DataError(f"{self.name}: `class_names` must hold one name per class.")

    def _check(self, part: str, split: Split) -> None:
        images, labels, where = split.images, split.labels, f"{self.name}, {part} split"
        if images.ndim != 4 or images.dtype != torch.float32:
            raise DataError(
                f"{where}: images must be float32 of shape (n, C, H, W), "
                f"but are {images.dtype} of shape {tuple(images.shape)}."
            )
        if labels.ndim != 1 or labels.dtype != torch.int64 or len(labels) != len(images):
            raise DataError(
                f"{where}: labels must be int64 of shape ({len(images)},), "
                f"but are {labels.dtype} of shape {tuple(labels.shape)}."
            )
        if images.numel() == 0:
            raise DataError(f"{where}: there are no images.")
        if images.shape[1:] != self.train.images.shape[1:]:
            raise DataError(
                f"{where}: images are {tuple(images.shape[1:])}, but those of the train split are {self.input_shape}."
            )
        if labels.min() < 0 or labels.max() >= self.num_classes:
            raise DataError(f"{where}: labels must be in 0 .. {self.num_classes - 1}.")
        if not torch.isfinite(images).all():
            raise DataError(f"{where}: some pixels are NaN or infinite.")

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)`` of one image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all images and labels, equal only for equal data in equal splits."""
        digest = hashlib.sha256()
        for split in self.splits.values():
            digest.update(str(tuple(split.images.shape)).encode())
            for tensor in (split.images, split.labels):
                digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()[:16]
