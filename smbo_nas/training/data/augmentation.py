"""Light augmentation of whole batches, with an explicit random generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from smbo_nas.training.data.image_data import ImageData

Augmentation = Callable[[Tensor, torch.Generator], Tensor]
"""Maps images ``(n, C, H, W)`` to images of the same shape; the generator is on their device."""

AUGMENTATIONS = ("auto", "none", "shift", "shift+flip")
"""The names that :func:`augmentation_for` knows."""

_NEVER_FLIPPED = ("digit", "mnist", "svhn", "letter", "char", "text")
_FLIPPED = ("fashion",)


@dataclass(frozen=True)
class RandomShift:
    """Shifts each image by up to ``pixels`` in both directions; what comes in is ``fill``.

    The same as padding and cropping at random, as is usual on CIFAR-10 (He et al.,
    arXiv:1512.03385, section 4.2).

    Attributes:
        pixels: Largest shift, at least 1.
        fill: Value of the padding, per channel; empty for 0.
    """

    pixels: int
    fill: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels < 1:
            raise ValueError(f"`pixels` must be at least 1, but got {self.pixels}.")

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Shifts each image of the batch by itself."""
        n, channels, height, width = images.shape
        p = self.pixels
        fill = images.new_tensor(self.fill or (0.0,) * channels)
        padded = fill[:, None, None].expand(n, channels, height + 2 * p, width + 2 * p).clone()
        padded[:, :, p:-p, p:-p] = images
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)
        top, left = torch.randint(2 * p + 1, (2, n), generator=generator, device=images.device).unbind()
        return windows[torch.arange(n, device=images.device), :, top, left]


@dataclass(frozen=True)
class RandomFlip:
    """Mirrors each image left to right with probability one half."""

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Flips each image of the batch by itself."""
        coin = torch.rand(len(images), generator=generator, device=images.device)
        return torch.where(coin[:, None, None, None] < 0.5, images.flip(-1), images)


@dataclass(frozen=True)
class Compose:
    """Applies several augmentations in turn; none at all leaves the images as they are."""

    steps: tuple[Augmentation, ...] = ()

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Applies the steps in order."""
        for step in self.steps:
            images = step(images, generator)
        return images


def augmentation_for(data: ImageData, name: str = "auto") -> Compose:
    """The augmentation that fits a data set.

    Args:
        data: The data set. Shifts go up to an eighth of the shorter side (4 pixels of 32, as is
            usual on CIFAR-10) and let black come in.
        name: ``none``, ``shift``, ``shift+flip``, or ``auto``: always a shift; flips for colour
            images and for Fashion-MNIST, but not where the name tells of digits or letters, whose
            mirror images are other signs or none.

    Raises:
        ValueError: If the name is unknown.
    """
    if name not in AUGMENTATIONS:
        raise ValueError(f"`name` must be one of {', '.join(AUGMENTATIONS)}, but got {name!r}.")
    channels, height, width = data.input_shape
    pixels = min(height, width) // 8
    shift: tuple[Augmentation, ...] = ()
    if pixels:
        black = tuple(-mean / std for mean, std in zip(data.mean, data.std, strict=True))
        shift = (RandomShift(pixels, black),)
    if name == "auto":
        name = "shift+flip" if _may_flip(data.name.lower(), channels) else "shift"
    choices: dict[str, tuple[Augmentation, ...]] = {"none": (), "shift": shift, "shift+flip": (*shift, RandomFlip())}
    return Compose(choices[name])


def _may_flip(name: str, channels: int) -> bool:
    if any(word in name for word in _FLIPPED):
        return True
    return channels >= 3 and not any(word in name for word in _NEVER_FLIPPED)
