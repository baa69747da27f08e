"""Data sets made by a user's function."""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from smbo_nas.training.data.image_data import DataError, ImageData
from smbo_nas.training.data.raw import Arrays, RawData, as_arrays

_RETURNS = (
    "an ImageData, a pair (images, labels), a data set whose items are (image, label), "
    "a tuple (train, test) or (train, validation, test) of these, or a dict of them with the "
    "keys train, validation and test"
)


def from_function(spec: str) -> RawData | ImageData:
    """Calls ``module:function`` (or ``file.py:function``) without arguments.

    Modules are looked for in the current folder too.

    Returns:
        The ``ImageData`` that the function returned, or else what it returned as ``RawData``.

    Raises:
        DataError: If the function cannot be found, fails, or returns something else.
    """
    module_name, _, function_name = spec.rpartition(":")
    module = _import(module_name)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise DataError(f"{module_name} has no function {function_name!r}.")
    return as_raw(_call(function, spec), name=spec)


def _call(function: Callable[[], Any], spec: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise DataError(f"{spec} raised {type(error).__name__}: {error}") from error


def _import(name: str) -> ModuleType:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        return _run_file(name) if name.endswith(".py") else importlib.import_module(name)
    except Exception as error:
        raise DataError(f"{name} cannot be imported: {error}") from error
    finally:
        sys.path.remove(folder)


def _run_file(name: str) -> ModuleType:
    module = ModuleType(Path(name).stem)
    module.__file__ = str(Path(name).expanduser())
    importlib.machinery.SourceFileLoader(module.__name__, module.__file__).exec_module(module)
    return module


def as_raw(value: Any, *, name: str) -> RawData | ImageData:
    """What a data function may return, as one type; see ``from_function``.

    Raises:
        DataError: If it is something else.
    """
    if isinstance(value, ImageData):
        return value
    if isinstance(value, Mapping):
        unknown = sorted(set(value) - {"train", "validation", "test"})
        if unknown or "train" not in value:
            raise DataError(f"{name} must return {_RETURNS}; the dict has {sorted(value)}.")
        parts = {part: _split(data, f"{name}, {part}") for part, data in value.items()}
        return RawData(name, parts["train"], parts.get("validation"), parts.get("test"))
    if isinstance(value, tuple) and len(value) in (2, 3) and not _is_pair(value):
        train, *others = (_split(part, name) for part in value)
        return RawData(name, train, *([None] * (2 - len(others))), *others)
    return RawData(name, _split(value, name))


def _is_pair(value: Any) -> bool:
    """Whether this is (images, labels): labels are numbers or strings, not data sets."""
    if not isinstance(value, tuple) or len(value) != 2:
        return False
    if all(hasattr(part, "shape") for part in value):
        return True
    labels = value[1]
    return isinstance(labels, list) and bool(labels) and np.isscalar(labels[0])


def _split(value: Any, where: str) -> Arrays:
    if _is_pair(value):
        return as_arrays(*value, where=where)
    if not (hasattr(value, "__getitem__") and hasattr(value, "__len__")):
        raise DataError(f"{where} must return {_RETURNS}, but got a {type(value).__name__}.")
    try:
        items = [value[index] for index in range(len(value))]
        images = [np.asarray(image) for image, _ in items]
        labels = [np.asarray(label) for _, label in items]
    except Exception as error:
        raise DataError(f"{where}: the items of a data set must be pairs (image, label): {error}") from error
    return as_arrays(images, labels, where=where)
