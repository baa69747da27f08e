from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from predictors.curve_evaluation import (
    CurveRun,
    CurveTask,
    curve_measures,
    evaluate_curves,
    read_curve_runs,
    summarise_curves,
    write_curve_runs,
)
from predictors.curves import CurvePredictor, StudentMixture
from predictors.curves.table import CurveTable
from predictors.models import make_curve_model
from tests.predictors.curves.synthetic import saturating

N_STEPS = 20


class Told(CurvePredictor):
    """Knows every final value by the first one, up to a normal error of standard deviation 1 that is known too."""

    seen: ClassVar[list[tuple[Any, ...]]] = []

    def __init__(self, truth: dict[float, float], random_state: int | None) -> None:
        self.truth, self.random_state = truth, random_state

    def fit(self, X: Any, y: Any = None) -> Told:
        self.horizon_ = X.shape[1]
        self.learned_ = {row[0] for row in X}
        return self

    def predictive(self, X: Any, at: Any = None, prior: Any = None) -> StudentMixture:
        self.seen.append((self.random_state, X.shape[1], self.learned_, {row[0] for row in X}))
        loc = np.array([[self.truth[row[0]]] for row in X])
        loc = loc + np.random.default_rng(len(self.seen)).normal(size=loc.shape)
        return StudentMixture(np.ones_like(loc), loc, np.ones_like(loc), np.full_like(loc, 1e7))


@pytest.fixture
def told() -> CurveTask:
    """Two tasks of 300 curves in units 10 and 1000, each with a normal spread of final values."""
    rng = np.random.default_rng(0)
    curves = rng.normal(size=(602, N_STEPS)) * np.repeat([10.0, 1000.0], 301)[:, None]
    curves[[0, 301], -1] = np.nan  # not finished
    truth = dict(zip(curves[:, 0], curves[:, -1], strict=True))
    Told.seen = []
    table = CurveTable(curves, ("a",) * 301 + ("b",) * 301)
    return CurveTask(lambda name, random_state: Told(truth, random_state), table)


