from __future__ import annotations

import optuna
import pytest

from smbo_nas.benchmarks.methods import OURS, PEERS
from smbo_nas.benchmarks.overhead import _before_refit, _interval, measure, space
from smbo_nas.samplers.smbo import refit_point


def test_the_space_has_twelve_parameters_of_five_choices() -> None:
    assert [len(choices) for choices in space().choices.values()] == [5] * 12


@pytest.mark.parametrize("size", [100, 500, 1000, 5000])
def test_a_refit_falls_among_the_trials_that_are_timed(size: int) -> None:
    begin = _before_refit(size, 10)
    timed = range(begin + 1, begin + 11)
    assert abs(begin - size) < 0.1 * size
    assert any(refit_point(n) == n for n in timed)
    assert any(refit_point(n) != n for n in timed)
    point = refit_point(size)
    assert refit_point(point + _interval(point)) == point + _interval(point)
    assert refit_point(point + _interval(point) - 1) == point


def test_every_sampler_is_timed_at_every_size() -> None:
    rows = list(measure({"random": PEERS["random"], "smbo-gp": OURS["smbo-gp"]}, (24, 40), trials=4))
    assert [(row["sampler"], row["trials"]) for row in rows] == [
        ("random", 24), ("smbo-gp", 24), ("random", 40), ("smbo-gp", 40),
    ]  # fmt: skip
    for row in rows:
        assert row["proposal_ms"] > 0
        assert row["first_seconds"] > 0
        assert row["peak_mb"] is None or row["peak_mb"] >= 0
    ours = rows[3]
    assert ours["refit_seconds"] is not None
    assert ours["with_refits_ms"] >= ours["proposal_ms"]


def test_a_slow_sampler_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smbo_nas.benchmarks.overhead.SLOW", -1.0)
    rows = list(measure({"random": lambda _, seed: optuna.samplers.RandomSampler(seed=seed)}, (20, 30), trials=2))
    assert [row["trials"] for row in rows] == [20]
