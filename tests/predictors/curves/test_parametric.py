from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from predictors.curves import ParametricCurvePredictor
from tests.predictors.curves.synthetic import cosine, saturating

GENERATORS = [saturating, cosine]


def finished(n_curves: int = 30, n_steps: int = 20, seed: int = 0) -> np.ndarray:
    return saturating(np.random.default_rng(seed), n_curves, n_steps)


@pytest.mark.parametrize("generate", GENERATORS)
@pytest.mark.parametrize(("n_curves", "tolerance"), [(5, 0.2), (20, 0.12), (100, 0.08)])
def test_the_predictive_is_calibrated(generate, n_curves: int, tolerance: float) -> None:
    ranks = []
    for seed in range(6):
        curves = generate(np.random.default_rng(seed), n_curves + 100, 20)
        model = ParametricCurvePredictor().fit(curves[:n_curves])
        for n_seen in (3, 6, 12):
            final = curves[n_curves:, -1]
            ranks.append(model.predictive(curves[n_curves:, :n_seen]).cdf(final))
    u = np.concatenate(ranks)
    for level in (0.5, 0.8, 0.95):
        assert np.mean(np.abs(u - 0.5) < level / 2) == pytest.approx(level, abs=tolerance)


@pytest.mark.parametrize("generate", GENERATORS)
def test_beats_the_last_value_and_learns_from_more_curves(generate) -> None:
    curves = generate(np.random.default_rng(1), 300, 20)
    begun, final = curves[100:, :6], curves[100:, -1]
    error = {n: np.abs(ParametricCurvePredictor().fit(curves[:n]).predict(begun) - final).mean() for n in (5, 100)}
    assert error[100] < 0.2 * np.abs(begun[:, -1] - final).mean()
    assert error[100] < error[5]


def test_a_schedules_jump_is_predicted_from_finished_curves() -> None:
    rng = np.random.default_rng(0)
    jump = np.where(np.arange(20) >= 16, 0.2, 0.0)
    level = rng.uniform(0.4, 0.6, (40, 1))
    curves = level + 0.1 * (1 - np.exp(-np.arange(20) / 4)) + jump
    curves += 0.003 * rng.standard_normal(curves.shape)
    mean, std = ParametricCurvePredictor().fit(curves[:20]).predict(curves[20:, :12], return_std=True)
    assert np.abs(mean - curves[20:, -1]).max() < 0.03
    assert std.max() < 0.05


def test_without_finished_curves_the_prior_is_scale_free() -> None:
    curve = finished(1)[:, :8]
    model = ParametricCurvePredictor(horizon=20).fit(np.empty((0, 20)))
    mean, std = model.predict(curve, return_std=True)
    assert abs(mean[0] - curve[0, -1]) < 0.1
    assert 0.01 < std[0] < 0.5
    scaled, scaled_std = model.predict(1e6 - 1e3 * curve, return_std=True)
    assert scaled == pytest.approx(1e6 - 1e3 * mean)
    assert scaled_std == pytest.approx(1e3 * std, rel=1e-6)


def test_predictions_follow_units_and_direction() -> None:
    curves = finished()
    base = ParametricCurvePredictor().fit(curves[:20])
    other = ParametricCurvePredictor().fit(5.0 - 100 * curves[:20])
    mean, std = base.predict(curves[20:, :6], return_std=True)
    mean_other, std_other = other.predict(5.0 - 100 * curves[20:, :6], return_std=True)
    assert mean_other == pytest.approx(5.0 - 100 * mean)
    assert std_other == pytest.approx(100 * std)


def test_more_of_a_curve_says_more_of_its_end() -> None:
    curves = finished(60)
    model = ParametricCurvePredictor().fit(curves[:30])
    spread = [model.predict(curves[30:, :n], return_std=True)[1].mean() for n in (1, 4, 10, 19)]
    assert spread == sorted(spread, reverse=True)


def test_few_finished_curves_mean_a_wider_predictive() -> None:
    curves = finished(200)
    begun = curves[100:, :5]
    few, many = (
        np.mean(ParametricCurvePredictor().fit(curves[:n]).predict(begun, return_std=True)[1]) for n in (2, 100)
    )
    assert few > 1.5 * many


def test_the_value_at_an_observed_step_is_that_value() -> None:
    curves = finished()
    mean, std = ParametricCurvePredictor().fit(curves).predict(curves[:3, :7], 5, return_std=True)
    assert mean == pytest.approx(curves[:3, 4])
    assert std == pytest.approx(0)


def test_intermediate_steps_can_be_predicted() -> None:
    curves = finished(60)
    model = ParametricCurvePredictor().fit(curves[:40])
    for at in (8, 12, 19):
        assert np.abs(model.predict(curves[40:, :6], at=at) - curves[40:, at - 1]).mean() < 0.02


def test_knowledge_from_elsewhere_moves_the_prediction_until_the_curve_speaks() -> None:
    curves = finished(40)
    model = ParametricCurvePredictor().fit(curves)
    unseen = np.full((1, 1), np.nan)
    told, std = model.predict(unseen, prior=(0.7, 0.01), return_std=True)
    assert told == pytest.approx(0.7)
    assert std < model.predict(unseen, return_std=True)[1]
    early, late = (
        abs(model.predict(curves[:1, :n], prior=(0.7, 0.05)) - model.predict(curves[:1, :n])) for n in (1, 18)
    )
    assert late < 0.2 * early
    alone = ParametricCurvePredictor(horizon=5).fit(np.empty((0, 5)))
    assert alone.predict(unseen, prior=(0.7, 0.01)) == pytest.approx(0.7)


