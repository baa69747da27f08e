from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from predictors import ranking
from predictors.cli import app
from predictors.evaluation import Task
from predictors.persistence import load
from predictors.table import ArchTable, read_table
from smbo_nas.cli import app as whole_app
from tests.predictors.architecture.graphs import random_cells, relabelled, values
from tests.predictors.curves.synthetic import saturating


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of trained networks, a list of candidates, and a predictor trained on the former."""
    folder = tmp_path_factory.mktemp("tables")
    graphs = random_cells(60)
    rate = np.linspace(0.0, 1.0, 60)
    ArchTable(graphs, values=values(graphs), columns={"rate": rate}).write(folder / "trained.jsonl")
    new = random_cells(150, seed=1)
    with (folder / "candidates.jsonl").open("w") as file:
        for k, graph in enumerate([*new, *(relabelled(graph, 1) for graph in new)]):
            file.write(json.dumps({"graph": graph.to_dict(), "id": k, "rate": 0.5}) + "\n")
    result = run("train", "--data", folder / "trained.jsonl", "--model", "gp", "--out", folder / "gp")
    assert result.exit_code == 0, result.output
    assert "Learned `value` from 60 graphs: GraphGP, Kendall tau 0." in result.output
    return folder


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_train_and_rank(folder: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"ranked{suffix}"
    result = run(
        "rank", "--predictor", folder / "gp", "--candidates", folder / "candidates.jsonl", "--top", 7, "--out", out
    )
    assert result.exit_code == 0, result.output
    assert "300 candidates, " in result.output
    table = read_table(out, target="mean", columns=None)
    candidates = read_table(folder / "candidates.jsonl", target=None).graphs[:150]
    mean, std = load(folder / "gp").predict(candidates, return_std=True)
    distinct = sorted({graph.digest: m for graph, m in zip(candidates, mean, strict=True)}.values(), reverse=True)
    np.testing.assert_allclose(table.y, distinct[:7])
    assert set(table.columns) == {"rank", "std", "p_top", "id", "rate"}
    ids = table.columns["id"].astype(int)
    assert (ids < 150).all()  # the first of the copies
    assert [candidates[k] for k in ids] == table.graphs
    np.testing.assert_allclose(table.columns["std"], std[ids])
    np.testing.assert_array_equal(table.columns["rank"], range(1, 8))
    assert ((table.columns["p_top"] > 0) & (table.columns["p_top"] <= 1)).all()


def test_columns_ride_along(folder: Path, tmp_path: Path) -> None:
    for columns in ("rate", "all"):
        out = tmp_path / columns
        result = run("train", "--data", folder / "trained.jsonl", "--model", "gp", "--columns", columns, "--out", out)
        assert "and the columns rate" in result.output
        assert load(out).column_names_ == ("rate",)
    result = run(
        "rank", "--predictor", tmp_path / "all", "--candidates", folder / "candidates.jsonl", "--top", 3,
        "--diverse", "--out", tmp_path / "r.jsonl",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 3
    bare = tmp_path / "bare.jsonl"
    bare.write_text(random_cells(1)[0].to_json() + "\n")
    result = run("rank", "--predictor", tmp_path / "all", "--candidates", bare, "--out", tmp_path / "r.jsonl")
    assert result.exit_code == 2
    assert "bare.jsonl, line 1: no field 'rate' among []" in result.output


def test_learning_from_another_predictor(folder: Path, tmp_path: Path) -> None:
    result = run(
        "train", "--data", folder / "trained.jsonl", "--model", "gp", "--source", folder / "gp", "--out", tmp_path
    )
    assert result.exit_code == 0, result.output
    assert load(tmp_path).source_ is not None


def test_evaluate_a_table(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/predictors/__main__.py", "evaluate", "..."])
    path = tmp_path / "runs.json"
    arguments = ["evaluate", "--data", folder / "trained.jsonl", "--model", "gp", "--json", path]
    result = run(*arguments, "--sizes", "20,30", "--seeds", 2)
    assert result.exit_code == 0, result.output
    assert "Kendall tau" in result.output
    first = json.loads(path.read_text())
    assert [(r["size"], r["seed"]) for r in first["runs"]] == [(20, 0), (20, 1), (30, 0), (30, 1)]
    assert first["settings"]["networks"] == 60
    assert first["command"] == "python -m predictors evaluate ..."
    assert run(*arguments, "--sizes", "20,30", "--seeds", 3, "--first-seed", 1).exit_code == 0
    second = json.loads(path.read_text())
    assert len(second["runs"]) == 8
    assert [r for r in second["runs"] if r["seed"] < 2] == first["runs"]
    other = run(*arguments, "--columns", "rate")
    assert other.exit_code == 2
    assert "holds an evaluation with `columns` [] instead of ['rate']" in other.output


def test_evaluate_the_benchmark(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    result = run(
        "evaluate", "--benchmark", "nasbench201", "--dataset", "cifar100", "--model", "gp", "--columns", "model_size",
        "--sizes", 78, "--seeds", 1, "--first-seed", 100, "--json", path,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    content = json.loads(path.read_text())
    assert content["settings"]["networks"] == 15_625
    assert content["sizes"]["78"]["kendall_tau"]["mean"] > 0.65


def test_evaluate_curves(tmp_path: Path) -> None:
    data, path = tmp_path / "curves.npz", tmp_path / "runs.json"
    np.savez(data, curves=saturating(np.random.default_rng(0), 30, 20))
    arguments = ["evaluate-curves", "--curves", data, "--observed", "0.25,0.5", "--finished", "5,10", "--json", path]
    result = run(*arguments, "--model", "last_value", "--seeds", 1)
    assert result.exit_code == 0, result.output
    assert "CRPS" in result.output
    first = json.loads(path.read_text())["runs"]
    assert [(r["finished"], r["observed"]) for r in first] == [(5, 0.25), (5, 0.5), (10, 0.25), (10, 0.5)]
    assert run(*arguments, "--model", "parametric, last_value", "--seeds", 2).exit_code == 0
    second = json.loads(path.read_text())["runs"]
    assert len(second) == 16
    assert [r for r in second if r["model"] == "last_value" and r["seed"] == 0] == first
    np.savez(data, curves=saturating(np.random.default_rng(1), 30, 20))
    assert "holds an evaluation with `fingerprint`" in run(*arguments, "--model", "last_value").output


def test_evaluate_curves_of_the_benchmark() -> None:
    result = run(
        "evaluate-curves", "--curves", "fashion201", "--model", "last_value", "--finished", 10, "--seeds", 1,
        "--observed", 0.5,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "10     50%  last_value" in result.output


BAD: list[tuple[list[object], str]] = [
    (["evaluate-curves", "--curves", "fashion201", "--model", "best"], "`model` must be one of ['last_value', "),
    (["evaluate-curves", "--curves", "{}/nowhere.csv"], "No such file"),
    (["evaluate-curves", "--curves", "{}/trained.jsonl"], "trained.jsonl, line 1: must be a list of numbers"),
    (["evaluate-curves", "--curves", "fashion201", "--observed", "x"], "`observed` must be numbers such as 0.1,0.25"),
    (["evaluate-curves", "--curves", "fashion201", "--finished", "0.5"], "`finished` must be whole numbers such as"),
    (
        ["evaluate-curves", "--curves", "fashion201", "--finished", "5", "--observed", "1"],
        "`observed` must be shares above 0",
    ),
    (["evaluate-curves", "--curves", "fashion201", "--seeds", "0"], "`seeds` must be at least 1"),
    (["train", "--data", "{}/trained.jsonl", "--model", "best", "--out", "{}/x"], "`model` must be one of"),
    (["train", "--data", "{}/nowhere.csv", "--out", "{}/x"], "No such file"),
    (["train", "--data", "{}/trained.jsonl", "--target", "acc", "--out", "{}/x"], "line 1: no field 'acc' among"),
    (["train", "--data", "{}/trained.jsonl", "--columns", "a", "--out", "{}/x"], "line 1: no field 'a' among"),
    (["train", "--data", "{}/trained.jsonl", "--source", "{}/x", "--out", "{}/x"], "cannot read"),
    (["evaluate"], "`evaluate` must have either --benchmark or --data"),
    (["evaluate", "--data", "{}/trained.jsonl", "--benchmark", "nasbench201"], "either --benchmark or --data"),
    (["evaluate", "--benchmark", "nasbench301"], "`benchmark` must be nasbench201, but got 'nasbench301'"),
    (["evaluate", "--benchmark", "nasbench201", "--dataset", "mnist"], "`dataset` must be one of"),
    (["evaluate", "--benchmark", "nasbench201", "--columns", "x"], "`columns` of the benchmark must be among"),
    (["evaluate", "--data", "{}/trained.jsonl", "--sizes", "a"], "`sizes` must be whole numbers such as 78,156"),
    (["evaluate", "--data", "{}/trained.jsonl", "--sizes", "59"], "`sizes` must be from 1 to 58"),
    (["evaluate", "--data", "{}/trained.jsonl", "--seeds", "0"], "`seeds` must be at least 1, but got 0"),
    (["rank", "--predictor", "{}", "--candidates", "{}/trained.jsonl", "--out", "{}/x.jsonl"], "cannot read"),
    (["rank", "--predictor", "{}/gp", "--candidates", "{}/trained.jsonl", "--out", "{}/x"], "must end in"),
    (
        ["rank", "--predictor", "{}/gp", "--candidates", "{}/trained.jsonl", "--out", "{}/x.csv", "--top", "0"],
        "`top` must be at least 1",
    ),
    (
        ["rank", "--predictor", "{}/gp", "--candidates", "{}/empty.csv", "--out", "{}/x.csv"],
        "at least one architecture",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty.csv").write_text("graph\n")
    before = sorted(folder.rglob("*"))
    result = run(*(argument.replace("{}", str(folder)) for argument in arguments))
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert sorted(folder.rglob("*")) == before


def test_ctrl_c_is_one_line(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ranking.Ranker, "add", interrupted)
    out = tmp_path / "x.jsonl"
    result = run("rank", "--predictor", folder / "gp", "--candidates", folder / "candidates.jsonl", "--out", out)
    assert (result.exit_code, result.output) == (130, "predictors: interrupted; nothing was written.\n")
    assert not out.exists()

    measure = Task.run

    def second_is_interrupted(self: Task, size: int, seed: int) -> Any:
        return interrupted() if seed else measure(self, size, seed)

    monkeypatch.setattr(Task, "run", second_is_interrupted)
    path = tmp_path / "runs.json"
    arguments = ["evaluate", "--data", folder / "trained.jsonl", "--model", "gp", "--sizes", 20, "--json", path]
    result = run(*arguments, "--seeds", 2)
    assert result.exit_code == 130
    assert result.output == f"predictors: interrupted; what was measured is in {path}; the same command goes on.\n"
    monkeypatch.undo()
    assert run(*arguments, "--seeds", 2).exit_code == 0
    assert [r["seed"] for r in json.loads(path.read_text())["runs"]] == [0, 1]


@pytest.mark.slow
def test_ctrl_c_with_workers(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    command = [sys.executable, "-m", "predictors", "evaluate", "--data", folder / "trained.jsonl", "--model", "gp"]
    command += ["--sizes", "20", "--seeds", "300", "--workers", "2", "--json", path]
    process = subprocess.Popen(
        [str(part) for part in command], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    end = time.monotonic() + 120
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everybody
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == f"predictors: interrupted; what was measured is in {path}; the same command goes on.\n"
    assert json.loads(path.read_text())["runs"]
    while _is_alive(process.pid) and time.monotonic() < end + 30:
        time.sleep(0.1)
    assert not _is_alive(process.pid)


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_mounted_in_the_whole_program() -> None:
    for command in ("train", "evaluate", "rank", "evaluate-curves"):
        result = CliRunner().invoke(whole_app, ["predictor", command, "--help"])
        assert result.exit_code == 0
        assert "--" in result.output