def test_each_seed_is_one_split_within_each_task(told: CurveTask) -> None:
    evaluated = evaluate_curves(told, ["x"], finished=[5, 20], observed=[0.1, 0.5], seeds=[3, 4])
    runs = [run for several in evaluated for run in several]
    assert [run.key for run in runs] == [("x", n, s, share) for s in (3, 4) for n in (5, 20) for share in (0.1, 0.5)]
    assert len(Told.seen) == 16
    finals = {task: set(curves[:, 0]) for task, curves in told.curves.items()}
    for k, (seed, n_steps, learned, tested) in enumerate(Told.seen):
        task = finals["ab"[k // 2 % 2]]
        assert (seed, n_steps) == (3 + k // 8, [2, 10][k % 2])
        assert len(learned) == [5, 20][k // 4 % 2]
        assert learned | tested == task
        assert not learned & tested
    assert Told.seen[0][2] < Told.seen[4][2]  # a larger number has the curves of the smaller
    assert Told.seen[0][2] != Told.seen[8][2]


def test_measures_are_means_over_tasks_in_units_of_their_spread(told: CurveTask) -> None:
    """An error of 1 is 1 / 25.6 of the spread (of a normal: 2.56 deviations) in one task, and 1 / 2560 in the other."""
    run = told.run("x", 5, 0, [0.5])[0]
    assert told.spreads == pytest.approx({"a": 25.6, "b": 2560.0}, rel=0.1)
    unit = np.mean([1 / each for each in told.spreads.values()])
    assert run.measures["mae"] == pytest.approx(np.sqrt(2 / np.pi) * unit, rel=0.15)
    assert run.measures["rmse"] == pytest.approx(unit, rel=0.15)
    assert run.measures["median_error"] == pytest.approx(0.674 * unit, rel=0.15)
    assert run.measures["crps"] == pytest.approx(unit / np.sqrt(np.pi), rel=0.15)
    entropy = 0.5 * np.log(2 * np.pi * np.e)
    log_spread = np.mean(np.log(list(told.spreads.values())))
    assert run.measures["log_score"] == pytest.approx(log_spread - entropy, abs=0.1)
    for percent in (50, 80, 95):
        assert run.measures[f"coverage_{percent}"] == pytest.approx(percent / 100, abs=0.05)
    assert run.measures["spearman"] > 0.99
    assert sum(run.pit) == pytest.approx(1.0)
    assert max(run.pit) < 0.1
    assert 0 < run.measures["ms_per_curve"] < 10


def test_measures_by_hand() -> None:
    truth = np.array([0.0, 1.0, 2.0, 4.0])
    sure = StudentMixture(*(np.full((4, 1), v) for v in (1.0, 1.0, 0.0, 5.0)))
    measures, u = curve_measures(sure, truth, 2.0)
    assert measures["mae"] == pytest.approx(5 / 8)
    assert measures["crps"] == pytest.approx(5 / 8)
    assert measures["rmse"] == pytest.approx(np.sqrt(11 / 16))
    assert measures["spearman"] == 0.0
    assert measures["log_score"] == -50.0  # one infinite density and three zero ones, each held at 100 nats
    assert u.tolist() == [0.0, 1.0, 1.0, 1.0]


def task(n_curves: int = 40) -> CurveTask:
    curves = saturating(np.random.default_rng(0), n_curves, N_STEPS)
    return CurveTask(make_curve_model, CurveTable(curves, ("",) * n_curves))


def test_more_of_a_curve_is_better_and_learning_beats_the_last_value() -> None:
    evaluated = evaluate_curves(
        task(), ["last_value", "parametric"], finished=[20], observed=[0.1, 0.5], seeds=[0], workers=2
    )
    runs = {run.key: run.measures for several in evaluated for run in several}
    early, late = runs["parametric", 20, 0, 0.1], runs["parametric", 20, 0, 0.5]
    assert late["crps"] < early["crps"]
    assert late["log_score"] > early["log_score"]
    assert late["spearman"] > early["spearman"]
    assert early["crps"] < 0.5 * runs["last_value", 20, 0, 0.1]["crps"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"finished": [39]}, "`finished` must be from 0 to 38, which leaves two of a task's 40 finished curves"),
        ({"finished": [-1]}, "but got -1"),
        ({"observed": [0.0]}, "`observed` must be shares above 0 that leave one of 20 steps to predict, but got 0.0"),
        ({"observed": [0.99]}, "but got 0.99"),
        ({"workers": 0}, "`workers` must be at least 1, but got 0"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_curves(task(), ["last_value"], **{"finished": [5], "observed": [0.5], "seeds": [0], **settings})


def test_the_summary_is_over_seeds() -> None:
    runs = [CurveRun("m", 5, seed, 0.5, {"mae": value}, [1.0]) for seed, value in ((1, 2.0), (0, 1.0))]
    runs.append(CurveRun("m", 5, 0, 0.1, {"mae": 4.0}, [1.0]))
    assert summarise_curves(runs) == [
        {"model": "m", "finished": 5, "observed": 0.1, "seeds": [0], "mae": {"mean": 4.0, "std": 0.0}},
        {
            "model": "m",
            "finished": 5,
            "observed": 0.5,
            "seeds": [0, 1],
            "mae": {"mean": 1.5, "std": pytest.approx(np.sqrt(0.5))},
        },
    ]


def test_a_file_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, settings = tmp_path / "new" / "runs.json", {"curves": "a"}
    assert read_curve_runs(path, settings=settings) == []
    runs = next(evaluate_curves(task(), ["last_value"], finished=[5], observed=[0.1, 0.5], seeds=[0]))
    write_curve_runs(path, runs, settings=settings, about={"machine": "here"})
    again = read_curve_runs(path, settings=settings)
    assert again == runs
    rest = evaluate_curves(
        task(), ["last_value"], finished=[5], observed=[0.1, 0.25, 0.5], seeds=[0], done={run.key for run in again}
    )
    assert [run.key for several in rest for run in several] == [("last_value", 5, 0, 0.25)]
    content = json.loads(path.read_text())
    assert [row["observed"] for row in content["summary"]] == [0.1, 0.5]
    assert content["machine"] == "here"
    with pytest.raises(ValueError, match="holds an evaluation with `curves` 'a' instead of 'b'"):
        read_curve_runs(path, settings={"curves": "b"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": [{"model": "x"}], "settings": {}}', '{"runs": []}'])
def test_a_file_of_something_else(text: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="holds no evaluation of curve predictors to go on with"):
        read_curve_runs(path, settings={})
