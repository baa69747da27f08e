"""Tables of architectures: a row is a graph and named numbers.

A row's `graph` is the JSON object of `ArchGraph.to_dict` (in CSV and Parquet, its text). Every other field is free: one
may be the value to learn, those that are numbers may ride along as columns. `null`, or an empty field of a CSV file, is
what is not known.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.inputs import Described
from predictors.graph import ArchGraph, GraphError
from predictors.table_formats import TableError, read_batches, write_records

Array = NDArray[np.float64]

CHUNK = 4096
"""Rows read at once."""
_GRAPH_FIELDS = ("ops", "edges", "attributes", "cell")


class Row(NamedTuple):
    """One architecture of a table.

    Attributes:
        number: Its line in the file, or its row in a Parquet file, counted from 1.
        graph: The architecture.
        fields: What else the row says.
    """

    number: int
    graph: ArchGraph
    fields: dict[str, Any]


class Chunk(NamedTuple):
    """Some consecutive rows of a table.

    Attributes:
        rows: The rows; none where all of these lack a graph.
        share: Share of the file that has been read by now, from 0 to 1.
    """

    rows: list[Row]
    share: float


@dataclass(frozen=True)
class ArchTable:
    """`n` architectures with what is known about them.

    Attributes:
        graphs: The architectures.
        values: Their final values, `(n,)`, higher is better; None in a list of candidates.
        values_std: Standard deviation of each value, `(n,)`; None where all were measured.
        columns: Numbers that ride along, by name, `(n,)` each; NaN where one is not known.
        left_out: Rows of the file whose value is null.
    """

    graphs: list[ArchGraph]
    values: Array | None = None
    values_std: Array | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.graphs)

    @property
    def y(self) -> Array:
        """The values.

        Raises:
            ValueError: When none are known.
        """
        if self.values is None:
            raise ValueError("the table must have values to learn, but has none.")
        return self.values

    def rows(self) -> list[ArchGraph] | list[Described]:
        """What predictors take as `X`."""
        if not self.columns:
            return self.graphs
        numbers = np.column_stack(list(self.columns.values())).tolist()
        return [
            Described(graph, tuple(zip(self.columns, row, strict=True)))
            for graph, row in zip(self.graphs, numbers, strict=True)
        ]

    def write(self, path: Path, *, target: str = "value") -> None:
        """Writes the table, whole or not at all, in the format that the file's name ends in.

        Raises:
            TableError: When the name ends in none of the formats, or the format's package is missing.
            OSError: When the file cannot be written.
        """
        numbers = {target: self.values, f"{target}_std": self.values_std, **self.columns}
        known = {name: column.tolist() for name, column in numbers.items() if column is not None}
        write_records(
            path,
            [
                {"graph": graph.to_dict(), **{name: _or_null(column[k]) for name, column in known.items()}}
                for k, graph in enumerate(self.graphs)
            ],
        )


def read_table(path: Path, *, target: str | None = "value", columns: Sequence[str] | None = ()) -> ArchTable:
    """Reads a table into memory.

    Args:
        path: A `.jsonl`, `.parquet` or `.csv` file.
        target: Field of the value to learn; its standard deviation, where a value was not measured, is the field
            `<target>_std`. Rows whose value is null are left out. None reads no values.
        columns: Fields that ride along; None takes every field that holds numbers only.

    Raises:
        TableError: When the file is no table, is empty, lacks the target or a column, or holds something that is no
            number where there must be one.
        OSError: When the file cannot be read.
    """
    left_out = 0
    rows: list[Row] = []
    for chunk in read_chunks(path):
        for row in chunk.rows:
            if target is not None and row.fields.get(target, "") is None:
                left_out += 1
            else:
                rows.append(row)
    if not rows:
        raise TableError(f"{path}: " + (f"every `{target}` is null." if left_out else "the table is empty."))
    if columns is None:
        columns = _numeric_fields(rows, besides=(target, f"{target}_std"))
    number = partial(_number, path)
    values = deviations = None
    if target is not None:
        values = np.array([number(row, target) for row in rows])
        if any(row.fields.get(f"{target}_std") is not None for row in rows):
            deviations = np.array([number(row, f"{target}_std", unknown=0.0) for row in rows])
    return ArchTable(
        graphs=[row.graph for row in rows],
        values=values,
        values_std=deviations,
        columns=dict(zip(columns, np.array(_columns(path, rows, columns)).T, strict=True)),
        left_out=left_out,
    )


def describe(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> list[ArchGraph] | list[Described]:
    """Rows of `path` as predictors take them, with the given columns of each.

    Raises:
        TableError: When no row has one of the columns, or one holds no number.
    """
    if not columns or not rows:
        return [row.graph for row in rows]
    numbers = _columns(path, rows, columns)
    return [
        Described(row.graph, tuple(zip(columns, known, strict=True))) for row, known in zip(rows, numbers, strict=True)
    ]


def read_chunks(path: Path, size: int = CHUNK) -> Iterator[Chunk]:
    """Reads a table a few rows at a time, in memory that does not depend on its length.

    A row may be a bare graph: `ops` and `edges` (`attributes`, `cell`) instead of `graph`. One whose graph is null is
    skipped.

    Raises:
        TableError: When the file is no table.
        OSError: When the file cannot be read.
    """
    for batch in read_batches(path, size):
        rows = []
        for number, record in batch.records:
            try:
                row = _row(number, record)
            except (TableError, GraphError) as error:
                raise TableError(f"{_where(path, number)}: {error}") from error
            if row is not None:
                rows.append(row)
        yield Chunk(rows, batch.share)


@contextmanager
def located(path: Path, rows: Sequence[Row]) -> Iterator[None]:
    """Says, with what a predictor finds wrong with some rows of a file, which rows these are."""
    try:
        yield
    except GraphError as error:
        raise TableError(f"{_where(path, rows[0].number)} or one of the {len(rows) - 1} after it: {error}") from error


def _where(path: Path, number: int) -> str:
    return f"{path}, {'row' if path.suffix == '.parquet' else 'line'} {number}"


def _row(number: int, record: Any) -> Row | None:
    fields = _from_json(record) if isinstance(record, bytes) else record
    if not isinstance(fields, dict):
        raise TableError(f"a row must be an object with `graph`, but got {fields!r:.80}.")
    if "graph" in fields:
        graph = fields.pop("graph")
    elif "ops" in fields and "edges" in fields:
        graph = {name: fields.pop(name) for name in _GRAPH_FIELDS if name in fields}
    else:
        raise TableError(f"a row must have a `graph`, but has only {list(fields)!r:.200}.")
    if graph is None:
        return None
    read = ArchGraph.from_json if isinstance(graph, str) else ArchGraph.from_dict
    return Row(number, read(graph), fields)


def _from_json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TableError(f"not JSON: {error}.") from error


def _number(path: Path, row: Row, name: str, unknown: float | None = None) -> float:
    """A field that must be a finite number; `unknown` stands for one that is missing or null, where that may be."""
    number = row.fields.get(name)
    if number is None and unknown is not None:
        return unknown
    if isinstance(number, int | float) and abs(number) <= sys.float_info.max:
        return float(number)
    if name not in row.fields:
        raise TableError(f"{_where(path, row.number)}: no field {name!r} among {list(row.fields)!r:.200}.")
    raise TableError(f"{_where(path, row.number)}: {name!r} must be a finite number or null, but got {number!r:.60}.")


def _columns(path: Path, rows: Sequence[Row], names: Sequence[str]) -> list[tuple[float, ...]]:
    """The named numbers of each row, NaN where not known."""
    for name in names:
        if not any(name in row.fields for row in rows):
            raise TableError(f"{_where(path, rows[0].number)}: no field {name!r} among {list(rows[0].fields)!r:.200}.")
    return [tuple(_number(path, row, name, unknown=math.nan) for name in names) for row in rows]


def _numeric_fields(rows: Sequence[Row], besides: Sequence[str | None]) -> list[str]:
    names = dict.fromkeys(chain.from_iterable(row.fields for row in rows))
    return [
        name
        for name in names
        if name not in besides and all(isinstance(row.fields.get(name), int | float | None) for row in rows)
    ]


def _or_null(number: float) -> float | None:
    return None if math.isnan(number) else number
