"""Batches without a loader's overhead: whole groups of them are drawn and augmented at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from smbo_nas.training.data.augmentation import Augmentation
from smbo_nas.training.data.image_data import ImageData, Split

Batch = tuple[Tensor, Tensor]
"""Images ``(b, C, H, W)`` and labels ``(b,)``."""

_GROUP_BYTES = 32 * 2**20
_RESIDENT_SHARE = 0.25
"""Share of a GPU's free memory that a data set may take for good; workers may share a GPU."""


def fits_on(device: torch.device, nbytes: int) -> bool:
    """Whether data of this size should live on a device during training."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return nbytes <= _RESIDENT_SHARE * free


def place(data: ImageData, device: torch.device) -> tuple[Split, Split]:
    """The training and the validation split, on ``device`` if both fit there comfortably."""
    splits = (data.train, data.validation)
    if not fits_on(device, sum(split.nbytes for split in splits)):
        return splits
    train, validation = (Split(split.images.to(device), split.labels.to(device)) for split in splits)
    return train, validation


def steps_per_epoch(n: int, batch_size: int) -> int:
    """Number of batches that :func:`training_batches` makes of ``n`` images."""
    return -(-n // batch_size)


def training_batches(
    split: Split,
    batch_size: int,
    *,
    augment: Augmentation,
    generator: torch.Generator,
    device: torch.device,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Iterator[Batch]:
    """One epoch: every image once, in random order, augmented, on ``device``.

    Args:
        split: Images anywhere. Those not on ``device`` are copied there through pinned memory,
            which does not wait for the computation under way.
        batch_size: Largest size of a batch; the sizes of an epoch differ by at most one.
        augment: Applied to groups of batches.
        generator: On ``device``; draws order and augmentation.
        device: Where the batches go.
        memory_format: Layout of the images.
    """
    order = torch.randperm(len(split), generator=generator, device=device)
    parts = order.to(split.labels.device).tensor_split(steps_per_epoch(len(split), batch_size))
    part_bytes = max(1, split.images[0].nbytes * batch_size)
    size = max(1, _GROUP_BYTES // part_bytes)
    for start in range(0, len(parts), size):
        group = parts[start : start + size]
        index = torch.cat(group)
        images = augment(_to(split.images.index_select(0, index), device), generator)
        images = images.contiguous(memory_format=memory_format)
        labels = _to(split.labels.index_select(0, index), device)
        sizes = [len(part) for part in group]
        yield from zip(torch.split(images, sizes), torch.split(labels, sizes), strict=True)


def evaluation_batches(split: Split, batch_size: int, *, device: torch.device) -> Iterator[Batch]:
    """All images once, in order, on ``device``."""
    for images, labels in zip(
        torch.split(split.images, batch_size), torch.split(split.labels, batch_size), strict=True
    ):
        yield _to(images, device), _to(labels, device)


def _to(tensor: Tensor, device: torch.device) -> Tensor:
    if tensor.device == device:
        return tensor
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
