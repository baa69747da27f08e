from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from smbo_nas.report.reader import read_run
from tests.smbo_nas.report.synthetic import EPOCHS, TRIALS, synthetic_records, synthetic_summary, write_run


def test_what_was_written_is_read(tmp_path: Path) -> None:
    records = synthetic_records()
    run = read_run(write_run(tmp_path, records))
    assert [c.number for c in run.candidates] == list(range(TRIALS))
    for written, read in zip(records, run.candidates, strict=True):
        assert read.state == written["state"]
        assert read.value == written["value"]
        assert read.params == written["params"]
        assert read.epochs == len(written["curve"])
        assert [list(point) for point in read.curve] == written["curve"]
        assert read.final_std == written["final_std"]
        assert read.reason == written["reason"]
        assert (read.graph.to_dict() if read.graph else None) == written["graph"]
    summary = synthetic_summary(records)
    assert run.summary.best_value == summary["best_value"]
    assert run.summary.versions == summary["versions"]
    assert run.best is not None
    assert run.best.value == max(r["value"] for r in records if r["value"] is not None)
    assert run.best_graph == run.best.graph
    saved = 1 - sum(len(r["curve"]) for r in records) / (EPOCHS * TRIALS)
    assert run.summary.epochs_saved == pytest.approx(saved)


def test_trials_are_sorted_by_number(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, synthetic_records()[::-1]))
    assert [c.number for c in run.candidates] == list(range(TRIALS))


def test_numbers_that_are_not_finite_count_as_absent(tmp_path: Path) -> None:
    records = synthetic_records()
    nan = float("nan")
    records[5] |= {"value": nan, "final_mean": float("inf"), "curve": [[1, 0.5], [2, nan], [3, None]]}
    record = read_run(write_run(tmp_path, records)).candidates[5]
    assert record.value is None
    assert record.final_mean is None
    assert record.curve == ((1.0, 0.5),)
    assert record.epochs == 3


def test_a_run_without_a_complete_trial_needs_no_architecture(tmp_path: Path) -> None:
    records = [r for r in synthetic_records() if r["state"] != "COMPLETE"]
    run = read_run(write_run(tmp_path, records))
    assert run.best is None
    assert run.best_graph is None
    assert not (tmp_path / "best" / "architecture.json").exists()


def test_no_candidates_are_fine_only_where_the_summary_counts_none(tmp_path: Path) -> None:
    assert read_run(write_run(tmp_path / "a", [])).candidates == ()
    with pytest.raises(ValueError, match=r"candidates.jsonl is empty"):
        read_run(write_run(tmp_path / "b", [], trials=3))


@pytest.mark.parametrize("name", ["summary.json", "candidates.jsonl", "best/architecture.json"])
def test_missing_empty_and_corrupt_files_are_named(tmp_path: Path, name: str) -> None:
    path = write_run(tmp_path) / name
    text = path.read_text()
    path.write_text(text[: len(text) - 20])  # a write that was cut off
    with pytest.raises(ValueError, match=rf"{re.escape(path.name)}.* is no valid JSON"):
        read_run(tmp_path)
    path.write_text("[]\n")
    with pytest.raises(ValueError, match=rf"{re.escape(path.name)}.* must hold a JSON object"):
        read_run(tmp_path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="not UTF-8"):
        read_run(tmp_path)
    path.write_text(" \n")
    with pytest.raises(ValueError, match=rf"{re.escape(path.name)} is empty"):
        read_run(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(path.name)):
        read_run(tmp_path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no run directory at .*nowhere"):
        read_run(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": None}, "line 3: `number` must be an integer, but got None"),
        ({"number": 1}, "line 3: trial 1 appears twice"),
        ({"number": 2.5}, "`number` must be an integer, but got 2.5"),
        ({"state": "DONE"}, "`state` must be one of COMPLETE, PRUNED, FAIL, RUNNING, but got 'DONE'"),
        ({"value": "high"}, "`value` must be a number, but got 'high'"),
        ({"value": True}, "`value` must be a number, but got True"),
        ({"params": [1]}, "`params` must be an object"),
        ({"curve": [[1]]}, r"`curve` must be a list of \[step, value\] pairs"),
        ({"curve": {"1": 2}}, r"`curve` must be a list of \[step, value\] pairs"),
        ({"reason": 3}, "`reason` must be a string, but got 3"),
        ({"graph": {"ops": ["input", "output"], "edges": [[1, 0]]}}, "`graph` is no architecture: .*backwards"),
    ],
)
def test_a_wrong_field_of_a_candidate_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    lines = [json.dumps(record) for record in synthetic_records()]
    lines[2] = json.dumps(json.loads(lines[2]) | change)
    (write_run(tmp_path) / "candidates.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=message):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"direction": "up"}, "`direction` must be one of maximize, minimize, but got 'up'"),
        ({"seconds": float("nan")}, "`seconds` must be a finite number, but got None"),
        ({"space": None}, "`space` must be a string, but got None"),
        ({"best_trial": 99}, "the best trial 99 is not in candidates.jsonl"),
    ],
)
def test_a_wrong_field_of_the_summary_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    graph = read_run(write_run(tmp_path)).best_graph
    with pytest.raises(ValueError, match=message):
        read_run(write_run(tmp_path, graph=graph, **change))


def test_a_missing_field_of_the_summary_is_named(tmp_path: Path) -> None:
    path = write_run(tmp_path) / "summary.json"
    data = json.loads(path.read_text())
    del data["epochs"]
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r"summary.json: `epochs` is missing"):
        read_run(tmp_path)
