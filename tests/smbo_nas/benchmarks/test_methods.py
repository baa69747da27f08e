from __future__ import annotations

import pytest
from optuna.pruners import HyperbandPruner, NopPruner
from optuna.samplers import TPESampler

from smbo_nas import CurvePruner, SMBOSampler
from smbo_nas.benchmarks.methods import OURS, PEERS, STARTS, STRATEGIES, check, is_peer, make, split
from smbo_nas.benchmarks.runner import run_search
from smbo_nas.samplers import NAOSampler, PNASSampler
from tests.smbo_nas.benchmarks.small import SPACE, task


def test_a_method_is_a_sampler_and_perhaps_a_pruner() -> None:
    assert split("smbo+curve+thaw") == ("smbo+thaw", "curve")
    assert split("tpe") == ("tpe", None)
    sampler, pruner = make("smbo-gp+curve+thaw", SPACE, 0, 30)
    assert isinstance(sampler, SMBOSampler)
    assert isinstance(pruner, CurvePruner)
    sampler, pruner = make("tpe+hyperband", SPACE, 0, 30)
    assert isinstance(sampler, TPESampler)
    assert isinstance(pruner, HyperbandPruner)
    assert isinstance(make("tpe", SPACE, 0, 1)[1], NopPruner)
    assert isinstance(make("pnas", SPACE, 0, 1)[0], PNASSampler)
    assert isinstance(make("nao", SPACE, 0, 1)[0], NAOSampler)


@pytest.mark.parametrize("method", ["smbo", "smbo-gp", "bananas", "tpe", "gp", "random", *STRATEGIES])
def test_every_method_searches(method: str) -> None:
    run = run_search(task(tolerance=-1.0), method, 0, budget=STARTS + 1)
    assert (run.spent, run.trials) == (STARTS + 1, STARTS + 1)
    assert run.proposal_seconds is not None


@pytest.mark.parametrize(
    "method", ["nonsense", "tpe+nonsense", "tpe+thaw", "tpe+median+curve", "tpe+median+median", ""]
)
def test_what_is_not_known_is_refused_with_what_is(method: str) -> None:
    with pytest.raises(ValueError, match=r"`methods` must be of smbo, .*tpe.*\+halving, but got"):
        check([method], curves=True)


def test_every_known_method_is_accepted_once() -> None:
    names = [*OURS, *PEERS]
    assert check(names * 2, curves=True) == names
    assert [name for name in names if is_peer(name)] == list(PEERS)
    assert is_peer("tpe+median")


def test_nothing_is_stopped_where_there_are_no_curves() -> None:
    for method in ("tpe+median", "smbo+thaw"):
        with pytest.raises(ValueError, match="must not stop trainings where there are no curves"):
            check([method], curves=False)
