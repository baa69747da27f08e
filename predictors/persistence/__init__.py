"""Saving fitted predictors: arrays as safetensors, their structure as JSON, never pickle.

One file holds it all, so that a folder has the old predictor or the new one and never a mixture. Reading it builds
objects of known classes from plain values and runs nothing that the file says.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import safetensors.numpy
from sklearn.utils.validation import check_is_fitted

from predictors.architecture.base import ArchitecturePredictor, Array
from predictors.files import write_whole
from predictors.persistence.codec import Arrays, Decoder, Encoder, Json
from predictors.persistence.registry import PersistenceError, Registry

__all__ = ["FILE", "PersistenceError", "load", "save"]

FILE = "predictor.safetensors"
"""Name of the file in the folder of a saved predictor."""

_METADATA = "smbo-nas predictor"
"""Key of the version and the checksum among the metadata of the file."""
_VERSION = 1
_STRUCTURE = "structure"
_TOLERANCE = 0.01
"""In standard deviations; what another machine's order of summation may change is far less."""


def save(predictor: ArchitecturePredictor, directory: str | Path, *, classes: Iterable[type] = ()) -> None:
    """Writes a fitted predictor into a folder, which is made if it is missing.

    What was there before stays until the new file is complete. What `load` could not read is not written.

    Args:
        predictor: A fitted predictor.
        directory: The folder.
        classes: Classes of your own that the predictor is made of, if any; `load` needs the same.

    Raises:
        NotFittedError: When the predictor is not fitted.
        PersistenceError: When it holds something that cannot be saved.
        OSError: When the file cannot be written.
    """
    check_is_fitted(predictor, "score_map_")
    registry = Registry(classes)
    encoder = Encoder(registry)
    parts = {"predictor": predictor, "answers": _answers(predictor)}
    structure = {name: encoder.encode(part, name) for name, part in parts.items()}
    content = pack(structure, encoder.arrays)
    try:
        _read(content, registry, "cpu")
    except Exception as error:
        raise PersistenceError(f"{type(predictor).__name__} does not survive saving: {error}") from error
    write_whole(Path(directory) / FILE, content)


def load(directory: str | Path, *, classes: Iterable[type] = (), device: str = "cpu") -> ArchitecturePredictor:
    """Reads a predictor that `save` wrote; it predicts what the saved one did, bit for bit on the same machine.

    Args:
        directory: The folder.
        classes: Classes of your own that the predictor is made of, if any.
        device: Where it shall predict, wherever it was trained.

    Raises:
        PersistenceError: When there is no file, or it is damaged, of another version, made of classes that are not
            known, or predicts something else than it did when it was saved.
    """
    path = Path(directory) / FILE
    registry = Registry(classes)
    try:
        return _read(path.read_bytes(), registry, device)
    except OSError as error:
        raise PersistenceError(f"cannot read {path}: {error.strerror}.") from error
    except PersistenceError as error:
        raise PersistenceError(f"{path} holds no valid predictor: {error!s:.500}.") from error
    except Exception as error:  # whatever wrong values provoke in the classes that they were given to
        raise PersistenceError(f"{path} holds no valid predictor: {type(error).__name__}: {error!s:.500}.") from error


def pack(structure: Json, arrays: Arrays) -> bytes:
    """The content of a file."""
    text = json.dumps(structure, separators=(",", ":"), allow_nan=False).encode()
    everything = {**arrays, _STRUCTURE: np.frombuffer(text, dtype=np.uint8)}
    metadata = {"version": _VERSION, "checksum": _checksum(everything)}
    return safetensors.numpy.save(everything, {_METADATA: json.dumps(metadata)})


def unpack(content: bytes) -> tuple[Json, Arrays]:
    """Inverse of `pack`.

    Raises:
        PersistenceError: When the content is of another format or version, or damaged.
        Exception: Whatever the parsers raise.
    """
    arrays = safetensors.numpy.load(content)  # checks the header against the length of the content
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    if _METADATA not in header.get("__metadata__", {}):
        raise PersistenceError("it is another kind of file")
    metadata = json.loads(header["__metadata__"][_METADATA])
    if metadata["version"] != _VERSION:
        raise PersistenceError(f"its version must be {_VERSION}, but is {metadata['version']!r:.80}")
    if metadata["checksum"] != _checksum(arrays):
        raise PersistenceError("it is damaged (the checksum differs)")
    text = arrays.pop(_STRUCTURE).tobytes()
    return json.loads(text, parse_constant=_refuse), arrays


def _read(content: bytes, registry: Registry, device: str) -> ArchitecturePredictor:
    structure, arrays = unpack(content)
    decoder = Decoder(registry, arrays, device)
    predictor, expected = (decoder.decode(structure[name]) for name in ("predictor", "answers"))
    if not isinstance(predictor, ArchitecturePredictor):
        raise PersistenceError(f"it holds a {type(predictor).__name__}")
    if decoder.used != set(arrays):
        raise PersistenceError("it has arrays that nothing refers to")
    for found, right in zip(_answers(predictor), expected, strict=True):
        if found.shape != right.shape or not (np.abs(found - right) <= _TOLERANCE * right[1] + 1e-6 * abs(right)).all():
            raise PersistenceError(f"it predicts {found.tolist()} where it predicted {right.tolist()}")
    return predictor


def _answers(predictor: ArchitecturePredictor) -> tuple[Array, Array]:
    """Predictions for the rows that a predictor keeps, in scores and in the user's units, a standard deviation second.

    Draws differ where `random_state` is None, but there must be some.
    """
    rows = predictor.examples_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rows of a data frame have lost their names
        scores = np.stack(predictor.predict_scores(rows))
        values = np.vstack([*predictor.predict(rows, return_std=True), predictor.quantiles(rows, (0.1, 0.9))])
        draws = predictor.sample(rows, 2)
    if not scores.size or not all(np.isfinite(answers).all() for answers in (scores, values, draws)):
        raise PersistenceError("its predictions must be finite numbers")
    return scores, values


def _checksum(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _refuse(constant: str) -> None:
    raise PersistenceError(f"{constant} is no JSON")
