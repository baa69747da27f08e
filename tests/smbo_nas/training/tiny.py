"""A tiny data set and tiny networks: what is tested is the training, not what it learns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from smbo_nas.training import EpochRecord, ImageData, Split, TrainingConfig


def tiny_data(n: int = 60, *, classes: int = 3, size: int = 8, channels: int = 1, seed: int = 0) -> ImageData:
    """Noise on top of one pattern per class, so that it can be learned."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(classes, channels, size, size, generator=generator)

    def split(count: int) -> Split:
        labels = torch.arange(count) % classes
        noise = torch.randn(count, channels, size, size, generator=generator)
        return Split(patterns[labels] + noise, labels)

    return ImageData("tiny", classes, split(n), split(n // 3), split(n // 3))


class TinyNetwork(nn.Module):
    """Convolution, batch normalisation, dropout: weights, buffers and random numbers."""

    def __init__(self, classes: int = 3, width: int = 4, channels: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.dropout(self.features(images).mean((2, 3))))


def tiny_config(**changes: Any) -> TrainingConfig:
    return dataclasses.replace(TrainingConfig(epochs=4, batch_size=16), **changes)


def curve(records: Iterable[EpochRecord]) -> list[EpochRecord]:
    """Records without what may differ between equal runs."""
    return [dataclasses.replace(record, seconds=0.0, replayed=False) for record in records]
