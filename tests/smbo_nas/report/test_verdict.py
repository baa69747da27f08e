from __future__ import annotations

from pathlib import Path
from typing import Any

from smbo_nas.report.reader import read_run
from smbo_nas.report.verdict import tiles, verdict
from tests.smbo_nas.report.synthetic import synthetic_records, write_run


def said(path: Path) -> str:
    return verdict(read_run(path)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_verdict_is_one_sentence_that_a_person_understands(tmp_path: Path) -> None:
    numbers: dict[str, Any] = {
        "best_value": 0.986, "test_value": 0.9812, "best_parameters": 130_000,
        "epochs_trained": 171, "epochs_if_never_stopped": 288, "seconds": 192.0,
    }  # fmt: skip
    assert said(write_run(tmp_path, best_trial=17, **numbers)) == (
        "Of 24 networks, trial 17 is best: 98.6 % validation, 98.1 % test accuracy, 0.13 M weights, "
        "found with 171 of 288 epochs (41 % saved) in 3 min 12 s."
    )


def test_other_metrics_and_missing_numbers(tmp_path: Path) -> None:
    numbers: dict[str, Any] = {
        "best_trial": 0, "best_value": 0.25, "test_value": 0.3, "best_parameters": None,
        "epochs_trained": 12, "epochs_if_never_stopped": 12, "seconds": 5.0,
    }  # fmt: skip
    path = write_run(tmp_path, synthetic_records()[:1], metric="validation loss", direction="minimize", **numbers)
    assert said(path) == (
        "Of 1 network, trial 0 is best: validation loss 0.25, 0.3 on the test split, "
        "found with 12 of 12 epochs in 5.0 s."
    )
    path = write_run(tmp_path, synthetic_records()[:1], **numbers | {"test_value": None})
    assert "trial 0 is best: 25.0 % validation accuracy, found" in said(path)


def test_a_run_without_a_complete_trial_says_so(tmp_path: Path) -> None:
    records = [r for r in synthetic_records() if r["state"] == "FAIL"]
    path = write_run(tmp_path, records, seconds=20.0)
    assert said(path) == (
        "No network is trained to the end yet: 1 trial started (0 stopped early, 1 failed) after 2 epochs in 20 s."
    )
    assert [label for label, _ in tiles(read_run(path))] == ["epochs trained", "time"]
    assert said(write_run(tmp_path, [])) == "No network is trained to the end yet: no trial was started."