def test_quantiles_and_probabilities_agree() -> None:
    curves = finished()
    model = ParametricCurvePredictor().fit(curves)
    quantiles = model.quantiles(curves[:4, :5], [0.1, 0.5, 0.9])
    assert quantiles.shape == (4, 3)
    assert (np.diff(quantiles, axis=1) > 0).all()
    assert model.prob_above(curves[:4, :5], quantiles[:, 2]) == pytest.approx(0.1, abs=1e-4)


BAD = {
    "hole": [0.5, np.nan, 0.7],
    "infinite": [0.5, np.inf, -np.inf],
    "one point": [0.5],
    "constant": [0.5, 0.5, 0.5],
    "falling": [0.9, 0.5, 0.1],
    "huge": [1e12, -3e12, 1e13],
    "diverged": [0.5, 1e300],
    "nothing": [np.nan],
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("n_finished", [0, 1, 2, 30])
def test_bad_curves_get_finite_predictions(name: str, n_finished: int) -> None:
    model = ParametricCurvePredictor(horizon=20).fit(finished(30)[:n_finished])
    begun = np.array([BAD[name]])
    mean, std = model.predict(begun, return_std=True)
    assert np.isfinite([mean, std, *model.quantiles(begun, [0.05, 0.95]).T]).all()
    assert std[0] > 0
    assert 0 <= model.prob_above(begun, 0.9)[0] <= 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: np.full_like(c, 0.5),
        lambda c: np.where(np.arange(len(c))[:, None] % 3 == 0, 1e15, c),
        lambda c: np.where(np.random.default_rng(0).random(c.shape) < 0.5, np.nan, c),
        lambda c: np.where(np.arange(20) > np.arange(len(c))[:, None], np.nan, c),
        lambda c: np.full_like(c, np.nan),
        lambda c: c[:, :1],
        lambda c: c[:, :2],
    ],
    ids=["constant", "diverging", "holes", "ragged", "nothing", "one step", "two steps"],
)
def test_bad_finished_curves_are_learned_from(spoil) -> None:
    curves = finished(20)
    model = ParametricCurvePredictor().fit(spoil(curves))
    mean, std = model.predict(curves[:, :1], return_std=True)
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()


def test_diverged_trainings_do_not_spoil_the_others() -> None:
    curves = finished(60)
    spoilt = np.concatenate([curves[:30], np.full((6, 20), 1e15)])
    error = np.abs(ParametricCurvePredictor().fit(spoilt).predict(curves[30:, :8]) - curves[30:, -1])
    assert np.median(error) < 0.02


def test_what_is_wrong_is_said() -> None:
    curves = finished()
    model = ParametricCurvePredictor()
    with pytest.raises(NotFittedError):
        model.predict(curves)
    with pytest.raises(ValueError, match=r"`X` must have shape"):
        model.fit(curves[0])
    with pytest.raises(ValueError, match=r"`horizon` must be at least 1, but got 0"):
        ParametricCurvePredictor(horizon=0).fit(curves)
    with pytest.raises(ValueError, match=r"`X` must have at most 10 steps"):
        ParametricCurvePredictor(horizon=10).fit(curves)
    model.fit(curves)
    with pytest.raises(ValueError, match=r"`X` must have at most 20 steps, the horizon, but got 21"):
        model.predict(np.zeros((1, 21)))
    with pytest.raises(ValueError, match=r"`at` must lie between 1 and 20, but got 21"):
        model.predict(curves, at=21)
    with pytest.raises(ValueError, match=r"`q` must lie strictly between 0 and 1"):
        model.quantiles(curves, [0.0])
    with pytest.raises(ValueError, match=r"`prior` must be"):
        model.predict(curves, prior=(0.5, 0.0))


def test_it_is_a_scikit_learn_estimator() -> None:
    model = ParametricCurvePredictor(horizon=7, max_curves=9)
    assert clone(model).get_params() == {"horizon": 7, "max_curves": 9}
    curves = finished(10, 7)
    first = clone(model).fit(curves).predict(curves[:, :3])
    assert np.array_equal(first, clone(model).fit(curves).predict(curves[:, :3]))


def test_a_network_that_learns_nothing_is_recognised() -> None:
    """Finished curves all rise late in their first steps: a flat one is not just late for ever."""
    curves = finished(n_curves=8, n_steps=12)
    low = curves.min()
    model = ParametricCurvePredictor().fit(curves)
    flat = low + 0.001 * np.random.default_rng(0).standard_normal((1, 7))
    assert model.prob_above(flat, np.median(curves[:, -1])) < 0.1
    assert model.predict(flat) < 0.5 * (low + np.median(curves[:, -1]))
    rising = finished(n_curves=9, n_steps=12)[8:, :7]
    assert model.predict(rising) == pytest.approx(finished(n_curves=9, n_steps=12)[8, -1], abs=0.05)
