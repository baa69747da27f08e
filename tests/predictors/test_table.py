from __future__ import annotations

import gc
import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictors.architecture.inputs import Described
from predictors.graph import ArchGraph
from predictors.table import ArchTable, describe, read_chunks, read_table
from predictors.table_formats import TableError, write_records
from tests.predictors.architecture.graphs import random_cells, values

SUFFIXES = (".jsonl", ".csv", ".parquet", ".jsonl.gz", ".csv.gz")
IO: dict[str, Any] = {"ops": ["input", "output"], "edges": [[0, 1]]}
TWO_CELLS = ArchGraph(
    ops=("input", "conv", "output", "input", "output"),
    edges=((0, 1), (1, 2), (3, 4)),
    attributes=(("width", (1, 2, 3, 4, 5)),),
    cell=(0, 0, 0, 1, 1),
)


def table(n: int = 9) -> ArchTable:
    graphs = [*random_cells(n - 1), TWO_CELLS]
    size = np.arange(n, dtype=np.float64)
    size[2] = np.nan
    return ArchTable(
        graphs, values=values(graphs), values_std=np.full(n, 0.5), columns={"size": size, "naswot": -size[::-1]}
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip(suffix: str, tmp_path: Path) -> None:
    path, written = tmp_path / f"table{suffix}", table()
    written.write(path)
    read = read_table(path, columns=("naswot", "size"))
    assert read.graphs == written.graphs
    np.testing.assert_array_equal(read.y, written.y)
    np.testing.assert_array_equal(read.values_std, written.values_std)
    assert list(read.columns) == ["naswot", "size"]
    for name, column in read.columns.items():
        np.testing.assert_array_equal(column, written.columns[name])
    assert set(read_table(path, columns=None).columns) == {"size", "naswot"}
    assert read_table(path).rows() == written.graphs


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_chunks_are_the_table(suffix: str, tmp_path: Path) -> None:
    path, written = tmp_path / f"table{suffix}", table()
    written.write(path)
    chunks = list(read_chunks(path, 4))
    assert [len(chunk.rows) for chunk in chunks] == [4, 4, 1]
    assert [row.graph for chunk in chunks for row in chunk.rows] == written.graphs
    assert [row.number for chunk in chunks for row in chunk.rows] == [k + (suffix[:4] == ".csv") for k in range(1, 10)]
    shares = [chunk.share for chunk in chunks]
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1
    described = describe(path, chunks[0].rows, ["size", "naswot"])
    assert [repr(row) for row in described] == [repr(row) for row in written.rows()[:4]]


def test_what_other_programs_write(tmp_path: Path) -> None:
    """A spreadsheet's byte order mark and line ends, a list of bare graphs, nested Parquet, blank lines."""
    graphs = [ArchGraph.from_dict(IO), TWO_CELLS]
    sheet = tmp_path / "sheet.csv"
    quoted = TWO_CELLS.to_json().replace('"', '""')
    sheet.write_bytes(f'\ufeffname,graph,acc\r\na b,"{quoted}",93\r\n,"{quoted}",\r\n'.encode())
    rows = next(read_chunks(sheet)).rows
    assert [row.fields for row in rows] == [{"name": "a b", "acc": 93}, {"name": None, "acc": None}]
    assert rows[0].graph == TWO_CELLS
    bare = tmp_path / "bare.jsonl"
    bare.write_text("\n\n".join(json.dumps({**graph.to_dict(), "id": 3}) for graph in graphs))
    assert [(row.graph, row.fields, row.number) for row in next(read_chunks(bare)).rows] == [
        (graphs[0], {"id": 3}, 1),
        (graphs[1], {"id": 3}, 3),
    ]
    import pyarrow.parquet

    nested = tmp_path / "nested.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{"graph": IO, "value": 1}] * 3), nested)
    assert read_table(nested).graphs == [graphs[0]] * 3


def test_values_that_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl"
    rows = [
        {"graph": IO, "acc": 1.0},
        {"graph": IO, "acc": None},
        {"graph": IO, "acc": 2.0, "acc_std": 0.25, "flops": 7, "name": "x"},
        {"graph": None, "acc": None},
    ]
    write_records(path, rows)
    read = read_table(path, target="acc", columns=["flops"])
    np.testing.assert_array_equal(read.y, [1.0, 2.0])
    np.testing.assert_array_equal(read.values_std, [0.0, 0.25])  # type: ignore[arg-type]
    assert read.left_out == 1
    assert read.rows()[1] == Described(ArchGraph.from_dict(IO), (("flops", 7.0),))
    assert list(read_table(path, target="acc", columns=None).columns) == ["flops"]
    candidates = read_table(path, target=None)
    assert len(candidates) == 3
    with pytest.raises(ValueError, match="the table must have values to learn, but has none"):
        _ = candidates.y


def line(**fields: Any) -> str:
    return json.dumps({"graph": IO, "value": 1, **fields})


BAD = [
    ("", "t.jsonl: the table is empty."),
    ("\n \n", "t.jsonl: the table is empty."),
    (line(value=None), "t.jsonl: every `value` is null."),
    ("{", "t.jsonl, line 1: not JSON: "),
    (f"{line()}\n\n{line()[:-1]}", "t.jsonl, line 3: not JSON: "),
    ("[" * 100_000, "t.jsonl, line 1: not JSON: "),
    ("\xff", "t.jsonl, line 1: not JSON: "),
    (f"{line()}\n[1]", "t.jsonl, line 2: a row must be an object with `graph`, but got [1]."),
    ('{"value": 1}', "t.jsonl, line 1: a row must have a `graph`, but has only ['value']."),
    (line(graph=3), "t.jsonl, line 1: a graph must be an object with `ops` and `edges`, but got 3."),
    (line(graph="{"), "t.jsonl, line 1: not JSON: "),
    (line(graph={**IO, "edges": [[1, 0]]}), "t.jsonl, line 1: edge (1, 0) goes backwards"),
    (f"{line()}\n" + line(value=float("nan")), "line 2: 'value' must be a finite number or null, but got nan."),
    (line(value="high"), "t.jsonl, line 1: 'value' must be a finite number or null, but got 'high'."),
    (line(value=10**400), "t.jsonl, line 1: 'value' must be a finite number or null, but got 1000"),
    (json.dumps({"graph": IO}), "t.jsonl, line 1: no field 'value' among []."),
    (line(value_std=float("inf")), "t.jsonl, line 1: 'value_std' must be a finite number or null, but got inf."),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_says_what_is_wrong_and_where(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(TableError) as raised:
        read_table(path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_says_which_column_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(line(a=1) + "\n" + line(a="x"))
    with pytest.raises(TableError, match="line 2: 'a' must be a finite number or null, but got 'x'"):
        read_table(path, columns=["a"])
    with pytest.raises(TableError, match=r"line 1: no field 'b' among \['value', 'a'\]"):
        read_table(path, columns=["b"])
    assert read_table(path, columns=None).columns == {}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl.gz", ".csv.gz"])
def test_a_file_that_is_not_what_its_name_says(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"\x93\xff no such format")
    with pytest.raises(TableError, match=f"not a {suffix.split('.')[1]} file"):
        read_table(path)
    table().write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TableError):
        read_table(path)


def test_names_of_files(tmp_path: Path) -> None:
    for name in ("t.txt", "t", "t.parquet.gz", "t.gz"):
        with pytest.raises(TableError, match="must end in"):
            read_table(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "t.csv")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    table().write(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        write_records(path, [{"graph": IO}, {"graph": IO, "value": float("nan")}])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["t.jsonl"]


def test_equal_tables_are_equal_files(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        table().write(first)
        table().write(second)
        assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == (tmp_path / "a.csv").read_bytes()


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_memory_does_not_grow_with_the_file(suffix: str, tmp_path: Path) -> None:
    def peak(n: int) -> int:
        path = tmp_path / f"{n}{suffix}"
        rows = [{"graph": graph.to_dict(), "id": k} for k, graph in enumerate(random_cells(n))]
        write_records(path, rows)
        del rows
        gc.collect()  # empties Python's free lists too: what fills them again counts as memory in use
        gc.disable()
        tracemalloc.start()
        try:
            for _ in read_chunks(path, 100):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            gc.enable()

    peak(200)  # imports
    assert peak(8000) < 1.3 * peak(2000)
