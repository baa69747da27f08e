from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, RationalQuadratic

from predictors.architecture.gaussian_process import ExactGP, InducingPointGP
from predictors.architecture.kernel import JITTER, Kernel

RNG = np.random.default_rng(0)
X, TARGETS, STD = RNG.normal(size=(30, 2)), RNG.normal(size=30), RNG.uniform(0.0, 0.5, size=30)
NEW = RNG.normal(size=(7, 2))
KERNEL = Kernel(variance=1.7, lengthscales=np.full(2, 0.8), slopes=np.empty(0), noise=0.02)
LINED = Kernel(variance=1.7, lengthscales=np.full(2, 0.8), slopes=np.array([0.6]), noise=0.02)


def oracle(rows: np.ndarray | slice = slice(None)) -> GaussianProcessRegressor:
    kernel = ConstantKernel(1.7) * RationalQuadratic(length_scale=0.8, alpha=1.0)
    alpha = 0.02 + STD[rows] ** 2 + JITTER
    return GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None).fit(X[rows], TARGETS[rows])


def both() -> list[ExactGP | InducingPointGP]:
    """The second is exact too: its inducing points are the observations."""
    return [ExactGP(KERNEL, X, TARGETS, STD), InducingPointGP(KERNEL, X, TARGETS, STD, X)]


def test_the_posterior_is_scikit_learns() -> None:
    expected_mean, expected_std = oracle().predict(NEW, return_std=True)
    for process, tolerance in zip(both(), (1e-9, 1e-3), strict=True):
        mean, std = process.posterior(NEW)
        np.testing.assert_allclose(mean, expected_mean, atol=tolerance)
        np.testing.assert_allclose(std, expected_std, atol=tolerance)


def test_leaving_one_out_is_fitting_without_it() -> None:
    for process, tolerance in zip(both(), (1e-9, 1e-3), strict=True):
        mean, std = process.leave_one_out()
        for k in range(len(X)):
            expected, deviation = oracle(np.arange(len(X)) != k).predict(X[[k]], return_std=True)
            assert mean[k] == pytest.approx(expected[0], abs=tolerance)
            assert std[k] == pytest.approx(np.sqrt(deviation[0] ** 2 + STD[k] ** 2 + 0.02 + JITTER), abs=tolerance)


def test_samples_have_the_posteriors_moments() -> None:
    mean, covariance = oracle().predict(NEW, return_cov=True)
    for process in both():
        draws = np.concatenate([process.sample(NEW, 2_000, np.random.default_rng(k)) for k in range(10)])
        np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.05)
        np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.12)


def test_lines_go_on_outside_the_data() -> None:
    targets = 2.0 * X[:, 1]
    far = np.array([[0.0, 8.0]])
    for process in (ExactGP(LINED, X, targets, STD), InducingPointGP(LINED, X, targets, STD, X)):
        mean, _ = process.posterior(far)
        assert mean[0] > 10.0
        assert process.sample(far, 50, np.random.default_rng(0)).mean() == pytest.approx(mean[0], rel=0.1)


def test_few_inducing_points_stand_for_many_observations() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(-2.0, 2.0, size=(600, 1))
    y = np.sin(3.0 * x[:, 0]) + 0.1 * rng.normal(size=600)
    kernel = Kernel(variance=1.0, lengthscales=np.array([0.7]), slopes=np.empty(0), noise=0.01)
    grid = np.linspace(-2.0, 2.0, 50)[:, None]
    exact, _ = ExactGP(kernel, x, y, np.zeros(600)).posterior(grid)
    few = InducingPointGP(kernel, x, y, np.zeros(600), np.linspace(-2.0, 2.0, 40)[:, None])
    mean, std = few.posterior(grid)
    np.testing.assert_allclose(mean, exact, atol=0.02)
    assert std.max() < 0.1
    held_out, _ = few.leave_one_out()
    assert np.std(y - held_out) == pytest.approx(0.1, rel=0.15)


def test_inducing_points_may_repeat_and_observations_too() -> None:
    x = np.zeros((50, 2))
    process = InducingPointGP(KERNEL, x, np.ones(50), np.zeros(50), x[:5])
    mean, std = process.posterior(x[:1])
    assert mean[0] == pytest.approx(1.0, abs=0.01)
    assert 0.0 < std[0] < 0.05
