"""A folder of images with one subfolder per class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from smbo_nas.training.data.image_data import DataError
from smbo_nas.training.data.raw import Arrays, RawData, as_arrays

_EXTENSIONS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_VALIDATION = ("validation", "val", "valid")
_GREY = {"1", "L", "LA"}
_COLOUR = {"P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}


def image_folder(root: Path, *, image_size: int | None = None) -> RawData:
    """Reads ``root/CLASS/*.png`` or ``root/{train,validation,test}/CLASS/*.png``.

    The data set is grey if all images are, else RGB. Files and folders whose names start with a
    dot are passed over, and so are files that are no images by their extension.

    Args:
        root: The folder. Splits named ``train``, ``validation`` (``val``, ``valid``) and ``test``
            are kept; ``train`` must be among them.
        image_size: Scale the shorter side to this many pixels and cut out the centre square.
            ``None`` takes the images as they are; they must then all have one size.

    Raises:
        DataError: If Pillow is not installed, or there are no images, a class has none, one
            cannot be read or sizes differ.
        ValueError: If ``image_size`` is less than 1.
    """
    if image_size is not None and image_size < 1:
        raise ValueError(f"`image_size` must be at least 1, but got {image_size}.")
    parts = {folder.name: folder for folder in _subfolders(root)}
    if "train" not in parts:
        files = {"train": _class_files(root)}
    else:
        validation = next((name for name in _VALIDATION if name in parts), "")
        wanted = {"train": "train", "validation": validation, "test": "test"}
        files = {part: _class_files(parts[n]) for part, n in wanted.items() if n in parts}
    grey = [_is_grey(path) for part in files.values() for path, _ in part]
    mode = "L" if all(grey) else "RGB"
    splits = {part: _read(root, pairs, mode, image_size) for part, pairs in files.items()}
    return RawData(root.resolve().name, splits["train"], splits.get("validation"), splits.get("test"))


def _subfolders(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))


def _class_files(root: Path) -> list[tuple[Path, str]]:
    classes = _subfolders(root)
    if not classes:
        raise DataError(f"{root} must hold one subfolder of images per class, but has none.")
    files: list[tuple[Path, str]] = []
    for folder in classes:
        images = sorted(p for p in folder.iterdir() if p.suffix.lower() in _EXTENSIONS and not p.name.startswith("."))
        if not images:
            raise DataError(f"{folder} has no images ({', '.join(sorted(_EXTENSIONS))}).")
        files += [(path, folder.name) for path in images]
    return files


def _open(path: Path) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError("Image files are read with Pillow: pip install smbo-nas[images]") from error
    try:
        return Image.open(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _is_grey(path: Path) -> bool:
    with _open(path) as image:
        if image.mode not in _GREY | _COLOUR:
            raise DataError(
                f"{path} has pixels of mode {image.mode}; save it with 8 bits per channel, or load an .npz instead."
            )
        return image.mode in _GREY


def _read(root: Path, files: list[tuple[Path, str]], mode: str, image_size: int | None) -> Arrays:
    images: list[Any] = []
    first = files[0][0]
    for path, _ in files:
        pixels = _pixels(path, mode, image_size)
        if images and pixels.shape != images[0].shape:
            height, width = pixels.shape[:2]
            raise DataError(
                f"{path} has {width} x {height} pixels, but {first} has "
                f"{images[0].shape[1]} x {images[0].shape[0]}: set `image_size` to scale them."
            )
        images.append(pixels)
    stacked = np.stack(images)
    if mode == "RGB":  # here rather than by shape, which can be misread for tiny images
        stacked = np.moveaxis(stacked, 3, 1)
    return as_arrays(stacked, [label for _, label in files], where=str(root))


def _pixels(path: Path, mode: str, image_size: int | None) -> Any:
    from PIL import ImageOps

    with _open(path) as image:
        try:
            converted = image.convert(mode)
        except (OSError, ValueError, SyntaxError) as error:  # truncated or broken file
            raise DataError(f"{path} cannot be read: {error}") from error
        if image_size is not None:
            converted = ImageOps.fit(converted, (image_size, image_size))
        return np.asarray(converted)
