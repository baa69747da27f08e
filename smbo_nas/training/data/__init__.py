"""Images to train on: sources, splits, augmentation and batches."""

from __future__ import annotations

from smbo_nas.training.data.augmentation import AUGMENTATIONS, augmentation_for
from smbo_nas.training.data.image_data import DataError, ImageData, Split
from smbo_nas.training.data.load import DATA_NAMES, load_data
from smbo_nas.training.data.prepare import prepare
from smbo_nas.training.data.raw import RawData, as_arrays

__all__ = [
    "AUGMENTATIONS",
    "DATA_NAMES",
    "DataError",
    "ImageData",
    "RawData",
    "Split",
    "as_arrays",
    "augmentation_for",
    "load_data",
    "prepare",
]
