"""Data sets by name or path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from smbo_nas.training.data.image_data import DataError, ImageData
from smbo_nas.training.data.prepare import prepare
from smbo_nas.training.data.raw import RawData
from smbo_nas.training.data.sources.folder import image_folder
from smbo_nas.training.data.sources.function import from_function
from smbo_nas.training.data.sources.idx import fashion_mnist, has_idx_files, idx_folder
from smbo_nas.training.data.sources.npz import npz
from smbo_nas.training.data.sources.packages import digits, mnist5k

_NAMED: dict[str, Callable[[], RawData]] = {
    "digits": digits,
    "mnist5k": mnist5k,
    "fashion-mnist": fashion_mnist,
}

DATA_NAMES = tuple(_NAMED)
"""The data sets that :func:`load_data` knows by name."""


def load_data(
    spec: str,
    *,
    seed: int = 0,
    validation_fraction: float = 0.2,
    test_fraction: float = 0.2,
    max_images: int | None = None,
    image_size: int | None = None,
) -> ImageData:
    """Loads, splits and standardises a data set.

    Args:
        spec: One of

            - ``digits``, ``mnist5k``, ``fashion-mnist`` (or ``fashion-mnist:FOLDER``),
            - the path of an ``.npz`` (keys ``images`` and ``labels``, or Keras's, or MedMNIST's),
            - a folder of IDX files, or of images with one subfolder per class (optionally inside
              ``train``, ``validation`` and ``test``),
            - ``module:function``, which returns an :class:`ImageData`, a pair (images, labels) or
              data sets.
        seed: Seed of the splits (not of any training).
        validation_fraction: Share of the images for validation, if the data set has no such
            split of its own. If it has a test split, a share of the images outside it.
        test_fraction: Share of the images for testing, if the data set has no test split.
        max_images: At most this many images for training and validation together.
        image_size: Scale the files of an image folder to this many pixels square.

    Returns:
        The data set. An :class:`ImageData` that a function returns is returned as it is.

    Raises:
        DataError: If the data set is unknown, missing, broken, or cannot be split.
        ValueError: If another argument is out of range.
    """
    raw = _read(spec, image_size)
    if isinstance(raw, ImageData):
        return raw
    return prepare(
        raw,
        seed=seed,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        max_images=max_images,
    )


def _read(spec: str, image_size: int | None) -> RawData | ImageData:
    if spec in _NAMED:
        return _NAMED[spec]()
    name, _, folder = spec.partition(":")
    if name == "fashion-mnist":
        return fashion_mnist(Path(folder).expanduser())
    path = Path(spec).expanduser()
    if spec and path.is_dir():
        if has_idx_files(path):
            return idx_folder(path, name=path.resolve().name)
        return image_folder(path, image_size=image_size)
    if path.suffix == ".npz":
        return npz(path)
    if ":" in spec:
        return from_function(spec)
    raise DataError(
        f"Unknown data set {spec!r}: it must be one of {', '.join(DATA_NAMES)}, the path of an "
        ".npz file, a folder of images (one subfolder per class) or of IDX files, or "
        "module:function."
    )
