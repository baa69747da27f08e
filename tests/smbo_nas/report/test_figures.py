from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smbo_nas.report.figures import curves_figure, prediction_figure, progress_figure
from smbo_nas.report.labels import operation_summary
from smbo_nas.report.reader import Run, read_run
from tests.smbo_nas.report.synthetic import synthetic_records, write_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return read_run(write_run(tmp_path))


def traces(figure: Any) -> dict[str, dict[str, Any]]:
    found = [trace.to_plotly_json() for trace in figure.data]
    by_name = {trace["name"]: trace for trace in found}
    assert len(by_name) == len(found)
    return by_name


def test_progress_shows_every_trial_once_and_a_line_that_never_falls(run: Run) -> None:
    for by in ("trial", "epochs"):
        shown = traces(progress_figure(run, by))
        line = shown["best so far"]
        assert list(line["y"]) == sorted(line["y"])
        assert line["y"][-1] == run.summary.best_value
        assert len(shown["trained to the end"]["x"]) == len(run.of_state("COMPLETE"))
        assert len(shown["failed"]["x"]) == run.summary.failed == 1
        # Trial 11 has no architecture and was stopped before its first epoch: nothing to show.
        assert len(shown["stopped early, last value"]["x"]) == run.summary.pruned - 1
        assert list(shown["best"]["y"]) == [run.summary.best_value]
    by_trial, by_epochs = traces(progress_figure(run, "trial")), traces(progress_figure(run, "epochs"))
    assert list(by_trial["best"]["x"]) == [run.summary.best_trial]
    assert by_trial["best so far"]["x"][-1] == 23
    assert by_epochs["best so far"]["x"][-1] == run.summary.epochs_trained


def test_curves_show_every_point_and_the_stops_where_they_were(run: Run) -> None:
    shown = traces(curves_figure(run))
    assert run.best is not None
    best = shown[f"trial {run.best.number}, the best"]
    assert [p for p in zip(best["x"], best["y"], strict=True) if p[0] is not None] == list(run.best.curve)
    points = sum(x is not None for name in ("stopped early or failed", "trained on") for x in shown[name]["x"]) + len(
        run.best.curve
    )
    assert points == sum(len(c.curve) for c in run.candidates)
    stops = [c for c in run.of_state("PRUNED") if c.curve]
    assert list(zip(shown["stop"]["x"], shown["stop"]["y"], strict=True)) == [c.curve[-1] for c in stops]
    finals = shown["predicted final value ± std"]
    assert list(finals["y"]) == [c.final_mean for c in stops]
    assert list(finals["error_y"]["array"]) == [c.final_std for c in stops]
    assert min(finals["x"]) > run.summary.epochs
    assert f"trial {stops[0].number}" in shown["stop"]["text"][0]
    assert operation_summary(stops[0].graph) in shown["stop"]["text"][0]


def test_predictions_lie_over_what_was_measured(run: Run) -> None:
    shown = traces(prediction_figure(run))
    records = [c for c in run.of_state("COMPLETE") if c.predicted_mean is not None]
    points = shown["trial, ± std"]
    assert list(points["x"]) == [c.value for c in records]
    assert list(points["y"]) == [c.predicted_mean for c in records]
    assert list(points["error_y"]["array"]) == [c.predicted_std for c in records]
    identity = shown["predicted = measured"]
    assert list(identity["x"]) == list(identity["y"])
    assert identity["x"][0] < min(*points["x"], *points["y"])


def test_the_axis_starts_near_the_better_trials_only_if_others_are_far_below(tmp_path: Path) -> None:
    near, far = synthetic_records(), synthetic_records()
    for k, (a, b) in enumerate(zip(near, far, strict=True)):
        a |= {"state": "COMPLETE", "value": 0.9 + k / 1000}
        b |= {"state": "COMPLETE", "value": 0.1 if k < 3 else 0.9 + k / 1000}
    assert progress_figure(read_run(write_run(tmp_path, near)), "trial").layout.yaxis.range is None
    low, high = progress_figure(read_run(write_run(tmp_path, far)), "trial").layout.yaxis.range
    assert 0.85 < low < 0.9 + 6 / 1000
    assert high > 0.9 + 23 / 1000
    for record in far:
        record["value"] *= -1
    flipped = read_run(write_run(tmp_path, far, direction="minimize", metric="negative gain"))
    assert progress_figure(flipped, "trial").layout.yaxis.range == pytest.approx((-high, -low))


def test_figures_are_json_without_nan(tmp_path: Path) -> None:
    records = synthetic_records()
    nan = float("nan")
    records[5] |= {"curve": [[1, 0.4], [2, nan]], "value": nan, "predicted_std": nan}
    records[9] |= {"predicted_std": nan, "final_std": None}
    run = read_run(write_run(tmp_path, records))

    def refuse(name: str) -> None:
        raise AssertionError(name)

    for figure in (progress_figure(run, "trial"), curves_figure(run), prediction_figure(run)):
        json.loads(figure.to_json(), parse_constant=refuse)


def test_texts_in_hover_boxes_are_escaped(tmp_path: Path) -> None:
    records = synthetic_records()
    records[5]["reason"] = "<a href='x'>click</a>"
    run = read_run(write_run(tmp_path, records))
    text = traces(progress_figure(run, "trial"))["failed"]["text"][0]
    assert "<a" not in text
    assert "&lt;a" in text
