"""The benchmark commands as a person uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from smbo_nas import NASBench101Space
from smbo_nas.benchmarks import runner
from smbo_nas.cli import app


def benchmark(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])


def nasbench201(json_file: Path, *, methods: str = "random,tpe", **options: object) -> Result:
    given = {"dataset": "cifar100", "budget": 14, "seeds": 2, "batch": 2} | options
    flags = [text for name, value in given.items() for text in (f"--{name}", value)]
    return benchmark("nasbench201", "--methods", methods, "--json", json_file, *flags)


def test_a_benchmark_is_measured_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    result = nasbench201(file)
    assert result.exit_code == 0, result.output
    assert "queries to optimum" in result.output
    content = json.loads(file.read_text())
    assert content["settings"]["task"] == "nasbench201 cifar100"
    assert {(run["method"], run["seed"]) for run in content["runs"]} == {
        (method, seed) for method in ("random", "tpe") for seed in (0, 1)
    }
    for run in content["runs"]:
        assert run["queries_to_optimum"] is None
        assert run["spent"] == 14
        assert run["simulated_gpu_hours_at"]["14"] > 1
    assert content["methods"]["tpe"]["tests"]["random"]["pairs"] == 2


def test_the_same_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, searched = tmp_path / "results.json", []
    search = runner.run_search

    def interrupted(task: Any, method: str, seed: int, **settings: Any) -> Any:
        if len(searched) == 2:
            raise KeyboardInterrupt
        searched.append((method, seed))
        return search(task, method, seed, **settings)

    monkeypatch.setattr(runner, "run_search", interrupted)
    result = nasbench201(file)
    assert result.exit_code == 130
    assert f"interrupted; what was measured is in {file}" in result.output
    before = json.loads(file.read_text())["runs"]
    assert len(before) == 2
    monkeypatch.setattr(runner, "run_search", lambda *a, **k: searched.append(a[1:]) or search(*a, **k))
    assert nasbench201(file).exit_code == 0
    assert sorted(searched) == [("random", 0), ("random", 1), ("tpe", 0), ("tpe", 1)]
    after = json.loads(file.read_text())["runs"]
    assert [run for run in after if run in before] == before
    assert nasbench201(file).exit_code == 0  # nothing left to do
    assert len(searched) == 4
    refused = nasbench201(file, batch=1)
    assert refused.exit_code == 2
    assert "`batch` 2 instead of 1" in refused.output


def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for workers, file in enumerate(files, start=1):
        assert nasbench201(file, methods="tpe", workers=workers).exit_code == 0
    one, two = ([run["steps"] for run in json.loads(file.read_text())["runs"]] for file in files)
    assert one == two


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": "random,nonsense"}, "`methods` must be of smbo,"),
        ({"methods": "tpe+median"}, "where there are no curves"),
        ({"dataset": "mnist"}, "`dataset` must be one of"),
        ({"budget": 9}, "`budget` must be at least 10, but got 9."),
        ({"seeds": 0}, "`seeds` must be at least 1"),
        ({"batch": 0}, "`batch` must be at least 1"),
        ({"workers": 0}, "`workers` must be at least 1"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    result = nasbench201(tmp_path / "results.json", **changes)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "results.json").exists()


def test_noise_is_another_benchmark(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    arguments = ("nasbench201", "--methods", "random", "--seeds", 1, "--budget", 12, "--json", file)
    assert benchmark(*arguments, "--noisy").exit_code == 0
    assert json.loads(file.read_text())["settings"]["noisy"] is True
    assert "`noisy` True instead of False" in benchmark(*arguments).output


def test_curves(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    result = benchmark(
        "fashion201", "--methods", "random,random+halving", "--seeds", 1, "--budget", 12, "--json", file
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    whole, stopped = json.loads(file.read_text())["runs"]
    assert "epochs_to_optimum" in whole
    assert stopped["trials"] > whole["trials"]


def test_a_table_of_nasbench101(tmp_path: Path) -> None:
    space, rng, file = NASBench101Space(), np.random.default_rng(0), tmp_path / "results.json"
    graphs = {graph.digest: graph for graph in (space.graph(space.sample(rng)) for _ in range(60))}
    rows = [{"graph": graph.to_dict(), "accuracy": 90 + k / 10} for k, graph in enumerate([*graphs.values()][:30])]
    table = tmp_path / "table.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)))
    arguments = ("nasbench101", "--data", table, "--methods", "random,smbo-gp", "--seeds", 1, "--budget", 15)
    result = benchmark(*arguments, "--target", "accuracy", "--json", file)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert content["optimum"] == pytest.approx(92.9)
    assert {run["method"]: run["repeats"] for run in content["runs"]}["smbo-gp"] == 0
    refused = benchmark(*arguments, "--target", "nonsense")
    assert refused.exit_code == 2
    assert "nonsense" in refused.output


def test_overhead(tmp_path: Path) -> None:
    file = tmp_path / "overhead.json"
    result = benchmark("overhead", "--samplers", "tpe,random", "--sizes", "30", "--trials", 3, "--json", file)
    assert result.exit_code == 0, result.output
    assert "ms/trial" in result.output
    assert [row["sampler"] for row in json.loads(file.read_text())["rows"]] == ["tpe", "random"]
    assert "`sizes` must be whole numbers" in benchmark("overhead", "--sizes", "3").output


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "200")
    return


def compare(out: Path, **options: object) -> Result:
    given = {"tasks": "nasbench201:cifar100,fashion201", "methods": "random,evolution", "budget": 12, "seeds": 2}
    flags = [text for name, value in (given | options).items() for text in (f"--{name}", value)]
    return benchmark("compare", "--out", out, *flags)


def test_a_comparison_is_interrupted_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, search, searched = tmp_path / "compare", runner.run_search, []

    def interrupted(task: Any, method: str, seed: int, **settings: Any) -> Any:
        if len(searched) == 3:
            raise KeyboardInterrupt
        searched.append(method)
        return search(task, method, seed, **settings)

    monkeypatch.setattr(runner, "run_search", interrupted)
    result = compare(out)
    assert result.exit_code == 130
    assert result.output.strip() == f"smbo-nas: interrupted; what was measured is in {out}; the same command goes on."
    content = json.loads((out / "compare.json").read_text())
    assert sum(m["seeds"] for task in content["tasks"].values() for m in task["methods"].values()) == 3
    assert "<title>Which strategy" in (out / "compare.html").read_text()  # what there is can be looked at

    monkeypatch.setattr(runner, "run_search", search)
    result = compare(out)
    assert result.exit_code == 0, result.output
    assert "average rank" in result.output
    assert f"The page: {out / 'compare.html'}" in result.output
    content = json.loads((out / "compare.json").read_text())
    assert {m["seeds"] for task in content["tasks"].values() for m in task["methods"].values()} == {2}
    assert {path.name for path in out.iterdir()} == {
        "nasbench201_cifar100.json", "fashion201.json", "compare.json", "compare.md", "compare.html",
    }  # fmt: skip

    fewer = compare(out, methods="random", seeds=1)  # what is not asked for is not shown, and stays in the file
    assert "evolution" not in fewer.output
    assert len(json.loads((out / "fashion201.json").read_text())["runs"]) == 4
    assert "`budget` 12 instead of 13" in compare(out, budget=13).output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": "nasbench201:mnist"}, "`tasks` must be of nasbench201:cifar10, "),
        ({"tasks": "nasbench201"}, "`tasks` must be of nasbench201:cifar10, "),
        ({"methods": "random,nonsense"}, "`methods` must be of smbo,"),
        ({"methods": "large-scale", "tasks": "fashion201"}, "smaller"),
        ({"budget": 9}, "`budget` must be at least 10, but got 9."),
        ({"seeds": 0}, "`seeds` must be at least 1"),
        ({"workers": 0}, "`workers` must be at least 1"),
    ],
)
def test_a_comparison_of_what_is_not_there_is_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    result = compare(tmp_path / "compare", **changes)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
