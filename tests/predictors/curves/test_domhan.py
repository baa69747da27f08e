from __future__ import annotations

import numpy as np
import pytest

from predictors.curves import DomhanCurvePredictor, DomhanMCMCPredictor
from predictors.curves.domhan_model import N_DIMENSIONS, CurveCombination
from predictors.curves.domhan_samplers import CollapsedSampler, ensemble_draws
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
    mean = weight @ values
    std = np.sqrt(weight @ (values - mean) ** 2)
    sampler = CollapsedSampler(model, 4000, seed=0)
    found = next(sampler.draw(x, y[None], 4000, (np.array([0.7]), np.array([0.3]))))
    drawn = model.values(found, np.array([12.0, STEPS]))
    assert drawn.mean(0) == pytest.approx(mean, abs=0.1 * std.min())
    assert drawn.std(0) == pytest.approx(std, rel=0.1)
    assert np.log(model.sigma(found)).mean() == pytest.approx(weight @ np.log(model.sigma(z)), abs=0.25)


def test_a_curve_that_falls_is_believed_to_turn() -> None:
    """The last value exceeds the first, whatever was observed (section 3.2)."""
    y = np.linspace(0.8, 0.5, 8)[None]
    model = CurveCombination(STEPS)
    found = next(CollapsedSampler(model, 200, seed=0).draw(np.arange(1.0, 9.0), y, 300))
    drawn = model.values(found, np.array([1.0, STEPS]))
    assert (drawn[:, 1] > drawn[:, 0]).all()


def test_it_extrapolates_what_it_has_never_seen_the_end_of() -> None:
    curves = saturating(np.random.default_rng(0), 12, 30, noise=0.004)
    model = DomhanCurvePredictor(30, sets=1000, random_state=0).fit(curves[6:])
    curves = curves[:6]
    mean, std = model.predict(curves[:, :10], return_std=True)
    error = mean - curves[:, -1]
    assert np.abs(error).mean() < 0.6 * np.abs(curves[:, 9] - curves[:, -1]).mean()
    assert np.mean(np.abs(error) < 2 * std) > 0.6


@pytest.mark.parametrize(("steps", "mean_tolerance"), [(60, 0.3), pytest.param(2000, 0.15, marks=pytest.mark.slow)])
def test_mcmc_stays_where_it_is(steps: int, mean_tolerance: float) -> None:
    """Chains that start at its draws go elsewhere if it is wrong: seven autocorrelation times are 2,000 steps."""
    curve = saturating(np.random.default_rng(0), 1, STEPS, noise=0.01)[:, :10]
    model, x, last = CurveCombination(STEPS), np.arange(1.0, 11.0), np.array([float(STEPS)])
    z = next(CollapsedSampler(model, 8000, seed=0).draw(x, curve, 4096))
    moved = ensemble_draws(model, x, curve[0], n=4096, walkers=512, steps=steps, seed=1, start=z[::8])
    drawn, reference = model.values(z, last), model.values(moved[len(moved) // 2 :], last)
    assert drawn.mean() == pytest.approx(reference.mean(), abs=mean_tolerance * reference.std())
    assert drawn.std() == pytest.approx(reference.std(), rel=0.2)
    assert np.log(model.sigma(z)).mean() == pytest.approx(np.log(model.sigma(moved)).mean(), abs=0.2)


def test_mcmc_from_the_prior_finds_the_curve() -> None:
    curves = saturating(np.random.default_rng(0), 6, STEPS, noise=0.01)
    settings = {"draws": 300, "random_state": 0}
    slow = DomhanMCMCPredictor(walkers=96, steps=300, **settings).fit(curves[2:])
    fast = DomhanCurvePredictor(**settings).fit(curves[2:])
    begun = curves[:1, :8]
    assert np.abs(slow.predict(begun) - fast.predict(begun)) < 0.1
    assert slow.predict(begun, prior=(0.5, 1e-3)) == pytest.approx(0.5, abs=0.05)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match="`sets` must be at least 1, but got 0"):
        DomhanCurvePredictor(sets=0).fit(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="`walkers` must be at least 96, but got 20"):
        DomhanMCMCPredictor(walkers=20).fit(np.zeros((1, 3)))
