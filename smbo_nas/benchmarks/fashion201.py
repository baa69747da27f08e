"""Fashion201: every epoch of cells of NAS-Bench-201 trained by us on small images of Fashion-MNIST, in the package."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictors.files import write_whole
from predictors.graph import ArchGraph
from smbo_nas.benchmarks.nasbench201 import BenchmarkError
from smbo_nas.spaces.base import Params
from smbo_nas.spaces.nasbench201 import NASBench201Space

Array = NDArray[np.float64]

DATA_FILE = Path(__file__).parent / "data" / "fashion201.npz"
"""The table that comes with the package; `make_fashion201` made it."""

PARTS = ("uniform", "best", "worst")
"""Where a cell is from: drawn uniformly, or among the best or worst of NAS-Bench-201 on CIFAR-10."""

_CORRECT = ("val_correct", "test_correct")
_MEASURED = ("train_loss", "seconds")
_BASE = 5  # operations of NAS-Bench-201


@dataclass(frozen=True)
class Fashion201Table:
    """Curves of cells of NAS-Bench-201, no two of them isomorphic; one row a cell, one column an epoch.

    Every cell was trained once. The networks, the images and the schedule are small and our own (see `header`): the
    accuracies are not those of NAS-Bench-201. The curves are there for methods that stop or resume trainings.

    Attributes:
        cells: The params of each cell in `NASBench201Space`, in the order of `nasbench201_rows`.
        nasbench201_rows: Row of each cell in `NASBench201Table`, ascending, `(n_cells,)`.
        parts: Which of `PARTS` of the sample each cell is from.
        train_loss: Mean cross-entropy on the augmented training images during an epoch, `(n_cells, n_epochs)`.
        val_accuracy: Share of the validation images classified correctly after an epoch, in [0, 1], the same shape.
        test_accuracy: The same of the test images.
        seconds: CPU seconds of one core for an epoch's training and validation, the same shape.
        header: How the table was made: seed, data, network, training, command, machine.
    """

    cells: tuple[Params, ...]
    nasbench201_rows: NDArray[np.int64]
    parts: tuple[str, ...]
    train_loss: Array
    val_accuracy: Array
    test_accuracy: Array
    seconds: Array
    header: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def n_epochs(self) -> int:
        """Epochs of every cell."""
        return int(self.val_accuracy.shape[1])

    @property
    def final_val_accuracy(self) -> Array:
        """Validation accuracy after the last epoch, `(n_cells,)`: what a search maximises."""
        return self.val_accuracy[:, -1]

    @property
    def best(self) -> int:
        """The cell of the highest final validation accuracy; the first of equals."""
        return int(np.argmax(self.final_val_accuracy))

    @cached_property
    def graphs(self) -> tuple[ArchGraph, ...]:
        """The cells as graphs."""
        space = NASBench201Space()
        return tuple(space.graph(params) for params in self.cells)


def load_fashion201() -> Fashion201Table:
    """Loads the table that comes with the package.

    Raises:
        BenchmarkError: When its file is missing or broken.
    """
    return read_table(DATA_FILE)


def read_table(path: Path) -> Fashion201Table:
    """Reads a table that `write_table` wrote; nothing in the file is run.

    Raises:
        BenchmarkError: When the file is missing, no such table, or a number in it cannot be.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            content = {name: file[name] for name in ("header", "architectures", "parts", *_CORRECT, *_MEASURED)}
        return _table(content)
    except FileNotFoundError as error:
        raise BenchmarkError(f"no benchmark table at {path}.") from error
    except (KeyError, TypeError, ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise BenchmarkError(f"{path} is no Fashion201 table: {error}") from error


def write_table(path: Path, records: Sequence[Mapping[str, Any]], header: Mapping[str, Any]) -> None:
    """Writes cells as a table.

    Args:
        path: The file; an old one is replaced.
        records: For each cell, in the order of rows, its `row` in `NASBench201Table`, its `part` and, by epoch,
            `train_loss`, `val_correct` and `test_correct` (numbers of images) and `seconds`.
        header: JSON values that say how the cells were trained; `images` holds the numbers of images by split.
    """
    space = NASBench201Space()
    content: dict[str, Any] = {
        "header": np.array(json.dumps(header)),
        "architectures": np.array([space.to_arch_string(params_at(record["row"])) for record in records]),
        "parts": np.array([PARTS.index(record["part"]) for record in records], dtype=np.uint8),
        **{name: np.array([record[name] for record in records], dtype=np.uint16) for name in _CORRECT},
        **{name: np.array([record[name] for record in records], dtype=np.float32) for name in _MEASURED},
    }
    _table(content)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **content)
    write_whole(path, buffer.getvalue())


def params_at(row: int) -> Params:
    """The params of a row of `NASBench201Table`, which counts up the tokens of `NASBench201Space`."""
    space = NASBench201Space()
    return space.from_tokens([row // _BASE**k % _BASE for k in reversed(range(len(space.choices)))])


def _table(content: Mapping[str, NDArray[Any]]) -> Fashion201Table:
    """The table of a file's content.

    Raises:
        KeyError, TypeError, ValueError: When the content cannot be; the message says why.
    """
    header, images = _header(content["header"])
    space = NASBench201Space()
    cells = tuple(space.from_arch_string(str(text)) for text in content["architectures"])
    rows = [int("".join(map(str, space.tokens(params))), _BASE) for params in cells]
    if sorted(set(rows)) != rows:
        raise ValueError("its cells are not distinct and in the order of NAS-Bench-201.")
    shape = content["val_correct"].shape
    if len(shape) != 2 or shape[0] != len(cells) or not all(shape):
        raise ValueError(f"`val_correct` must be (cells, epochs) of {len(cells)} cells, but has the shape {shape}.")
    for name in (*_CORRECT, *_MEASURED):
        _check_curves(name, content[name], shape)
    accuracies = []
    for name, split in zip(_CORRECT, ("validation", "test"), strict=True):
        if content[name].max() > images[split]:
            raise ValueError(f"`{name}` counts up to {content[name].max()} of {images[split]} {split} images.")
        accuracies.append(_fixed(content[name] / images[split]))
    if content["parts"].shape != shape[:1] or not np.isin(content["parts"], range(len(PARTS))).all():
        raise ValueError(f"`parts` must hold one of 0 .. {len(PARTS) - 1} for each of the {len(cells)} cells.")
    return Fashion201Table(
        cells=cells,
        nasbench201_rows=_fixed(np.array(rows, dtype=np.int64)),
        parts=tuple(PARTS[part] for part in content["parts"]),
        train_loss=_fixed(content["train_loss"].astype(np.float64)),
        val_accuracy=accuracies[0],
        test_accuracy=accuracies[1],
        seconds=_fixed(content["seconds"].astype(np.float64)),
        header=header,
    )


def _header(text: NDArray[Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """The header, and the numbers of images in it."""
    try:
        header = json.loads(str(text))
        images = {split: int(header["images"][split]) for split in ("validation", "test")}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"`header` must be a JSON object with the numbers of `images`: {error!r}.") from error
    return header, images


def _check_curves(name: str, curves: NDArray[Any], shape: tuple[int, ...]) -> None:
    if curves.shape != shape:
        raise ValueError(f"`{name}` must have the shape {shape}, but has {curves.shape}.")
    if curves.dtype.kind not in "uf" or not np.isfinite(curves).all() or curves.min() < 0:
        raise ValueError(f"`{name}` must hold finite numbers of at least 0.")


def _fixed(array: NDArray[Any]) -> NDArray[Any]:
    array.setflags(write=False)
    return array
