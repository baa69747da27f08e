from __future__ import annotations

import json

import pytest

from smbo_nas.benchmarks.comparison.findings import Comparison, verdict
from smbo_nas.benchmarks.protocol import TaskRuns
from smbo_nas.benchmarks.runner import SearchRun
from tests.smbo_nas.benchmarks.small import run, task_runs


def searches(method: str, regret: float, *, reached: int | None = None, seeds: int = 12) -> list[SearchRun]:
    return [run(method, seed, reached, regret=regret + seed / 100) for seed in range(seeds)]


def task(name: str, seeds: int = 12) -> TaskRuns:
    """`smbo-gp` solves it, `evolution` is better than random search, `ppo` is as good, `q-learning` worse."""
    mixed = [run("ppo", seed, None, regret=2.0 + seed / 100 + (-1) ** seed * 0.1) for seed in range(seeds)]
    runs = [
        *searches("smbo-gp", 1.0, reached=50, seeds=seeds), *searches("evolution", 1.0, seeds=seeds), *mixed,
        *searches("random", 2.0, seeds=seeds), *searches("q-learning", 3.0, seeds=seeds),
        *searches("smbo-gp-blind", 2.0, seeds=seeds),
    ]  # fmt: skip
    return task_runs(runs, name=name)


@pytest.fixture
def comparison() -> Comparison:
    return Comparison((task("first"), task("second")), 100, 12)


def test_methods_come_in_the_order_of_their_ranks_without_the_ablations(comparison: Comparison) -> None:
    assert comparison.methods[:2] == ("smbo-gp", "evolution")
    assert comparison.methods[-1] == "q-learning"
    assert "smbo-gp-blind" not in comparison.methods
    assert comparison.rankings["regret"].ranks[0] == 1.0  # type: ignore[union-attr]


def test_than_how_many_a_method_is_better_and_worse(comparison: Comparison) -> None:
    assert comparison.standing("first", "smbo-gp", "regret") == (4, 0)
    assert comparison.standing("first", "evolution", "regret") == (3, 1)
    assert comparison.standing("first", "random", "regret") == (1, 2)
    assert comparison.standing("first", "ppo", "regret") == (1, 2)
    assert comparison.standing("first", "q-learning", "regret") == (0, 4)
    assert comparison.standing("first", "smbo-gp", "cost") == (4, 0)
    assert comparison.standing("first", "evolution", "cost") == (0, 1)  # nobody else solves it


def test_honest_losers_are_named(comparison: Comparison) -> None:
    assert comparison.no_better_than_random == ("ppo", "q-learning")
    assert comparison.beside_random("q-learning") == {"first": "random", "second": "random"}
    assert comparison.beside_random("ppo") == {"first": None, "second": None}
    assert comparison.beside_random("random") == {}
    assert verdict(comparison) == (
        "With 100 trainings for each search, smbo-gp found the best networks: an average rank of 1.0 among 5 methods "
        "on 2 tasks. Soonest to find the very best one: smbo-gp (1.0). "
        "No better than random search on any of them, as far as can be told: ppo and q-learning."
    )


def test_where_a_method_is_no_better_is_said_too() -> None:
    other = task_runs([*searches("evolution", 2.0), *searches("random", 2.0)], name="other")
    mixed = Comparison((task("first"), other), 100, 12)
    assert mixed.sometimes_no_better == {"evolution": ("other",)}
    assert "not everywhere: evolution (not on other)." in verdict(mixed)


def test_few_searches_are_no_evidence() -> None:
    few = Comparison((task("first", seeds=3),), 100, 3)
    assert few.too_few
    assert few.standing("first", "smbo-gp", "regret") == (0, 0)
    assert verdict(few).endswith("no method can be told from random search.")
    assert "on one task" in verdict(few)


def test_against_random_search_fewer_seeds_do() -> None:
    """Eight differences of one sign have p = 1/128: enough for four comparisons with the control, not for ten pairs."""
    few = Comparison((task("first", seeds=8),), 100, 8)
    assert few.standing("first", "smbo-gp", "regret") == (0, 0)
    assert few.beside_random("smbo-gp") == {"first": "smbo-gp"}
    assert few.no_better_than_random == ("ppo", "q-learning")
    (smbo,) = [pair for pair in few.controls["first"] if pair.first == "smbo-gp"]
    assert smbo.p_holm == pytest.approx(4 / 128)


def test_a_method_that_has_only_begun_is_not_judged() -> None:
    begun = Comparison(
        (task_runs([*searches("evolution", 1.0), *searches("random", 2.0), run("tpe", 0, None)]),), 100, 12
    )
    assert begun.beside_random("evolution") == {"small": "evolution"}
    assert begun.beside_random("tpe") == {}
    assert (begun.no_better_than_random, begun.sometimes_no_better, begun.too_few) == ((), {}, False)


def test_one_method_alone() -> None:
    alone = Comparison((task_runs(searches("random", 1.0)),), 100, 12)
    assert alone.methods == ("random",)
    assert alone.no_better_than_random == ()
    assert not alone.too_few
    assert verdict(alone).startswith("With 100 trainings for each search, random found the best networks")


def test_nothing_was_run_yet() -> None:
    nothing = Comparison((task_runs([]),), 100, 12)
    assert (nothing.tasks, nothing.methods, nothing.effects) == ((), (), [])
    assert verdict(nothing) == "No method was run on every task yet."
    json.dumps(nothing.to_json({}), allow_nan=False)


def test_what_a_part_is_worth(comparison: Comparison) -> None:
    lost = [effect for effect in comparison.effects if effect.measure == "regret"]
    assert [(effect.ablation.part, effect.task) for effect in lost] == [
        ("predictor off", "first"),
        ("predictor off", "second"),
    ]
    assert lost[0].mean == pytest.approx(2.0 + 0.055)  # the mean of 0, 0.01, ..., 0.11 is 0.055
    assert lost[0].pair.p_holm == pytest.approx(2 * 2 / 2**12)  # two tests, both as small
    assert lost[0].pair.better == "smbo-gp"
    cost = [effect.mean for effect in comparison.effects if effect.measure == "cost"]
    assert cost == [50.0, 50.0]


def test_everything_is_json(comparison: Comparison) -> None:
    content = json.loads(json.dumps(comparison.to_json({"command": "c"}), allow_nan=False))
    assert content["command"] == "c"
    assert content["protocol"] == {"budget": 100, "seeds": 12, "starts": 10, "level": 0.05}
    assert content["rankings"]["regret"]["methods"][0] == "smbo-gp"
    first = content["tasks"]["first"]
    assert first["methods"]["smbo-gp"]["value"]["mean"] == 90.0
    assert len(first["pairs"]["regret"]) == 10  # of five methods
    assert content["ablations"][0]["ablation"]["without"] == "smbo-gp-blind"
