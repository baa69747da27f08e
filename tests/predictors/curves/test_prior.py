from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from predictors.curves.mixture import StudentMixture
from predictors.curves.prior import evidence, given_final

GAUSSIAN = 1e7  # degrees of freedom


def mixture(weights: list[float], loc: list[float], std: list[float]) -> StudentMixture:
    return StudentMixture(*(np.array([each], dtype=np.float64) for each in (weights, loc, std, [GAUSSIAN] * len(loc))))


@pytest.mark.parametrize("prior", [(0.3, 0.2), (2.0, 0.4), (-1.0, 0.9)])
def test_it_is_bayes_rule_on_a_grid(prior: tuple[float, float]) -> None:
    """With Gaussians and a prior that are no wider than the marginal the closed form is exact."""
    weights, loc, std = [0.5, 0.3, 0.2], [0.0, 0.8, -0.5], [0.3, 0.1, 0.6]
    marginal = (0.2, 1.0)
    x = np.linspace(-15, 15, 300_001)
    density = np.array(weights) @ norm.pdf(x, np.array(loc)[:, None], np.array(std)[:, None])
    density = density * norm.pdf(x, *prior) / norm.pdf(x, *marginal)
    density /= density.sum()
    mean = density @ x
    found = given_final(mixture(weights, loc, std), *marginal, prior)
    assert found.mean() == pytest.approx(mean, abs=1e-5)
    assert found.std() == pytest.approx(np.sqrt(density @ (x - mean) ** 2), abs=1e-5)
    assert found.cdf(0.5) == pytest.approx(density[x <= 0.5].sum(), abs=1e-3)


def test_the_prior_it_was_made_with_changes_nothing() -> None:
    before = mixture([0.5, 0.5], [0.0, 1.0], [0.1, 0.8])
    after = given_final(before, 0.2, 1.0, (0.2, 1.0))
    for name in ("weights", "loc", "scale", "dof"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name))


def test_two_measurements_of_a_normal_are_one_posterior() -> None:
    """The curve measured 1.0 and the graph 0.0, both with deviation 0.5, under the marginal N(0, 1)."""
    alone = mixture([1.0], [0.8], [np.sqrt(0.2)])  # posterior of N(0, 1) after 1.0 with variance 0.25
    told = given_final(alone, 0.0, 1.0, (0.0, np.sqrt(0.2)))
    assert told.mean() == pytest.approx(4.0 / 9.0)
    assert told.std() == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("std", [1e-6, 0.1, 1.0, 30.0, 1e6])
@pytest.mark.parametrize("width", [0.01, 0.9, 1.0, 1.1, 50.0])
def test_a_component_as_wide_as_the_marginal_or_a_wide_prior_sends_nothing_far_off(std: float, width: float) -> None:
    told = given_final(mixture([0.7, 0.3], [0.5, 0.0], [0.2, width]), 0.0, 1.0, (1.0, std))
    assert np.isfinite([told.mean(), told.std()]).all()
    assert -3.0 < told.mean()[0] < 4.0
    assert 0 < told.std()[0] <= 1.5 * max(width, 1.0)


def test_what_was_observed_stays() -> None:
    told = given_final(mixture([1.0], [0.7], [0.0]), 0.0, 1.0, (0.1, 0.01))
    assert (told.mean()[0], told.std()[0]) == (0.7, 0.0)


def test_the_evidence_is_the_likelihood_that_bayes_rule_took() -> None:
    center, spread, seen, noise = 70.0, 3.0, np.array([74.0, 61.0]), np.array([1.0, 5.0])
    precision = 1 / spread**2 + 1 / noise**2
    predictive = (center / spread**2 + seen / noise**2) / precision, precision**-0.5
    mean, std = evidence(*predictive, (center, spread), (50.0, 80.0))
    np.testing.assert_allclose(mean, seen)
    np.testing.assert_allclose(std, noise)


def test_evidence_of_nothing_is_wide_and_stays_in_sight() -> None:
    means, stds = np.array([70.0, 70.5, 65.0]), np.array([3.0, 3.5, 2.99])
    mean, std = evidence(means, stds, (70.0, 3.0), (66.0, 72.0))
    assert (std > 20.0).all()
    assert ((mean >= 65.0) & (mean <= 72.0)).all()
    mean, std = evidence(means, stds, (70.0, 0.0), (66.0, 72.0))
    np.testing.assert_array_equal([mean, std], [means, stds])


@pytest.mark.parametrize(
    ("marginal", "prior", "message"),
    [
        ((0.0, 1.0), (0.0, 0.0), "`prior` must be"),
        ((0.0, 1.0), (np.nan, 1.0), "`prior` must be"),
        ((0.0, 0.0), (0.0, 1.0), "`marginal_mean` and `marginal_std` must be"),
        ((np.inf, 1.0), (0.0, 1.0), "`marginal_mean` and `marginal_std` must be"),
    ],
)
def test_what_is_wrong_is_said(marginal: tuple[float, float], prior: tuple[float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        given_final(mixture([1.0], [0.0], [0.1]), *marginal, prior)
