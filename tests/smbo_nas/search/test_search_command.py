"""The command as a person uses it."""

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
import optuna
import pytest
import torch
from optuna.trial import TrialState
from typer.testing import CliRunner

from predictors.graph import ArchGraph
from smbo_nas import load_data, load_network
from smbo_nas.cli import app
from smbo_nas.resuming import begins, epochs_before, resumable, resumes
from smbo_nas.search import SearchSettings
from smbo_nas.search.study import JOURNAL, open_storage
from smbo_nas.training import evaluate

TRIALS, EPOCHS = 7, 4


def arguments(out: Path, data_path: Path, **changes: object) -> list[str]:
    options: dict[str, object] = {
        "out": out,
        "data": data_path,
        "trials": TRIALS,
        "epochs": EPOCHS,
        "size": "channels=4",
    }
    options |= changes
    return ["search", *(text for name, value in options.items() for text in (f"--{name}", str(value)))]


def search(out: Path, data_path: Path, **changes: object) -> Any:
    return CliRunner().invoke(app, arguments(out, data_path, **changes), catch_exceptions=False)


def start(out: Path, data: Path, **changes: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "smbo_nas", *arguments(out, data, **changes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def trials_of(out: Path) -> list[optuna.trial.FrozenTrial]:
    storage = open_storage(SearchSettings(out=out))
    return optuna.load_study(study_name="smbo-nas", storage=storage).trials


def what_was_done(out: Path) -> list[tuple[object, ...]]:
    return [(t.number, t.state, t.params, t.value, t.intermediate_values) for t in trials_of(out)]


def networks(trials: list[optuna.trial.FrozenTrial]) -> list[optuna.trial.FrozenTrial]:
    """The trials that began a network's training instead of continuing one."""
    return [t for t in trials if resumes(t) is None]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    """A whole search, in this process."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    result = search(out, tiny_data)
    assert result.exit_code == 0, result.output
    return out


def test_the_summary_adds_up(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text())
    trials = trials_of(finished)
    assert summary["trials"] == TRIALS == len(trials)
    assert summary["complete"] + summary["pruned"] + summary["failed"] == TRIALS
    again = sum(epochs_before(t, trials) for t in trials)
    assert summary["epochs_trained"] == sum(len(t.intermediate_values) for t in trials) - again
    assert summary["epochs_if_never_stopped"] == len(networks(trials)) * EPOCHS
    values = {t.number: t.value for t in trials if t.state == TrialState.COMPLETE}
    assert summary["best_value"] == max(values.values()) == values[summary["best_trial"]]
    assert summary["best_params"] == trials[summary["best_trial"]].params
    assert 0 < summary["sampler_seconds"] < summary["seconds"]
    assert summary["versions"]["torch"] == torch.__version__


def test_the_best_network_can_be_loaded_and_scores_what_was_said(finished: Path, tiny_data: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text())
    data = load_data(str(tiny_data), seed=0)
    network = load_network(finished / "best")
    assert evaluate(network, data.validation).accuracy == pytest.approx(summary["best_value"])
    assert evaluate(network, data.test).accuracy == pytest.approx(summary["test_value"])
    described = json.loads((finished / "best" / "architecture.json").read_text())
    assert described["params"] == summary["best_params"]
    assert described["metadata"]["data"] == data.name


def test_candidates_tell_everything_about_every_trial(finished: Path) -> None:
    rows = [json.loads(line) for line in (finished / "candidates.jsonl").read_text().splitlines()]
    assert [row["number"] for row in rows] == list(range(TRIALS))
    for row, trial in zip(rows, trials_of(finished), strict=True):
        assert row["params"] == trial.params
        assert ArchGraph.from_dict(row["graph"]).digest == row["digest"]
        assert dict(map(tuple, row["curve"])) == trial.intermediate_values
        assert row["parameters"] > 0
        assert row["flops"] > 0
        stopped = row["state"] == "PRUNED"
        assert (row["stop_probability"] is not None) == (row["final_std"] is not None) == stopped
        assert not stopped or "P(final >" in row["reason"]
    assert len({row["digest"] for row in rows}) == len(networks(trials_of(finished)))


def test_the_report_is_there_and_only_the_best_checkpoint(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text())
    assert "<html" in (finished / "report.html").read_text()
    kept = [p.parent.name for p in (finished / "trials").glob("*/checkpoint.safetensors")]
    assert kept == [str(summary["best_trial"])]


def test_stopped_trainings_keep_their_checkpoints_where_they_may_go_on(tmp_path: Path, tiny_data: Path) -> None:
    command = [*arguments(tmp_path / "out", tiny_data, trials=9, risk=0.6), "--thaw"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    trials = trials_of(tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    best = summary["best_trial"]
    assert sum(begins(t, trials) for t in trials) == summary["networks"] == 9 <= summary["trials"] == len(trials)
    assert f"Of {summary['networks']} networks" in result.output
    kept = {p.parent.name for p in (tmp_path / "out" / "trials").glob("*/checkpoint.safetensors")}
    assert kept == {str(best), *(str(t.number) for t in resumable(trials))}
    assert len(kept) > 1


def test_the_same_command_again_trains_nothing(finished: Path, tiny_data: Path) -> None:
    before = what_was_done(finished)
    result = search(finished, tiny_data)
    assert result.exit_code == 0
    assert f"{TRIALS} trials are finished" in result.output
    assert what_was_done(finished) == before


def test_another_search_in_the_same_folder_is_refused(finished: Path, tiny_data: Path) -> None:
    files = {p: p.read_bytes() for p in finished.rglob("*") if p.is_file() and p.name != ".lock"}
    result = search(finished, tiny_data, epochs=5)
    assert result.exit_code == 2
    assert "was made with epochs 4, but now epochs is 5" in result.output
    assert {p: p.read_bytes() for p in finished.rglob("*") if p.is_file() and p.name != ".lock"} == files


def test_report_command(finished: Path, tmp_path: Path) -> None:
    (finished / "report.html").unlink()
    result = CliRunner().invoke(app, ["report", str(finished)])
    assert result.exit_code == 0
    assert (finished / "report.html").exists()
    nothing = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert nothing.exit_code == 2
    assert "summary.json" in nothing.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": "nasbench301"}, "unknown space 'nasbench301'; it must be one of nasbench201"),
        ({"data": "cifar11"}, "cifar11"),
        ({"trials": 0}, "`trials` must be at least 1, but got 0"),
        ({"epochs": -3}, "`epochs` must be at least 1, but got -3"),
        ({"sampler": "grid"}, "`sampler` must be one of smbo, bananas, pnas, nao, "),
        ({"size": "channels"}, "`size` must be name=value, but got 'channels'"),
        ({"size": "channels=many"}, "`size` must be name=number"),
        ({"training": "epochs=3"}, "`training` must not set epochs"),
        ({"training": "momentum=2"}, "`momentum` must be in [0, 1), but got 2"),
        ({"training": "optimizer=adam"}, "Training has no setting 'optimizer'"),
        ({"size": "depth=3"}, "depth"),
        ({"device": "cuda:99"}, "cuda"),
        ({"storage": "nonsense://"}, "`storage` 'nonsense://' cannot be opened"),
        ({"space": "tests.smbo_nas.search.test_search_command:UNKNOWN_OPERATION"}, "unknown operation 'warp_drive'"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    tmp_path: Path, tiny_data: Path, change: dict[str, object], message: str
) -> None:
    out = tmp_path / "run"
    result = search(out, tiny_data, **change)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not out.exists()


def npz(path: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    np.savez(path, images=images, labels=labels)
    return path


def test_bad_data_is_one_line_and_changes_nothing(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((60, 8, 8)).astype(np.float32)
    (tmp_path / "empty").mkdir()
    bad = {
        tmp_path / "empty": "empty",
        npz(tmp_path / "short.npz", images, np.arange(59) % 3): "59",
        npz(tmp_path / "one.npz", images, np.zeros(60, dtype=int)): "class",
        npz(tmp_path / "nan.npz", images * np.nan, np.arange(60) % 3): "NaN",
    }
    for path, message in bad.items():
        result = search(tmp_path / "run", path)
        assert result.exit_code == 2
        assert message in result.output
        assert len(result.output.strip().splitlines()) == 1
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("space", ["nasbench101", "darts", "pnas", "chain", "genet", "dppnet", "mnasnet", "blockqnn"])
def test_every_space_can_be_searched(tmp_path: Path, tiny_data: Path, space: str) -> None:
    result = search(tmp_path / "run", tiny_data, space=space, trials=2, epochs=1)
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["complete"] == 2
    assert load_network(tmp_path / "run" / "best")(torch.zeros(1, 1, 8, 8)).shape == (1, 3)


def test_a_database_may_hold_the_study(tmp_path: Path, tiny_data: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    for trials in (1, 2):
        result = search(tmp_path / "run", tiny_data, trials=trials, epochs=1, storage=url, study="mine")
        assert result.exit_code == 0, result.output
    study = optuna.load_study(storage=url, study_name="mine")
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2
    assert not (tmp_path / "run" / JOURNAL).exists()


def unknown_operation() -> object:
    from smbo_nas import CellSpace

    return CellSpace(nodes=2, ops=("warp_drive",), name="warp")


UNKNOWN_OPERATION = unknown_operation


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path, tiny_data: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    result = search(tmp_path, tiny_data)
    assert result.exit_code == 2
    assert "holds other files" in result.output
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_trial_that_crashes_is_recorded_and_the_search_goes_on(
    tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smbo_nas.training import TrainingObjective

    train = TrainingObjective.__call__

    def crash_sometimes(self: TrainingObjective, trial: optuna.Trial) -> float:
        if trial.number == 1:
            self.space.suggest(trial)
            raise RuntimeError("out of memory")
        return train(self, trial)

    monkeypatch.setattr(TrainingObjective, "__call__", crash_sometimes)
    result = search(tmp_path / "run", tiny_data, trials=3)
    assert result.exit_code == 0
    assert "RuntimeError: out of memory" in result.output
    rows = [json.loads(line) for line in (tmp_path / "run" / "candidates.jsonl").read_text().splitlines()]
    assert [row["state"] for row in rows][1] == "FAIL"
    assert rows[1]["reason"] == "RuntimeError: out of memory"
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["failed"] == 1


def test_a_search_whose_every_trial_crashes_still_ends_with_results(
    tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smbo_nas.training import TrainingObjective

    def crash(self: TrainingObjective, trial: optuna.Trial) -> float:
        raise RuntimeError("no such driver")

    monkeypatch.setattr(TrainingObjective, "__call__", crash)
    assert search(tmp_path / "run", tiny_data, trials=2).exit_code == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["failed"], summary["best_value"]) == (2, None)


def test_training_that_diverges_fails_its_trial_with_a_reason(tmp_path: Path, tiny_data: Path) -> None:
    result = search(tmp_path / "run", tiny_data, trials=2, **{"learning-rate": 1e30})
    assert result.exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "run" / "candidates.jsonl").read_text().splitlines()]
    assert all(row["state"] == "FAIL" and "diverged in epoch" in row["reason"] for row in rows)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["best_value"] is None
    assert (tmp_path / "run" / "report.html").exists()


def wait_for_reports(out: Path, process: subprocess.Popen[str], reports: int, timeout: float = 120.0) -> None:
    """Returns once the journal holds so many reported epochs (operation code 6 is Optuna's)."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        journal = out / JOURNAL
        if journal.exists() and journal.read_bytes().count(b'"intermediate_value"') >= reports:
            return
        time.sleep(0.01)
    raise AssertionError(f"the search ended or hung before {reports} epochs were reported")


def test_a_killed_search_goes_on_as_if_nothing_had_happened(tmp_path: Path, tiny_data: Path, finished: Path) -> None:
    out = tmp_path / "killed"
    process = start(out, tiny_data)
    wait_for_reports(out, process, reports=6)
    process.kill()
    process.wait()
    assert not (out / "summary.json").exists()
    assert sum(t.state == TrialState.RUNNING for t in trials_of(out)) <= 1
    result = search(out, tiny_data)
    assert result.exit_code == 0, result.output
    assert what_was_done(out) == what_was_done(finished)


def test_ctrl_c_keeps_the_trial_and_writes_what_there_is(tmp_path: Path, tiny_data: Path, finished: Path) -> None:
    out = tmp_path / "interrupted"
    process = start(out, tiny_data)
    wait_for_reports(out, process, reports=3)  # early: the rest takes seconds
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "goes on where this stopped" in output
    assert "Traceback" not in output
    assert (out / "summary.json").exists()
    assert (out / "report.html").exists()
    assert search(out, tiny_data).exit_code == 0
    assert what_was_done(out) == what_was_done(finished)


def test_two_workers_share_the_trials(tmp_path: Path, tiny_data: Path) -> None:
    out = tmp_path / "two"
    process = start(out, tiny_data, workers=2)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    trials = trials_of(out)
    assert [t.number for t in trials] == list(range(TRIALS))
    assert all(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in trials)
    rows = [json.loads(line) for line in (out / "candidates.jsonl").read_text().splitlines()]
    assert len({row["digest"] for row in rows}) == TRIALS


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


def is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and ") Z " not in state.read_text()


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_workers_of_a_killed_search_die_too_and_nothing_is_lost_or_doubled(tmp_path: Path, tiny_data: Path) -> None:
    out = tmp_path / "killed"
    process = start(out, tiny_data, workers=2)
    wait_for_reports(out, process, reports=3)
    workers = children_of(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline, "workers live on without their parent"
        time.sleep(0.05)
    assert search(out, tiny_data).exit_code == 0
    trials = trials_of(out)
    assert [t.number for t in trials] == list(range(TRIALS))
    assert all(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in trials)
    assert all(sorted(t.intermediate_values) == list(range(1, len(t.intermediate_values) + 1)) for t in trials)
    rows = [json.loads(line) for line in (out / "candidates.jsonl").read_text().splitlines()]
    assert len({row["digest"] for row in rows}) == TRIALS


def test_a_folder_in_use_is_refused(tmp_path: Path, tiny_data: Path) -> None:
    from filelock import FileLock

    out = tmp_path / "busy"
    out.mkdir()
    with FileLock(out / ".lock"):
        result = search(out, tiny_data)
    assert result.exit_code == 2
    assert "in use by another search" in result.output


def test_time_out_stops_between_epochs_and_goes_on_later(tmp_path: Path, tiny_data: Path, finished: Path) -> None:
    out = tmp_path / "short"
    result = search(out, tiny_data, timeout=0.5)
    assert result.exit_code == 0
    assert "out of time" in result.output
    assert sum(t.state.is_finished() for t in trials_of(out)) < TRIALS
    assert search(out, tiny_data).exit_code == 0
    assert what_was_done(out) == what_was_done(finished)


@pytest.mark.slow
@pytest.mark.parametrize("reports", [1, 2, 3, 5, 8, 11, 14])
def test_killed_again_and_again(tmp_path: Path, tiny_data: Path, finished: Path, reports: int) -> None:
    out = tmp_path / "killed"
    for extra in (0, 3):
        process = start(out, tiny_data)
        wait_for_reports(out, process, reports=reports + extra)
        time.sleep((os.getpid() * reports) % 7 / 50)
        process.kill()
        process.wait()
    assert search(out, tiny_data).exit_code == 0
    assert what_was_done(out) == what_was_done(finished)
