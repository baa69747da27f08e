from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from smbo_nas.benchmarks import latency
from smbo_nas.benchmarks.command import app
from smbo_nas.benchmarks.latency import FrontRun, LatencyTask, load_task, read_fronts, search, summaries, write_fronts
from smbo_nas.spaces import NASBench201Space

SPACE = NASBench201Space()
SETTINGS = {"task": "made up"}


@pytest.fixture(scope="module")
def task() -> LatencyTask:
    """Every cell; accuracy and latency both rise with what its operations cost, the former ever less."""
    cells = list(SPACE.enumerate())
    cost = {"none": 0.0, "skip_connect": 0.1, "avg_pool_3x3": 0.5, "nor_conv_1x1": 1.0, "nor_conv_3x3": 3.0}
    ms = np.array([sum(cost[op] for op in params.values()) for params in cells])
    return LatencyTask(SPACE, cells, np.column_stack([np.sqrt(ms), -ms]))


def run(method: str, seed: int, shares: list[float]) -> FrontRun:
    return FrontRun(method, seed, 0.1, tuple(range(len(shares))), tuple(shares))


def test_the_whole_front_has_all_of_the_hypervolume(task: LatencyTask) -> None:
    assert task.share(range(len(task.cells))) == pytest.approx(1.0)
    assert 0 <= task.share([0]) < 1


@pytest.mark.parametrize("method", ["tpe", "nsga2", "random"])
def test_every_method_starts_alike_and_never_loses_hypervolume(task: LatencyTask, method: str) -> None:
    found = search(task, method, 3, 25)
    assert [dict(task.cells[row]) for row in found.rows[:10]] == task.starts(3)
    assert (np.diff(found.shares) >= 0).all()
    assert found.rows == search(task, method, 3, 25).rows


def test_summaries_compare_ours_at_100_with_the_others_end() -> None:
    runs = [run("smbo-gp", seed, [0.9] * 100) for seed in range(6)] + [
        run("tpe", seed, [0.5 + 0.01 * seed] * 200) for seed in range(6)
    ]
    found = summaries(runs)
    assert found["tpe"]["smbo-gp_at_100"] == {"pairs": 6, "wins": 6, "p": pytest.approx(2 / 2**6)}
    assert found["tpe"]["share_at"]["200"]["mean"] == pytest.approx(0.525)
    assert "200" not in found["smbo-gp"]["share_at"]


def test_a_file_of_runs_goes_on_only_with_its_own_settings(tmp_path: Path) -> None:
    file, runs = tmp_path / "runs.json", [run("tpe", 0, [0.25, 0.5])]
    assert read_fronts(file, SETTINGS) == []
    write_fronts(file, SETTINGS, runs, {"machine": "here"})
    assert read_fronts(file, SETTINGS) == runs
    with pytest.raises(ValueError, match="`task` 'made up' instead of 'other'"):
        read_fronts(file, {"task": "other"})
    file.write_text(json.dumps({"settings": {}}))
    with pytest.raises(ValueError, match="holds no benchmark of latency"):
        read_fronts(file, SETTINGS)


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([["arch", "phone"], ["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", 1.0]])
    with pytest.raises(ValueError, match=r"`device`: .* no column 'watch'"):
        load_task("cifar10", file, "watch")
    with pytest.raises(ValueError, match="no latency of 15,624 cells"):
        load_task("cifar10", file, "phone")


def test_the_command_measures_and_goes_on(task: LatencyTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "load_task", lambda *_: task)
    file = tmp_path / "runs.json"
    arguments = ["latency", "--latency", "x.csv", "--device", "phone", "--methods", "random", "--json", str(file)]
    for seeds in ("1", "2"):
        result = CliRunner().invoke(app, [*arguments, "--budget", "12", "--seeds", seeds])
        assert result.exit_code == 0, result.output
    assert [each["seed"] for each in json.loads(file.read_text())["runs"]] == [0, 1]
    assert CliRunner().invoke(app, [*arguments, "--methods", "magic"]).exit_code != 0
