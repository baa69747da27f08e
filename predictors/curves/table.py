"""Reading tables of learning curves: NumPy's .npz, CSV, JSON lines."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictors.curves.base import check_curves

Array = NDArray[np.float64]

_FORMATS = (".npz", ".csv", ".jsonl")


@dataclass(frozen=True)
class CurveTable:
    """Learning curves of one or several tasks.

    Attributes:
        curves: Shape `(n_curves, n_steps)`, NaN where not observed.
        tasks: The task of each curve; curves of different tasks have nothing in common, not even units.
    """

    curves: Array
    tasks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.curves)

    def fingerprint(self) -> str:
        """Hash (32 hex digits) of the table."""
        found = hashlib.blake2b(json.dumps(self.tasks).encode(), digest_size=16)
        found.update(repr(self.curves.shape).encode() + np.ascontiguousarray(self.curves).tobytes())
        return found.hexdigest()

    def by_task(self) -> dict[str, Array]:
        """The finished curves of each task: those with a value at the last step."""
        finished = np.isfinite(self.curves[:, -1])
        names = np.array(self.tasks)
        return {task: self.curves[finished & (names == task)] for task in dict.fromkeys(self.tasks)}


def read_curves(path: Path) -> CurveTable:
    """Reads a table of curves; nothing in the file is run.

    - `.npz`: an array `curves` of shape `(n_curves, n_steps)`, and on request `task` with a label for each.
    - `.csv`: a header, then a row for each curve: a column for each step, in order, nothing where not observed;
      a column named `task`, if any, holds labels.
    - `.jsonl`: a line for each curve: `{"curve": [0.1, null, 0.3], "task": "a"}` or the bare list. Shorter ones are
      those whose training was stopped.

    Raises:
        OSError: When the file cannot be read.
        ValueError: When it is something else; the message names the file, the line, and what is wrong.
    """
    if path.suffix not in _FORMATS:
        raise ValueError(f"{path} must end in one of {', '.join(_FORMATS)}.")
    if path.suffix == ".npz":
        curves, tasks = _read_npz(path)
    else:
        rows = list((_csv_rows if path.suffix == ".csv" else _jsonl_rows)(path))
        n_steps = max((len(values) for values, _ in rows), default=0)
        padded = [values + [math.nan] * (n_steps - len(values)) for values, _ in rows]
        curves, tasks = np.array(padded, dtype=np.float64).reshape(len(rows), n_steps), [task for _, task in rows]
    if 0 in curves.shape:
        raise ValueError(f"{path} must hold at least one curve of at least one step, but has the shape {curves.shape}.")
    return CurveTable(check_curves(curves), tuple(tasks))


def _read_npz(path: Path) -> tuple[NDArray[Any], list[str]]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            curves = np.asarray(file["curves"], dtype=np.float64)
            tasks = [str(task) for task in file["task"]] if "task" in file else [""] * len(curves)
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} must hold an array `curves` of numbers: {error}") from error
    if curves.ndim != 2 or len(tasks) != len(curves):
        raise ValueError(
            f"{path}: `curves` must be a matrix and `task` as long, but have {curves.shape} and {len(tasks)} items."
        )
    return curves, tasks


def _csv_rows(path: Path) -> Iterator[tuple[list[float], str]]:
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        for fields in reader:
            where = f"{path}, line {reader.line_num}"
            if None in fields or None in fields.values():
                raise ValueError(f"{where}: must have {len(reader.fieldnames or ())} fields, as the header.")
            task = fields.pop("task", "")
            yield [_number(value or None, where) for value in fields.values()], task


def _jsonl_rows(path: Path) -> Iterator[tuple[list[float], str]]:
    with path.open() as file:
        for k, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}, line {k}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{where}: {error}") from error
            values, task = (row.get("curve"), row.get("task", "")) if isinstance(row, dict) else (row, "")
            if not isinstance(values, list):
                raise ValueError(f"{where}: must be a list of numbers, or an object with such a `curve`.")  # noqa: TRY004
            yield [_number(value, where) for value in values], str(task)


def _number(value: Any, where: str) -> float:
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: a value must be a number, or nothing, but got {value!r}.") from error
