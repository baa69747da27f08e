from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import PermutationMethod, wilcoxon

from smbo_nas.benchmarks.statistics import best_peer, p_value, paired_test, regret_curve, spread, summarise
from tests.smbo_nas.benchmarks.small import run

OF = {"unit": "queries", "budget": 100, "at": (25, 100)}


def test_the_interval_is_students() -> None:
    """Sleep data of Student (1908), drug 1: mean 0.75, 95 % interval -0.53 to 2.03 (as R's t.test gives it)."""
    extra = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    found = spread(extra)
    assert found["mean"] == pytest.approx(0.75)
    assert found["interval_95"] == pytest.approx([-0.5297804, 2.0297804], abs=1e-6)
    assert found["median"] == pytest.approx(0.35)
    assert found["quartiles"] == pytest.approx([-0.175, 1.7])


def test_one_number_has_no_interval() -> None:
    assert spread([3.0]) == {"mean": 3.0, "interval_95": None, "median": 3.0, "quartiles": [3.0, 3.0]}
    with pytest.raises(ValueError, match="at least one number"):
        spread([])


def test_an_unsolved_search_counts_with_the_budget() -> None:
    found = summarise([run("tpe", 0, 40), run("tpe", 1, None), run("tpe", 2, 10)], **OF)
    assert found["share_solved"] == pytest.approx(2 / 3)
    assert found["queries_to_optimum"]["mean"] == 50.0
    assert found["queries_to_optimum"]["median"] == 40.0
    assert found["regret_at"]["25"]["mean"] == pytest.approx(2 / 3)
    assert found["regret_at"]["100"]["mean"] == pytest.approx(1 / 3)
    assert found["simulated_gpu_hours_at"] == {"25": 1.0}
    assert found["simulated_gpu_hours_to_optimum"]["mean"] == 2.0
    assert found["proposal_seconds_per_trial"]["mean"] == 0.25


def test_the_test_is_the_exact_one_on_pairs() -> None:
    """Six differences of one sign: 2 of the 2^6 signs are as extreme."""
    ours = [run("smbo", seed, 20 + seed) for seed in range(6)]
    theirs = [run("random", seed, 90 - 3 * seed) for seed in range(7)]  # the last one has no partner
    found = paired_test(ours, theirs, **OF)
    assert (found["pairs"], found["wins"], found["losses"]) == (6, 6, 0)
    assert found["p_queries_to_optimum"] == pytest.approx(2 / 2**6)
    assert found["p_regret_at"]["100"] == 1.0  # no difference at all


@pytest.mark.parametrize("n", [1, 4, 9, 30, 50, 60])
def test_p_values_are_scipys(n: int) -> None:
    """SciPy counts where no ranks are shared, up to 50 differences."""
    differences = np.random.default_rng(n).permutation(np.arange(1.0, n + 1)) * np.where(np.arange(n) % 3, 1, -1)
    found = p_value([(difference, 0.0) for difference in differences])
    assert found == pytest.approx(wilcoxon(differences).pvalue)


def test_p_values_with_shared_ranks_and_zeros() -> None:
    """Of +1, +1, +1, +2 and -1, and two pairs that do not differ: ranks 2.5, 2.5, 2.5, 5 and 2.5. Of the 32 signs, 5
    have a sum of at most 2.5, none or one of the four that share a rank; two-sided, 10 of 32."""
    found = p_value([(1, 0), (2, 1), (3, 2), (5, 3), (0, 1), (4, 4), (0, 0)])
    assert found == pytest.approx(10 / 32)
    differences = np.array([1.0, 1, 1, 2, -1])
    assert found == pytest.approx(wilcoxon(differences, method=PermutationMethod(n_resamples=np.inf)).pvalue)


def test_nothing_in_common_is_no_test() -> None:
    assert paired_test([run("smbo", 0, 9)], [run("tpe", 1, 9)], **OF)["p_queries_to_optimum"] is None


def test_the_best_peer_is_the_soonest_then_the_one_with_less_regret() -> None:
    runs = {
        "smbo": [run("smbo", 0, 5)],
        "tpe": [run("tpe", 0, None, regret=0.5)],
        "random": [run("random", 0, None, regret=0.7)],
        "weaknas": [run("weaknas", 0, 99)],
    }
    assert best_peer(runs, 100, besides="smbo") == "weaknas"
    assert best_peer(runs, 100, besides="weaknas") == "tpe"
    assert best_peer({"smbo": runs["smbo"]}, 100, besides="smbo") is None


def test_the_curve_of_a_run_steps_down() -> None:
    curve = regret_curve(run("smbo", 0, 3), np.arange(5))
    np.testing.assert_array_equal(curve, [np.nan, 1.0, 1.0, 0.0, 0.0])
