"""IDX files, the format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist/)."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbo_nas.training.data.image_data import DataError
from smbo_nas.training.data.raw import Arrays, RawData, as_arrays

FASHION_MNIST_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where the Debian package ``dataset-fashion-mnist`` puts its files."""

FASHION_MNIST_VARIABLE = "SMBO_NAS_FASHION_MNIST"
"""Environment variable that names another folder."""

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def fashion_mnist(folder: Path | None = None) -> RawData:
    """Fashion-MNIST: 60,000 training and 10,000 test images, 28 x 28, 10 classes.

    Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", arXiv:1708.07747.

    Args:
        folder: The folder with the four IDX files. ``None`` looks into the folder named by the
            environment variable ``SMBO_NAS_FASHION_MNIST``, else where Debian's package
            ``dataset-fashion-mnist`` puts them.

    Raises:
        DataError: If the files are not there or not readable.
    """
    folder = folder or Path(os.environ.get(FASHION_MNIST_VARIABLE) or FASHION_MNIST_FOLDER)
    if not has_idx_files(folder):
        raise DataError(
            f"fashion-mnist: no IDX files in {folder}. Install the Debian package "
            "dataset-fashion-mnist or name the folder that has them: fashion-mnist:FOLDER."
        )
    return idx_folder(folder, name="fashion-mnist")


def has_idx_files(folder: Path) -> bool:
    """Whether a folder holds the training images of an IDX data set."""
    return _find(folder, "train", "images") is not None


def idx_folder(folder: Path, *, name: str) -> RawData:
    """Reads ``train-{images,labels}-*`` and, if there, ``t10k-...`` or ``test-...``.

    Raises:
        DataError: If a file is missing or broken.
    """
    test = "test" if _find(folder, "test", "images") is not None else "t10k"
    has_test = _find(folder, test, "images") is not None
    return RawData(
        name,
        _read_pair(folder, "train"),
        test=_read_pair(folder, test) if has_test else None,
    )


def _find(folder: Path, part: str, kind: str) -> Path | None:
    """``train-images-idx3-ubyte`` or ``train-images.idx3-ubyte``, compressed or not."""
    found = sorted(folder.glob(f"{part}-{kind}[-.]idx[0-9]-*"))
    return found[0] if found else None


def _read_pair(folder: Path, part: str) -> Arrays:
    images, labels = (_find(folder, part, kind) for kind in ("images", "labels"))
    if images is None or labels is None:
        kind = "images" if images is None else "labels"
        raise DataError(f"{folder}: {part}-{kind}-idx*-ubyte[.gz] is missing.")
    return as_arrays(read_idx(images), read_idx(labels), where=f"{folder}, {part}")


def read_idx(path: Path) -> NDArray[Any]:
    """The array in an IDX file, gzip-compressed if its name ends in ``.gz``.

    Raises:
        DataError: If the file cannot be read, is not IDX, or is too short or too long.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise DataError(f"{path} is not an IDX file.")
    dtype, start = np.dtype(_TYPES[content[2]]), 4 + 4 * content[3]
    if len(content) < start:
        raise DataError(f"{path} ends inside its header.")
    shape = struct.unpack(f">{content[3]}I", content[4:start])
    expected = math.prod(shape) * dtype.itemsize
    if len(content) - start != expected:
        raise DataError(f"{path} should hold {expected} bytes for shape {shape}, but holds {len(content) - start}.")
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
