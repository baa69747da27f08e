from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from smbo_nas.search import SearchSettings, StudyConflictError
from smbo_nas.search.study import JOURNAL, StudyError, open_study, repair_journal
from smbo_nas.spaces import get_space


def settings(out: Path, **changes: object) -> SearchSettings:
    return SearchSettings(out=out, **changes)  # type: ignore[arg-type]


def test_the_same_search_opens_the_same_study(tmp_path: Path) -> None:
    space = get_space("nasbench201")
    first = open_study(settings(tmp_path), space)
    trial = first.ask()
    again = open_study(settings(tmp_path, trials=99), space)
    assert [t.number for t in again.trials] == [trial.number]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": "darts"}, "made with space 'nasbench201', but now space is 'darts'"),
        ({"epochs": 7}, "made with epochs 12, but now epochs is 7"),
        ({"data": "mnist5k"}, "made with data 'digits'"),
        ({"seed": 1}, "made with seed 0"),
    ],
)
def test_another_search_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    open_study(settings(tmp_path), get_space("nasbench201"))
    before = (tmp_path / JOURNAL).read_bytes()
    with pytest.raises(StudyConflictError, match=message):
        open_study(settings(tmp_path, **change), get_space(str(change.get("space", "nasbench201"))))
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_a_study_of_something_else_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    optuna.create_study(storage=url, study_name="mine").optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(StudyConflictError, match="'mine' in this storage was not made by"):
        open_study(settings(tmp_path, storage=url, study="mine"), get_space("nasbench201"))


def test_a_storage_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`storage` 'nonsense://x' cannot be opened"):
        open_study(settings(tmp_path, storage="nonsense://x"), get_space("nasbench201"))


def test_a_journal_that_a_killed_process_left_is_repaired(tmp_path: Path) -> None:
    space = get_space("nasbench201")
    study = open_study(settings(tmp_path), space)
    trial = study.ask()
    trial.report(0.5, 1)
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(b'{"op_code": 6, "half a li')
    (tmp_path / f"{JOURNAL}.lock").touch()  # would block the next writer for half a minute
    repair_journal(tmp_path)
    again = open_study(settings(tmp_path), space)
    again.tell(trial.number, 0.5)
    fresh = open_study(settings(tmp_path), space)
    assert fresh.trials[0].value == 0.5
    assert fresh.trials[0].intermediate_values == {1: 0.5}


def test_a_search_may_start_from_another_study_of_its_storage(tmp_path: Path) -> None:
    space, url = get_space("nasbench201"), f"sqlite:///{tmp_path}/shared.db"
    sampler = optuna.samplers.RandomSampler(seed=0)
    other = optuna.create_study(storage=url, study_name="other", direction="maximize", sampler=sampler)
    other.optimize(lambda t: space.suggest(t).graph.ops.count("nor_conv_3x3"), n_trials=30)
    study = open_study(settings(tmp_path / "out", storage=url, warm_start="other"), space)
    proposed = space.suggest(study.ask())
    assert proposed.graph.ops.count("nor_conv_3x3") >= 3


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("nothing", "`warm_start` must be a file, a folder or another study in `storage`, but there is no 'nothing'"),
        ("smbo-nas", "there is no 'smbo-nas'"),
        (".", "must hold predictor.safetensors or candidates.jsonl"),
    ],
)
def test_what_a_search_cannot_start_from_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=message):
        open_study(settings(tmp_path, warm_start=start), get_space("nasbench201"))
