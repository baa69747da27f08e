from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictors.curves.table import CurveTable, read_curves

CURVES = np.array([[0.1, 0.2, 0.3], [0.4, np.nan, 0.6], [0.7, np.nan, np.nan]])


def write(path: Path) -> None:
    if path.suffix == ".npz":
        np.savez(path, curves=CURVES, task=np.array(["a", "b", "a"]))
    elif path.suffix == ".csv":
        path.write_text("task,1,2,3\na,0.1,0.2,0.3\nb,0.4,,0.6\na,0.7,,\n")
    else:
        rows = ['{"curve": [0.1, 0.2, 0.3], "task": "a"}', '{"curve": [0.4, null, 0.6], "task": "b"}']
        path.write_text("\n".join([*rows, "", '{"task": "a", "curve": [0.7]}']))


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".jsonl"])
def test_all_formats_hold_the_same(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"curves{suffix}"
    write(path)
    table = read_curves(path)
    np.testing.assert_array_equal(table.curves, CURVES)
    assert table.tasks == ("a", "b", "a")
    assert table.fingerprint() == CurveTable(CURVES, ("a", "b", "a")).fingerprint()


def test_labels_are_free(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", curves=CURVES)
    (tmp_path / "a.csv").write_text("1,2,3\n0.1,0.2,0.3\n0.4,,0.6\n0.7,,\n")
    (tmp_path / "a.jsonl").write_text("[0.1, 0.2, 0.3]\n[0.4, null, 0.6]\n[0.7]\n")
    tables = [read_curves(tmp_path / f"a{suffix}") for suffix in (".npz", ".csv", ".jsonl")]
    assert [table.tasks for table in tables] == [("", "", "")] * 3
    assert len({table.fingerprint() for table in tables}) == 1


def test_only_finished_curves_count_within_their_task() -> None:
    by_task = CurveTable(CURVES, ("a", "b", "a")).by_task()
    assert list(by_task) == ["a", "b"]
    np.testing.assert_array_equal(by_task["a"], CURVES[:1])
    np.testing.assert_array_equal(by_task["b"], CURVES[1:2])


def test_the_fingerprint_is_of_everything() -> None:
    tables = [
        CurveTable(CURVES, ("a", "a", "a")),
        CurveTable(CURVES, ("a", "a", "b")),
        CurveTable(CURVES[:, :2], ("a", "a", "a")),
        CurveTable(np.where(CURVES == 0.7, 0.8, CURVES), ("a", "a", "a")),
    ]
    assert len({table.fingerprint() for table in tables}) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", "", "must end in one of .npz, .csv, .jsonl"),
        ("a.npz", "junk", "a.npz must hold an array `curves` of numbers"),
        ("a.csv", "1,2\n0.1,0.2\n0.3\n", "a.csv, line 3: must have 2 fields"),
        ("a.csv", "1,2\n0.1,0.2\n0.3,0.4,0.5\n", "a.csv, line 3: must have 2 fields"),
        ("a.csv", "1,2\n0.1,x\n", "a.csv, line 2: a value must be a number, or nothing, but got 'x'"),
        ("a.csv", "1,2\n", "must hold at least one curve of at least one step"),
        ("a.jsonl", "[0.1]\n{", "a.jsonl, line 2: Expecting property name"),
        ("a.jsonl", "[0.1]\n3", "a.jsonl, line 2: must be a list of numbers"),
        ("a.jsonl", '{"curve": [[0.1]]}', "a.jsonl, line 1: a value must be a number"),
        ("a.jsonl", "", "must hold at least one curve"),
    ],
)
def test_what_is_wrong_is_said(name: str, content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match="(?s)" + message.replace(".", r"\.").replace("(", r"\(")):
        read_curves(path)


def test_wrong_arrays_and_pickles(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for arrays, message in (
        ({"values": CURVES}, "must hold an array `curves` of numbers"),
        ({"curves": CURVES[0]}, "`curves` must be a matrix and `task` as long"),
        ({"curves": CURVES, "task": np.array(["a"])}, "`curves` must be a matrix and `task` as long"),
        ({"curves": np.array([["x"]])}, "must hold an array `curves` of numbers"),
        ({"curves": np.array([[object()]])}, "must hold an array `curves` of numbers"),
    ):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=message):
            read_curves(path)
