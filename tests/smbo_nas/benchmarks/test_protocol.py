"""The protocol on made-up searches, whose outcome is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from smbo_nas.benchmarks.protocol import TaskRuns, compared, ranking, telling
from smbo_nas.benchmarks.runner import SearchRun
from tests.smbo_nas.benchmarks.small import run, task_runs

SEEDS = range(12)


def searches(method: str, regret: float, reached: int | None = None) -> list[SearchRun]:
    """One search for each seed, a little worse with each."""
    return [run(method, seed, reached, regret=regret + seed / 100) for seed in SEEDS]


def test_a_known_winner_wins_every_pair_beyond_chance() -> None:
    task = task_runs([*searches("best", 0.1), *searches("middle", 1.0), *searches("worst", 2.0)])
    pairs = {(pair.first, pair.second): pair for pair in task.pairs("regret")}
    assert {pair.better for pair in pairs.values()} == {"best", "middle"}
    best = pairs["best", "worst"]
    assert (best.seeds, best.wins, best.losses) == (12, 12, 0)
    assert best.p == pytest.approx(2 / 2**12)  # two of the 2^12 signs are as extreme
    assert best.p_holm == pytest.approx(3 * 2 / 2**12)  # three pairs, and all as small
    assert ranking([task], "regret").methods == ("best", "middle", "worst")  # type: ignore[union-attr]


def test_the_same_numbers_are_no_difference() -> None:
    task = task_runs([*searches("a", 1.0), *searches("b", 1.0)])
    (pair,) = task.pairs("regret")
    assert (pair.wins, pair.losses, pair.p_holm, pair.better) == (0, 0, 1.0, None)
    assert ranking([task], "regret").ranks == (1.5, 1.5)  # type: ignore[union-attr]


def test_pairs_are_over_the_seeds_that_both_have() -> None:
    task = task_runs([*searches("a", 1.0), *searches("b", 2.0)[:5], *[run("c", seed, 9) for seed in (20, 21)]])
    pairs = {(pair.first, pair.second): pair.seeds for pair in task.pairs("regret")}
    assert pairs == {("a", "b"): 5}  # c has no seed in common with either
    assert task.summary("b")["seeds"] == 5


def test_one_method_has_no_pairs() -> None:
    task = task_runs(searches("alone", 1.0))
    assert task.pairs("regret") == []
    assert ranking([task], "regret").ranks == (1.0,)  # type: ignore[union-attr]
    assert telling([]) == []


def test_solved_searches_stay_at_their_best_and_unsolved_ones_spend_everything() -> None:
    task = task_runs([run("quick", 0, 20, regret=5.0), run("never", 0, None, regret=0.25)])
    assert task.losses("quick", "cost") == {0: 20.0}
    assert task.losses("never", "cost") == {0: 100.0}
    assert task.losses("quick", "regret") == {0: 0.0}
    assert task.losses("never", "regret") == {0: 0.25}
    summary = task.summary("quick")
    assert (summary["value"]["mean"], summary["share_solved"], summary["cost"]["mean"]) == (90.0, 1.0, 20.0)
    assert task.summary("never")["value"]["mean"] == 89.75


def test_a_search_without_any_value_lost_everything() -> None:
    task = task_runs([replace(run("nothing", 0, None), steps=())])
    assert task.losses("nothing", "regret") == {0: 90.0}


def test_equal_hours_are_those_that_every_search_lasted() -> None:
    """One spent its budget in 3 hours, at a regret of 2; by then the slower one had only its first value."""
    fast = replace(run("fast", 0, None), steps=((1, 4.0, 0.1), (50, 2.0, 1.0), (100, 2.0, 3.0)))
    slow = replace(run("slow", 0, None), steps=((1, 4.0, 0.1), (50, 1.0, 3.5), (100, 1.0, 7.0)))
    solved = replace(run("solved", 0, 10), steps=((1, 4.0, 0.1), (10, 0.0, 0.2)))
    task = task_runs([fast, slow, solved])
    assert task.hours == 3.0
    assert [task.losses(name, "regret_at_hours")[0] for name in ("fast", "slow", "solved")] == [2.0, 4.0, 0.0]
    assert task_runs([solved]).hours == 0.2
    stuck = replace(fast, method="stuck", spent=30, steps=((1, 4.0, 0.1), (30, 2.0, 0.5)))
    assert task_runs([fast, stuck]).hours == 3.0  # it ended because it repeats what is known, not for want of budget


def test_nothing_is_told_of_hours_that_are_not_known() -> None:
    task = task_runs([replace(run("a", 0, None), steps=((1, 4.0, None), (100, 4.0, None)))])
    assert task.hours is None
    assert task.losses("a", "regret_at_hours") == {}
    assert task.anytime("a", "hours") is None
    assert task.summary("a")["value_at_hours"] is None
    assert ranking([task], "regret_at_hours") is None


def test_the_anytime_curve_is_the_median_with_quartiles() -> None:
    """Regrets of 1, 2, 3, 4 and 5 until the search is solved after 50 of 100; the quartiles of five are the second and
    the fourth."""
    task = task_runs([run("a", seed, 50, regret=1.0 + seed) for seed in range(5)])
    found = task.anytime("a", "cost")
    assert found is not None
    assert (found.at[0], found.at[-1]) == (10.0, 100.0)
    before = found.at < 50
    np.testing.assert_array_equal(np.unique(found.median[before]), [3.0])
    np.testing.assert_array_equal(np.unique(found.low[before]), [2.0])
    np.testing.assert_array_equal(np.unique(found.high[before]), [4.0])
    assert not found.median[~before].any()
    hours = task.anytime("a", "hours")
    assert hours is not None
    assert (hours.at[-1], hours.median[-1]) == (2.0, 0.0)
    assert hours.at[0] >= 0.5  # nothing is told before every search has a value


def test_ranks_are_of_the_methods_that_all_tasks_have() -> None:
    first = task_runs([*searches("a", 1.0), *searches("b", 2.0), *searches("c", 3.0)], name="first")
    second = task_runs([*searches("a", 2.0), *searches("b", 1.0)], name="second")
    found = ranking([first, second], "regret")
    assert found is not None
    assert dict(zip(found.methods, found.ranks, strict=True)) == {"a": 1.5, "b": 1.5}
    assert ranking([first, task_runs(searches("d", 1.0))], "regret") is None


def test_too_few_seeds_tell_nothing() -> None:
    """Five differences of one sign have p = 1/16, six 1/32."""
    five, more = dict.fromkeys(range(5), 1.0), dict.fromkeys(range(6), 2.0)
    six = dict.fromkeys(range(6), 1.0)
    assert telling(compared([("a", "b", five, more)])) == []
    assert [pair.better for pair in telling(compared([("a", "b", six, more)]))] == ["a"]
    assert telling(compared([("a", "b", six, more), ("a", "c", six, more)])) == []
    eight, more = dict.fromkeys(range(8), 1.0), dict.fromkeys(range(8), 2.0)
    both = telling(compared([("a", "b", eight, more), ("a", "c", five, more)]))
    assert [(pair.first, pair.second) for pair in both] == [("a", "b")]


def test_what_is_there_of_some_methods_and_seeds() -> None:
    from smbo_nas.benchmarks.results import Measured

    class File:
        task = type("Task", (), {"name": "t", "epochs": 1, "optimum": 90.0})
        measured = Measured({}, "queries", 100, (100,))
        runs = [*searches("a", 1.0), *searches("b", 1.0)]  # noqa: RUF012

    found = TaskRuns.of(File, ["a", "never run"], range(3))  # type: ignore[arg-type]
    assert {name: list(own) for name, own in found.runs.items()} == {"a": [0, 1, 2]}
