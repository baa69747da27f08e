"""The file formats of tables: JSON lines, Parquet and CSV, plain or gzipped, as streams of records."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from predictors.files import write_whole


class TableError(ValueError):
    """A table that cannot be read or written; the message names the file, the line and what is wrong."""


_ROW_GROUP = 1024
"""Rows of a Parquet file that whoever reads it must hold at once."""


class _MalformedError(Exception):
    """Content of a file that is not what its name says."""


class Batch(NamedTuple):
    """Some consecutive records of a file.

    Attributes:
        records: At least one; each with its line, or its row in a Parquet file, counted from 1. A JSON line comes as it
            is, a row of another format as named fields.
        share: Share of the file that has been read by now, from 0 to 1.
    """

    records: list[tuple[int, bytes | dict[str, Any]]]
    share: float


def read_batches(path: Path, size: int) -> Iterator[Batch]:
    """Reads a file `size` records at a time, whatever its length.

    Raises:
        TableError: When the file is not what its name says.
        OSError: When it cannot be read.
    """
    suffix, zipped = _format(path)
    total = max(path.stat().st_size, 1)
    with path.open("rb") as raw, gzip.open(raw) if zipped else raw as file:
        records = _READERS[suffix](cast("IO[bytes]", file), size)
        try:
            while batch := list(islice(records, size)):
                yield Batch(batch, min(raw.tell() / total, 1.0))
        except (_MalformedError, EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError, csv.Error) as error:
            raise TableError(f"{path}: not a {suffix[1:]} file: {error}.") from error


def write_records(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows, whole or not at all; in Parquet and CSV, fields that are objects or lists become JSON.

    Raises:
        TableError: When the file's name ends in none of the formats, or the format's package is missing.
        OSError: When the file cannot be written.
    """
    suffix, zipped = _format(path)
    content = _WRITERS[suffix](rows)
    write_whole(path, gzip.compress(content, mtime=0) if zipped else content)


def check_format(path: Path) -> None:
    """Checks that a table can be read from or written to a file of this name.

    Raises:
        TableError: When its name ends in none of the formats, or the format's package is missing.
    """
    if _format(path)[0] == ".parquet":
        _pyarrow()


def _format(path: Path) -> tuple[str, bool]:
    zipped = path.suffix == ".gz"
    suffix = (path.with_suffix("") if zipped else path).suffix
    if suffix not in _READERS or (zipped and suffix == ".parquet"):
        raise TableError(f"{path} must end in .jsonl, .parquet, .csv, .jsonl.gz or .csv.gz.")
    return suffix, zipped


def _read_json_lines(file: IO[bytes], _size: int) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file, start=1):
        if not line.isspace():
            yield number, line


def _read_csv(file: IO[bytes], _size: int) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(line.decode("utf-8-sig") for line in file)
    for record in reader:
        if None in record:
            raise _MalformedError(f"line {reader.line_num} has more fields than the header")
        yield reader.line_num, {name: text if name == "graph" else _from_text(text) for name, text in record.items()}


def _from_text(text: str | None) -> int | float | str | None:
    """A field of a CSV file, which does not say of what type it is."""
    if not text:
        return None
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _read_parquet(file: IO[bytes], size: int) -> Iterator[tuple[int, Any]]:
    pyarrow = _pyarrow()
    before = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(file, pre_buffer=False).iter_batches(batch_size=size):
            yield from enumerate(batch.to_pylist(), start=before + 1)
            before += len(batch)
    except pyarrow.ArrowException as error:
        raise _MalformedError(error) from error


_READERS: Mapping[str, Callable[[IO[bytes], int], Iterator[tuple[int, Any]]]] = {
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".csv": _read_csv,
}


def _write_json_lines(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()


def _write_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(chain.from_iterable(rows))), lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_flat, rows))
    return text.getvalue().encode()


def _write_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    pyarrow = _pyarrow()
    content = io.BytesIO()
    try:
        pyarrow.parquet.write_table(
            pyarrow.Table.from_pylist(list(map(_flat, rows))), content, row_group_size=_ROW_GROUP
        )
    except pyarrow.ArrowException as error:
        raise TableError(f"the rows do not fit into a Parquet file: {error}.") from error
    return content.getvalue()


_WRITERS: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], bytes]] = {
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
    ".csv": _write_csv,
}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(content, allow_nan=False) if isinstance(content, dict | list) else content
        for name, content in row.items()
    }


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise TableError("Parquet files need the package pyarrow: `pip install smbo-nas[parquet]`.") from error
    return pyarrow
