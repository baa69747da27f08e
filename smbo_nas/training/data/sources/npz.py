"""NumPy archives."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from smbo_nas.training.data.image_data import DataError
from smbo_nas.training.data.raw import Arrays, RawData, as_arrays

_LAYOUTS = (
    # images, labels of: everything or training; validation; test
    (("images", "labels"), ("val_images", "val_labels"), ("test_images", "test_labels")),
    (("x_train", "y_train"), ("x_val", "y_val"), ("x_test", "y_test")),
    (
        ("train_images", "train_labels"),
        ("val_images", "val_labels"),
        ("test_images", "test_labels"),
    ),
)


def npz(path: Path) -> RawData:
    """Reads an ``.npz`` with ``images`` and ``labels``, or with Keras's or MedMNIST's keys.

    Keras: ``x_train``, ``y_train``, ``x_test``, ``y_test`` (and ``x_val``, ``y_val``).
    MedMNIST: ``train_images``, ``train_labels``, ``val_images``, ... The splits that are there
    are kept. Pickled objects are never read.

    Raises:
        DataError: If the file is not there, broken, or has other keys.
    """
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as archive:
            return _read(archive, path)
    except DataError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _read(archive: Any, path: Path) -> RawData:
    def split(keys: tuple[str, str]) -> Arrays | None:
        if keys[0] not in archive and keys[1] not in archive:
            return None
        for key in keys:
            if key not in archive:
                raise DataError(f"{path}: {key!r} is missing; there are {sorted(archive)}.")
        return as_arrays(archive[keys[0]], archive[keys[1]], where=f"{path.name}, {keys[0]}")

    for train_keys, validation_keys, test_keys in _LAYOUTS:
        train = split(train_keys)
        if train is not None:
            return RawData(path.stem, train, split(validation_keys), split(test_keys))
    raise DataError(
        f"{path} must hold images and labels, or x_train, y_train, x_test and y_test, but holds {sorted(archive)}."
    )
