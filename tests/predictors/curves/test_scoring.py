from __future__ import annotations

import numpy as np
import pytest
from scipy.special import beta
from scipy.stats import norm
from scipy.stats import t as student

from predictors.curves.mixture import StudentMixture
from predictors.curves.scoring import crps_and_median


def crps(mixture: StudentMixture, value: np.ndarray) -> np.ndarray:
    return crps_and_median(mixture, value)[0]


def one(loc: float, scale: float, dof: float, m: int) -> StudentMixture:
    return StudentMixture(*(np.full((m, 1), v) for v in (1.0, loc, scale, dof)))


def test_a_normal_has_the_published_closed_form() -> None:
    """Gneiting and Raftery (2007), equation 21."""
    value = np.array([-40.0, -1.0, 2.0, 2.3, 7.0])
    z = (value - 2.0) / 0.5
    expected = 0.5 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(one(2.0, 0.5, 1e8, 5), value) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("dof", [3.0, 5.0, 30.0])
def test_a_student_has_the_published_closed_form(dof: float) -> None:
    """Jordan, Krueger and Lerch, "Evaluating Probabilistic Forecasts with scoringRules" (JSS 2019), appendix A."""
    z = np.array([-30.0, -1.0, 0.0, 0.3, 5.0])
    law = student(dof)
    tails = 2 * np.sqrt(dof) / (dof - 1) * beta(0.5, dof - 0.5) / beta(0.5, 0.5 * dof) ** 2
    expected = z * (2 * law.cdf(z) - 1) + 2 * law.pdf(z) * (dof + z**2) / (dof - 1) - tails
    assert crps(one(0.0, 1.0, dof, 5), z) == pytest.approx(expected, rel=1e-2)


def test_a_mixture_matches_samples() -> None:
    """A narrow peak beside a broad component, as a dictionary with an outlier shape gives; the energy form of CRPS."""
    rng = np.random.default_rng(0)
    w, loc, scale, dof = [0.7, 0.2, 0.1], [0.0, 0.05, 3.0], [0.01, 0.02, 5.0], [8.0, 8.0, 8.0]
    mixture = StudentMixture(*(np.tile(v, (3, 1)) for v in (w, loc, scale, dof)))
    pick = rng.choice(3, p=w, size=400_000)
    x = np.take(loc, pick) + np.take(scale, pick) * rng.standard_t(np.take(dof, pick))
    half_gap = 0.5 * np.abs(x[::2] - x[1::2]).mean()
    for value, found in zip([0.01, 0.3, -6.0], crps(mixture, np.array([0.01, 0.3, -6.0])), strict=True):
        assert found == pytest.approx(np.abs(x - value).mean() - half_gap, rel=0.02, abs=0.004)


def test_of_a_point_it_is_the_absolute_error() -> None:
    assert crps(one(1.0, 0.0, 5.0, 2), np.array([3.5, 1.0])) == pytest.approx([2.5, 0.0])
    assert crps(one(1.0, 1.0, 5.0, 0), np.empty(0)).shape == (0,)


def test_the_truth_scores_best() -> None:
    value = np.random.default_rng(0).normal(size=4000)
    best, *others = (
        crps(one(loc, scale, 1e6, 4000), value).mean() for loc, scale in ((0, 1), (0.3, 1), (0, 2), (0, 0.5))
    )
    assert best < min(others)


def test_the_median_is_the_quantile() -> None:
    w, loc, scale, dof = [0.7, 0.2, 0.1], [0.0, 0.05, 3.0], [0.01, 0.02, 5.0], [8.0, 8.0, 8.0]
    mixture = StudentMixture(*(np.array([v]) for v in (w, loc, scale, dof)))
    assert crps_and_median(mixture, np.array([9.0]))[1] == pytest.approx(mixture.quantile(0.5), abs=1e-3)
