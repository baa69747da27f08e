from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from predictors.curves.last_value import LastValueCurvePredictor
from predictors.curves.stability import rank_stability
from tests.predictors.curves.synthetic import saturating


def walks(n_curves: int, n_steps: int = 20, seed: int = 0) -> np.ndarray:
    """Random walks: their last value is the best prediction there is, off by the square root of the steps left."""
    return np.random.default_rng(seed).normal(size=(n_curves, n_steps)).cumsum(axis=1)


def test_on_random_walks_the_spread_is_the_square_root_of_the_steps_left() -> None:
    curves = walks(4000)
    model = LastValueCurvePredictor().fit(curves[:2000])
    for n in (2, 10, 19):
        begun = curves[2000:, :n]
        distribution = model.predictive(begun)
        np.testing.assert_array_equal(distribution.loc[:, 0], begun[:, -1])
        low, high = model.quantiles(begun[:1] - begun[:1, -1:], [0.1, 0.9])[0]
        assert (low, high) == pytest.approx((-1.28 * np.sqrt(20 - n), 1.28 * np.sqrt(20 - n)), rel=0.1)
        u = distribution.cdf(curves[2000:, -1])
        assert np.mean(np.abs(u - 0.5) < 0.4) == pytest.approx(0.8, abs=0.05)


def test_it_ranks_as_the_stability_says() -> None:
    curves = saturating(np.random.default_rng(0), 100, 20)
    model = LastValueCurvePredictor().fit(curves[:5])
    swapped = np.argsort(np.argsort(model.predict(curves[:, :4])))
    d = swapped - np.argsort(np.argsort(curves[:, -1]))
    assert 1 - 6 * (d**2).sum() / (100 * 9999) == pytest.approx(rank_stability(curves).spearman[3])


def test_an_unseen_curve_gets_what_the_finished_ones_reached_or_the_prior() -> None:
    curves = 3.0 + 2.0 * np.random.default_rng(0).normal(size=(2000, 5))
    model = LastValueCurvePredictor().fit(curves)
    unseen = np.full((1, 1), np.nan)
    mean, std = model.predict(unseen, return_std=True)
    assert (mean[0], std[0]) == pytest.approx((3.0, 2.0), rel=0.1)
    mean, std = model.predict(unseen, prior=(7.0, 0.5), return_std=True)
    assert (mean[0], std[0]) == pytest.approx((7.0, 0.5))


@pytest.mark.parametrize("n_finished", [0, 100])
def test_knowledge_from_elsewhere_moves_the_last_step_only(n_finished: int) -> None:
    curves = walks(101)
    model = LastValueCurvePredictor(horizon=20).fit(curves[:n_finished])
    begun = curves[100:, :10]
    alone, std = model.predict(begun, return_std=True)
    told, told_std = model.predict(begun, return_std=True, prior=(alone + std, std))
    assert alone < told < alone + std
    assert told_std < std
    np.testing.assert_array_equal(model.predict(begun, at=15, prior=(50.0, 0.1)), model.predict(begun, at=15))


def test_what_was_observed_is_known() -> None:
    model = LastValueCurvePredictor().fit(walks(10))
    mean, std = model.predict(walks(3, 8), at=5, return_std=True)
    np.testing.assert_array_equal(mean, walks(3, 8)[:, 4])
    assert not std.any()


@pytest.mark.parametrize("n_finished", [0, 1, 2, 30])
@pytest.mark.parametrize("begun", [[0.5, np.nan, 0.7], [np.inf, -np.inf], [0.0], [0.5] * 3, [1e12, -3e12], [np.nan]])
def test_bad_curves_get_finite_predictions(begun: list[float], n_finished: int) -> None:
    for finished in (walks(30)[:n_finished], np.full((n_finished, 20), 0.5), np.zeros((n_finished, 20))):
        model = LastValueCurvePredictor(horizon=20).fit(finished)
        for prior in (None, (0.5, 0.1)):
            mean, std = model.predict([begun], return_std=True, prior=prior)
            assert np.isfinite([mean, std]).all()
            assert std[0] > 0


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match=r"`horizon` must be at least 1, but got 0"):
        LastValueCurvePredictor(horizon=0).fit(walks(3))
    with pytest.raises(ValueError, match=r"`X` must have at most 10 steps"):
        LastValueCurvePredictor(horizon=10).fit(walks(3))
    with pytest.raises(ValueError, match=r"`prior` must be"):
        LastValueCurvePredictor().fit(walks(3)).predict(walks(1), prior=(0.5, 0.0))
    assert clone(LastValueCurvePredictor(horizon=7)).get_params() == {"horizon": 7}
