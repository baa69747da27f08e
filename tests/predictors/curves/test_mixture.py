from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from predictors.curves import StudentMixture


def test_one_component_is_scipys_student() -> None:
    one = StudentMixture(*(np.array([[v]]) for v in (1.0, 2.0, 0.5, 5.0)))
    reference = student(5.0, 2.0, 0.5)
    assert one.mean() == pytest.approx(reference.mean())
    assert one.std() == pytest.approx(reference.std())
    assert one.cdf(2.7) == pytest.approx(reference.cdf(2.7))
    assert one.log_density(2.7) == pytest.approx(reference.logpdf(2.7))
    for q in (0.001, 0.3, 0.999):
        assert one.quantile(q) == pytest.approx(reference.ppf(q))


def test_moments_and_quantiles_match_samples() -> None:
    rng = np.random.default_rng(0)
    w, loc, scale, dof = [0.2, 0.5, 0.3], [-1.0, 0.0, 4.0], [0.3, 1.0, 0.5], [30.0, 20.0, 10.0]
    mixture = StudentMixture(*(np.array([v]) for v in (w, loc, scale, dof)))
    pick = rng.choice(3, p=w, size=200_000)
    samples = np.take(loc, pick) + np.take(scale, pick) * rng.standard_t(np.take(dof, pick))
    assert mixture.mean() == pytest.approx(samples.mean(), abs=0.02)
    assert mixture.std() == pytest.approx(samples.std(), abs=0.02)
    for q in (0.05, 0.5, 0.95):
        assert mixture.quantile(q) == pytest.approx(np.quantile(samples, q), abs=0.03)
        assert mixture.cdf(mixture.quantile(q)) == pytest.approx(q)


def test_a_blend_is_a_mixture_of_mixtures() -> None:
    first = StudentMixture(*(np.full((2, 1), x) for x in (1.0, 0.0, 1.0, 5.0)))
    second = StudentMixture(*(np.full((2, 2), x) for x in (0.5, 3.0, 2.0, 4.0)))
    shares = np.array([0.0, 0.25])
    blend = StudentMixture.mixed([first, second], [1.0 - shares, shares])
    assert blend.cdf(1.0)[0] == pytest.approx(first.cdf(1.0)[0])
    assert blend.cdf(1.0)[1] == pytest.approx(0.75 * first.cdf(1.0)[1] + 0.25 * second.cdf(1.0)[1])
    assert blend.mean() == pytest.approx([0.0, 0.75])


def test_a_known_value_is_a_point() -> None:
    point = StudentMixture(*(np.array([[v, v]]) for v in (0.5, 3.0, 0.0, 10.0)))
    assert point.std() == 0
    assert point.cdf(2.999) == 0
    assert point.cdf(3.0) == 1
    assert point.log_density(3.0) == np.inf
    assert point.log_density(2.999) == -np.inf
    assert point.quantile(0.2) == pytest.approx(3.0)


def test_the_bulk_is_not_moved_by_a_wide_tail() -> None:
    weights, loc, dof = np.array([[0.999, 0.001]] * 2), np.array([[0.7, 0.7], [-3.0, -3.0]]), np.full((2, 2), 30.0)
    wide = StudentMixture(weights, loc, np.array([[0.01, 100.0]] * 2), dof)
    median, spread = wide.bulk()
    assert median == pytest.approx([0.7, -3.0], abs=1e-3)
    assert spread == pytest.approx([0.01, 0.01], rel=0.05)
    assert (wide.std() > 3).all()
