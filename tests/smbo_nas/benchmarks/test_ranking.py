"""Against the worked example of Demsar (JMLR 2006, sec. 3.2.2 and table 6): four classifiers on 14 data sets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from smbo_nas.benchmarks.ranking import critical_difference, friedman, holm, rank
from smbo_nas.benchmarks.statistics import p_value

CLASSIFIERS = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
RANKS = np.array(
    [
        [4, 3, 2, 1], [1, 2, 3, 4], [4, 1, 2, 3], [4, 1, 3, 2], [4, 2, 3, 1], [1, 2.5, 4, 2.5], [3, 2, 4, 1],
        [2.5, 2.5, 4, 1], [4, 3, 2, 1], [2.5, 2.5, 2.5, 2.5], [4, 2.5, 1, 2.5], [3, 2, 4, 1], [4, 1, 2, 3],
        [3, 1, 4, 2],
    ]
)  # fmt: skip
"""Table 6, the ranks in parentheses."""


def test_average_ranks_and_the_order_of_the_example() -> None:
    found = rank(CLASSIFIERS, RANKS)
    assert found.methods == ("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")
    assert found.ranks == pytest.approx((1.964, 2.000, 2.893, 3.143), abs=5e-4)
    assert found.data_sets == 14


def test_the_friedman_test_of_the_example() -> None:
    """Demsar: F = 3.69 with 3 and 39 degrees of freedom; the critical value at 0.05 is 2.85."""
    found = rank(CLASSIFIERS, RANKS)
    assert found.p == pytest.approx(0.0198, abs=5e-4)
    assert friedman(np.array([1.964, 2.000, 2.893, 3.143]), 14) == pytest.approx(found.p, abs=2e-4)


def test_the_critical_difference_of_the_example() -> None:
    """Demsar: 1.25 at 0.05 and 1.12 at 0.10; "C4.5 and C4.5+m+cf" differ by 1.18 and so only at 0.10."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=0.005)
    assert rank(CLASSIFIERS, RANKS).groups == ((0, 3),)


@pytest.mark.parametrize(
    ("alpha", "values"),
    [
        (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_the_critical_values_of_table_5(alpha: float, values: list[float]) -> None:
    for k, q in enumerate(values, start=2):
        assert critical_difference(k, 10, alpha) == pytest.approx(q * np.sqrt(k * (k + 1) / 60), abs=2e-3)


def test_holm_as_in_the_example() -> None:
    """Demsar, sec. 3.2.2: p-values of 0.016, 0.019 and 0.607 are compared with 0.017, 0.025 and 0.05: two rejected."""
    assert holm([0.607, 0.016, 0.019]) == pytest.approx([0.607, 0.048, 0.048])
    assert [p < 0.05 for p in holm([0.607, 0.016, 0.019])] == [False, True, True]
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_wilcoxon_as_in_table_2() -> None:
    """C4.5 against C4.5+m: the smaller sum of ranks is 12, below the critical value of 21 for 14 data sets at 0.05."""
    without = [0.763, 0.599, 0.954, 0.628, 0.882, 0.936, 0.661, 0.583, 0.775, 1.000, 0.940, 0.619, 0.972, 0.957]
    pruned = [0.768, 0.591, 0.971, 0.661, 0.888, 0.931, 0.668, 0.583, 0.838, 1.000, 0.962, 0.666, 0.981, 0.978]
    differences = np.array(pruned) - np.array(without)
    assert rankdata(np.abs(differences.round(4)))[differences < 0].sum() + 1.5 == 12.0  # zeros are shared out
    p = p_value(list(zip(without, pruned, strict=True)))
    assert p is not None
    assert 0.005 < p < 0.05


def test_what_differs_by_more_is_in_no_group() -> None:
    losses = np.tile([1.0, 2.0, 3.0, 4.0], (200, 1))
    found = rank(["a", "b", "c", "d"], losses)
    assert (found.p, found.groups) == (0.0, ())
    assert found.ranks == (1.0, 2.0, 3.0, 4.0)


def test_groups_are_the_largest_and_overlap() -> None:
    """With 20 data sets, the critical difference of three methods is 0.74: neighbours at 0.6 are joined, ends not."""
    first, second = [[1, 2, 3]] * 8, [[1.5, 1.5, 3], [1, 2.5, 2.5]] * 6
    found = rank(["a", "b", "c"], np.array([*first, *second]))
    assert found.critical_difference == pytest.approx(0.741, abs=1e-3)
    assert found.groups == ()
    close = rank(["a", "b", "c"], np.array([*first, *second, *[[3, 2, 1]] * 4]))
    assert close.groups == ((0, 1), (1, 2))


def test_equal_methods_share_their_rank() -> None:
    found = rank(["a", "b", "c"], np.zeros((5, 3)))
    assert found.ranks == (2.0, 2.0, 2.0)
    assert found.p == pytest.approx(1.0)
    assert found.groups == ((0, 2),)


def test_one_method_or_one_data_set_is_no_test() -> None:
    for found in (rank(["a"], np.array([[1.0], [2.0]])), rank(["a", "b"], np.array([[2.0, 1.0]]))):
        assert (found.p, found.critical_difference, found.groups) == (None, None, ())


@pytest.mark.parametrize("losses", [np.zeros((0, 2)), np.zeros((3, 1)), np.array([[1.0, np.nan]]), np.zeros(2)])
def test_what_cannot_be_ranked_is_refused(losses: np.ndarray) -> None:
    with pytest.raises(ValueError, match="`losses` must be finite"):
        rank(["a", "b"], losses)
