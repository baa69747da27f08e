from __future__ import annotations

import numpy as np
import pytest

from predictors.curves import DomhanCurvePredictor, DomhanMCMCPredictor
from predictors.curves.domhan_model import N_DIMENSIONS, CurveCombination
from predictors.curves.domhan_samplers import CollapsedSampler
from tests.predictors.curves.synthetic import saturating

STEPS = 20


def test_draws_have_the_moments_of_the_prior_weighted_by_the_likelihood() -> None:
    """One point, and what is known of the end: plain importance sampling of the whole model is an oracle."""
    model, rng = CurveCombination(STEPS), np.random.default_rng(0)
    x, y, told = np.array([4.0]), np.array([0.3]), (0.7, 0.3)
    z = rng.standard_normal((100_000, N_DIMENSIONS))
    values = model.values(z, np.array([12.0, STEPS]))
    likelihood = np.exp(model.log_posterior(z, x, y) + 0.5 * (z**2).sum(1))
    weight = likelihood * np.exp(-0.5 * ((values[:, 1] - told[0]) / told[1]) ** 2)
    weight /= weight.sum()
    assert 1 / (weight**2).sum() > 300
    sampler = CollapsedSampler(model, 4000, seed=0)
    draws = sampler.draw(x, y[None], np.array([12.0, STEPS]), 4000, (np.array([0.7]), np.array([0.3])))[0]
    mean = weight @ values
    std = np.sqrt(weight @ (values - mean) ** 2)
    assert draws.values.mean(0) == pytest.approx(mean, abs=0.1 * std.min())
    assert draws.values.std(0) == pytest.approx(std, rel=0.1)
    assert np.log(draws.sigma).mean() == pytest.approx(weight @ np.log(model.sigma(z)), abs=0.25)


def test_a_curve_that_falls_is_believed_to_turn() -> None:
    """The last value exceeds the first, whatever was observed (section 3.2)."""
    y = np.linspace(0.8, 0.5, 8)[None]
    sampler = CollapsedSampler(CurveCombination(STEPS), 200, seed=0)
    draws = sampler.draw(np.arange(1.0, 9.0), y, np.array([1.0, STEPS]), 300)[0]
    assert (draws.values[:, 1] > draws.values[:, 0]).all()


def test_it_extrapolates_what_it_has_never_seen_the_end_of() -> None:
    curves = saturating(np.random.default_rng(0), 12, 30, noise=0.004)
    model = DomhanCurvePredictor(30, sets=1000, random_state=0).fit(curves[6:])
    curves = curves[:6]
    mean, std = model.predict(curves[:, :10], return_std=True)
    error = mean - curves[:, -1]
    assert np.abs(error).mean() < 0.6 * np.abs(curves[:, 9] - curves[:, -1]).mean()
    assert np.mean(np.abs(error) < 2 * std) > 0.6


@pytest.mark.slow
def test_it_agrees_with_mcmc() -> None:
    curves = saturating(np.random.default_rng(0), 2, STEPS, noise=0.01)
    fast = DomhanCurvePredictor(sets=8000, draws=4000, random_state=0).fit(curves)
    slow = DomhanMCMCPredictor(steps=10_000, draws=4000, random_state=0).fit(curves)
    for n_seen in (5, 10):
        mean, std = fast.predict(curves[:, :n_seen], return_std=True)
        reference, spread = slow.predict(curves[:, :n_seen], return_std=True)
        assert mean == pytest.approx(reference, abs=0.15 * spread.min())
        assert std == pytest.approx(spread, rel=0.2)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match="`sets` must be at least 1, but got 0"):
        DomhanCurvePredictor(sets=0).fit(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="`walkers` must be at least 96, but got 20"):
        DomhanMCMCPredictor(walkers=20).fit(np.zeros((1, 3)))
