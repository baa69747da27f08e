from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smbo_nas.benchmarks import measuring, runner
from smbo_nas.benchmarks.measuring import TaskFile, measure, missing
from smbo_nas.benchmarks.tasks import TaskSource

SOURCES = [TaskSource("fashion201"), TaskSource("nasbench201", dataset="cifar100")]
METHODS = [["random", "evolution"], ["random"]]


def files(folder: Path, budget: int = 11) -> list[TaskFile]:
    return [
        TaskFile(source, budget=budget, batch=1, path=folder / f"{source.benchmark}.json", about={"command": "c"})
        for source in SOURCES
    ]


def done(folder: Path) -> set[tuple[str, str, int]]:
    return {
        (path.stem, run["method"], run["seed"])
        for path in folder.glob("*.json")
        for run in json.loads(path.read_text())["runs"]
    }


EVERYTHING = {
    (task, method, seed)
    for seed in (0, 1)
    for task, method in (("fashion201", "random"), ("fashion201", "evolution"), ("nasbench201", "random"))
}


def test_all_of_a_seed_comes_before_the_next(tmp_path: Path) -> None:
    left = missing(files(tmp_path), METHODS, range(2))
    assert [(file.source.benchmark, method, seed) for file, method, seed in left] == [
        ("fashion201", "random", 0), ("fashion201", "evolution", 0), ("nasbench201", "random", 0),
        ("fashion201", "random", 1), ("fashion201", "evolution", 1), ("nasbench201", "random", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_what_was_done_is_kept_and_not_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(measuring, "WRITE_SECONDS", seconds)
    search, searched = runner.run_search, []

    def interrupted(task: Any, method: str, seed: int, **settings: Any) -> Any:
        if len(searched) == 4:
            raise KeyboardInterrupt
        searched.append((task.name, method, seed))
        return search(task, method, seed, **settings)

    monkeypatch.setattr(runner, "run_search", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure(missing(files(tmp_path), METHODS, range(2)), workers=1, advance=lambda _: None)
    assert len(done(tmp_path)) == 4
    monkeypatch.setattr(runner, "run_search", lambda *a, **k: searched.append(a) or search(*a, **k))
    told: list[int] = []
    measure(missing(files(tmp_path), METHODS, range(2)), workers=1, advance=told.append)
    assert done(tmp_path) == EVERYTHING
    assert (len(searched), told) == (6, [1, 2])
    assert missing(files(tmp_path), METHODS, range(2)) == []
    measure([], workers=1, advance=told.append)
    assert len(told) == 2


def test_several_workers_find_the_same(tmp_path: Path) -> None:
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        measure(missing(files(folder), METHODS, range(2)), workers=workers, advance=lambda _: None)
    one, two = (
        {
            (path.stem, run["method"], run["seed"]): (run["steps"], run["test"])
            for path in (tmp_path / str(workers)).glob("*.json")
            for run in json.loads(path.read_text())["runs"]
        }
        for workers in (1, 2)
    )
    assert one == two
    assert {task for (task, *_), (_, test) in one.items() if test is not None} == {"fashion201"}


def test_a_file_of_other_settings_is_refused(tmp_path: Path) -> None:
    measure(missing(files(tmp_path), METHODS, range(1)), workers=1, advance=lambda _: None)
    with pytest.raises(ValueError, match="`budget` 11 instead of 12"):
        files(tmp_path, budget=12)
    (tmp_path / "fashion201.json").rename(tmp_path / "nasbench201.json")
    with pytest.raises(ValueError, match=r"`task` 'fashion201' instead of 'nasbench201 cifar100'"):
        files(tmp_path)
