from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Described
from predictors.evaluation import Run, Task, evaluate, rank_measures, read_runs, summarise, write_runs
from tests.predictors.architecture.graphs import random_cells, values
from tests.predictors.oracle import Oracle

N = 300


def task(make: Any = GraphGP) -> Task:
    graphs = random_cells(N)
    return Task(make, graphs, values(graphs) + 1e-3 * np.arange(N))


def test_measures_of_a_perfect_and_of_a_reversed_order() -> None:
    truth = np.random.default_rng(0).normal(size=1000)
    perfect = {"kendall_tau": 1.0, "spearman": 1.0, "n_at_10": 1.0, "p_at_0.5": 1.0}
    assert rank_measures(np.exp(truth), truth) == pytest.approx(perfect)
    reverse = {"kendall_tau": -1.0, "spearman": -1.0, "n_at_10": 991.0, "p_at_0.5": 0.0}
    assert rank_measures(-truth, truth) == pytest.approx(reverse)


def test_measures_by_hand() -> None:
    truth = np.arange(400, 0, -1.0)  # the true rank of item k is k + 1
    predicted = truth.copy()
    predicted[[0, 1]] = predicted[[1, 0]]
    assert rank_measures(predicted, truth)["kendall_tau"] == pytest.approx(1 - 2 / (400 * 399 / 2))
    predicted = truth.copy()
    predicted[:7] = 0.5  # the seven best look worst
    measures = rank_measures(predicted, truth)
    assert measures["n_at_10"] == 8
    assert measures["p_at_0.5"] == 0
    predicted[0] = 1000.0  # the best two are 0.5 % of 400: one of them is found
    measures = rank_measures(predicted, truth)
    assert measures["n_at_10"] == 1
    assert measures["p_at_0.5"] == 0.5


def test_predictions_that_order_nothing() -> None:
    measures = rank_measures(np.zeros(50), np.arange(50.0))
    assert measures["kendall_tau"] == measures["spearman"] == 0.0


def test_all_networks_not_trained_on_are_tested_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Oracle] = []
    tested: list[set[int]] = []

    class Watched(Oracle):
        def predict(self, X: Any, return_std: bool = False) -> Any:
            tested.append({id(graph) for graph in X})
            return super().predict(X, return_std)

    def make(random_state: int) -> Oracle:
        made.append(Watched(random_state=random_state))
        return made[-1]

    every = task(make)
    runs = list(evaluate(every, sizes=[20, 50], seeds=[3, 4]))
    assert [(run.size, run.seed) for run in runs] == [(20, 3), (50, 3), (20, 4), (50, 4)]
    assert [each.random_state for each in made] == [3, 3, 4, 4]
    trained = [{id(graph) for graph in each.seen_} for each in made]
    for size, train, test in zip([20, 50, 20, 50], trained, tested, strict=True):
        assert len(train) == size
        assert train | test == {id(graph) for graph in every.rows}
        assert not train & test
    assert trained[0] < trained[1]
    assert trained[0] != trained[2]


def test_a_run_measures_what_the_predictor_does() -> None:
    run = task().run(60, 1)
    order = np.random.default_rng(1).permutation(N)
    every = task()
    gp = GraphGP(random_state=1).fit([every.rows[k] for k in order[:60]], every.y[order[:60]])  # type: ignore[misc]
    unseen: Any = [every.rows[k] for k in order[60:]]
    truth = every.y[order[60:]]
    assert run.measures["kendall_tau"] == rank_measures(gp.predict(unseen), truth)["kendall_tau"] > 0.5
    low, high = gp.quantiles(unseen, (0.1, 0.9))
    assert run.measures["coverage_80"] == np.mean((low <= truth) & (truth <= high))
    assert run.measures["coverage_50"] < run.measures["coverage_80"] < run.measures["coverage_95"]
    assert 0 < run.measures["fit_seconds"] < 10


def test_processes_measure_the_same() -> None:
    def fixed(run: Run) -> tuple[Any, ...]:
        return run.size, run.seed, {k: v for k, v in run.measures.items() if not k.endswith("seconds")}

    alone = [fixed(run) for run in evaluate(task(), sizes=[20], seeds=[0, 1])]
    together = [fixed(run) for run in evaluate(task(), sizes=[20], seeds=[0, 1], workers=2)]
    assert sorted(together, key=lambda run: run[:2]) == sorted(alone, key=lambda run: run[:2])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": [0]}, "`sizes` must be from 1 to 298, which leaves two of the 300 networks to test on, but got 0"),
        ({"sizes": [20, 299]}, "but got 299"),
        ({"workers": 0}, "`workers` must be at least 1, but got 0"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(task(), **{"sizes": [20], "seeds": [0], **settings})


def test_the_summary_is_over_seeds() -> None:
    runs = [Run(20, 0, {"a": 1.0}), Run(20, 5, {"a": 2.0}), Run(10, 0, {"a": 4.0})]
    assert summarise(runs) == {
        10: {"seeds": [0], "a": {"mean": 4.0, "std": 0.0}},
        20: {"seeds": [0, 5], "a": {"mean": 1.5, "std": pytest.approx(np.sqrt(0.5))}},
    }


def test_a_file_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, settings = tmp_path / "new" / "runs.json", {"model": "gp", "columns": ["a"]}
    assert read_runs(path, settings=settings) == []
    every = evaluate(task(), sizes=[20, 30], seeds=[0, 1])
    runs = [next(every), next(every)]
    write_runs(path, runs, settings=settings, about={"machine": "here"})
    again = read_runs(path, settings=settings)
    assert again == runs
    rest = list(evaluate(task(), sizes=[20, 30], seeds=[0, 1], done={(run.size, run.seed) for run in again}))
    assert [(run.size, run.seed) for run in rest] == [(20, 1), (30, 1)]
    write_runs(path, again + rest, settings=settings, about={"machine": "here"})
    content = json.loads(path.read_text())
    assert list(content["sizes"]) == ["20", "30"]
    assert content["sizes"]["20"]["seeds"] == [0, 1]
    assert {"kendall_tau", "spearman", "n_at_10", "p_at_0.5", "coverage_80", "fit_seconds"} < set(
        content["sizes"]["30"]
    )
    assert content["machine"] == "here"
    with pytest.raises(ValueError, match="holds an evaluation with `model` 'gp' instead of 'auto'"):
        read_runs(path, settings={**settings, "model": "auto"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": [{"size": 3}], "settings": {}}', '{"runs": []}'])
def test_a_file_of_something_else(text: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="holds no evaluation to go on with"):
        read_runs(path, settings={})


def test_the_fingerprint_is_of_the_whole_table() -> None:
    def fingerprint(rate: float = 0.1, y: float = 1.0, std: float | None = None, n: int = 3) -> str:
        rows = [Described(graph, (("rate", rate),)) for graph in random_cells(n)]
        return Task(Oracle, rows, np.full(n, y), None if std is None else np.full(n, std)).fingerprint()

    assert fingerprint() == fingerprint()
    assert len({fingerprint(), fingerprint(rate=0.2), fingerprint(y=2.0), fingerprint(std=0.0), fingerprint(n=4)}) == 5
