from __future__ import annotations

import numpy as np
import pytest

from predictors.curves.stability import rank_stability


def test_by_hand() -> None:
    curves = np.array([[1.0, 1.0, 1.0], [2.0, 3.0, 2.0], [3.0, 2.0, 3.0], [4.0, 4.0, 4.0]])
    found = rank_stability(curves)
    np.testing.assert_allclose(found.kendall, [1.0, 2 / 3, 1.0])  # one of six pairs is swapped
    np.testing.assert_allclose(found.spearman, [1.0, 0.8, 1.0])  # 1 - 6 * 2 / (4 * 15)
    assert found.first_step(1.0) == 3
    assert found.first_step(0.5) == 1
    assert found.first_step(1.1) is None


def test_constant_steps_order_nothing_and_gaps_are_left_out() -> None:
    curves = np.array([[0.5, np.nan, 1.0], [0.5, np.nan, 2.0], [0.5, 0.1, 3.0], [9.0, 9.0, np.nan]])
    found = rank_stability(curves)
    np.testing.assert_allclose(found.kendall, [0.0, np.nan, 1.0])
    np.testing.assert_allclose(found.spearman, [0.0, np.nan, 1.0])


def test_noise_that_fades_makes_order_stable() -> None:
    rng = np.random.default_rng(0)
    curves = rng.normal(size=(4000, 1)) + np.linspace(3, 0, 10) * rng.normal(size=(4000, 10))
    found = rank_stability(curves)
    assert (np.diff(found.spearman) > 0).all()
    # Of a normal signal of variance 1 and noise of variance 9: Pearson 1 / sqrt(10), Kendall 2 / pi * arcsin of that.
    assert found.kendall[0] == pytest.approx(2 / np.pi * np.arcsin(1 / np.sqrt(10)), abs=0.03)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match="`X` must hold at least two finished curves, but holds 1"):
        rank_stability([[1.0, 2.0], [1.0, np.nan]])
    with pytest.raises(ValueError, match=r"`X` must have shape"):
        rank_stability([1.0, 2.0])
