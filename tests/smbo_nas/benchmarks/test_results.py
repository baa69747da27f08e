from __future__ import annotations

import json
from pathlib import Path

import pytest

from smbo_nas.benchmarks.results import Measured, read_file, read_results, write_results
from tests.smbo_nas.benchmarks.small import run

MEASURED = Measured({"task": "small", "batch": 5}, "queries", 100, (25, 100))
RUNS = [run("random", 0, None), run("random", 1, 80), run("smbo", 0, 20), run("smbo", 1, 30), run("tpe", 0, 60)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    write_results(path, MEASURED, RUNS[::-1], about={"command": "c", "machine": "m"})
    return path


def test_what_is_written_is_read_again(file: Path) -> None:
    assert read_results(file, settings=MEASURED.settings) == RUNS
    measured, runs = read_file(file)
    assert (measured.settings, measured.unit, measured.budget, list(measured.marks)) == (
        MEASURED.settings, "queries", 100, [25, 100],
    )  # fmt: skip
    assert runs == RUNS


def test_the_file_says_what_the_searches_say_together(file: Path) -> None:
    content = json.loads(file.read_text())
    assert content["command"] == "c"
    smbo = content["methods"]["smbo"]
    assert smbo["queries_to_optimum"]["mean"] == 25.0
    assert smbo["tests"]["random"]["method"] == "random"
    assert smbo["tests"]["random"]["wins"] == 2
    assert smbo["tests"]["best_peer"]["method"] == "tpe"
    assert smbo["tests"]["best_peer"]["pairs"] == 1
    assert "random" not in content["methods"]["random"]["tests"]
    first = content["runs"][0]
    assert (first["method"], first["seed"], first["queries_to_optimum"]) == ("random", 0, None)
    assert first["regret_at"] == {"25": 1.0, "100": 1.0}
    assert first["simulated_gpu_hours_at"] == {"25": 1.0, "100": None}


def test_other_settings_are_refused(file: Path) -> None:
    with pytest.raises(ValueError, match="a benchmark with `batch` 5 instead of 1"):
        read_results(file, settings={"task": "small", "batch": 1})


@pytest.mark.parametrize("content", ["", "[]", '{"runs": 3}', '{"settings": {}, "unit": "queries", "runs": [{}]}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="holds no benchmark"):
        read_results(path, settings={})


def test_no_file_is_a_beginning(tmp_path: Path) -> None:
    assert read_results(tmp_path / "none.json", settings={}) == []
