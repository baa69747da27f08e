from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal, norm
from sklearn.gaussian_process.kernels import DotProduct, RationalQuadratic

from predictors.architecture import kernel
from predictors.architecture.kernel import JITTER, Kernel, fit_kernel, squared_distances

RNG = np.random.default_rng(0)
X, TARGETS, STD = RNG.normal(size=(30, 3)), RNG.normal(size=30), RNG.uniform(0.0, 0.5, size=30)
LENGTHS = np.array([0.8, 1.5, 3.0])
KERNEL = Kernel(variance=1.7, lengthscales=LENGTHS, slopes=np.array([0.6]), noise=0.02)


def test_the_covariance_is_scikit_learns() -> None:
    line = DotProduct(sigma_0=0.0)(X[:, 2:], X[:9, 2:])
    expected = 1.7 * RationalQuadratic(alpha=1.0)(X / LENGTHS, X[:9] / LENGTHS) + 0.6 * line
    np.testing.assert_allclose(KERNEL.covariance(X, X[:9]), expected, atol=1e-12)
    np.testing.assert_allclose(KERNEL.variances(X), np.diag(KERNEL.covariance(X, X)), atol=1e-12)


def test_draws_have_the_kernels_covariance() -> None:
    drawn = np.concatenate([KERNEL.draw(2_000, np.random.default_rng(k))(X[:6]) for k in range(10)])
    np.testing.assert_allclose(drawn.mean(axis=0), 0.0, atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), KERNEL.covariance(X[:6], X[:6]), atol=0.12)


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list:  # type: ignore[type-arg]
    """What `fit_kernel` would minimise, and where it would start."""
    kept = []

    def keep(loss, start, **options):  # type: ignore[no-untyped-def]
        kept.append((loss, start))
        return type("Found", (), {"x": start, "fun": loss(start)[0]})

    monkeypatch.setattr(kernel, "_DOUBTS", (2.0,))
    monkeypatch.setattr(kernel, "minimize", keep)
    return kept


def test_the_loss_is_the_marginal_likelihood_under_the_prior(losses: list) -> None:  # type: ignore[type-arg]
    start = fit_kernel(X, ["a", "b", "b"], 1, TARGETS, STD)
    loss, centre = losses[0]
    covariance = start.covariance(X, X) + np.diag(STD**2 + start.noise + JITTER)
    likelihood = multivariate_normal(np.zeros(30), covariance).logpdf(TARGETS)
    assert loss(centre)[0] == pytest.approx(-likelihood - 15.0 * np.log(2.0 * np.pi))
    # Only the variance, first, moves: by one standard deviation, its logarithm by 1.5.
    moved = centre + 1.5 * (np.arange(len(centre)) == 0)
    wider = Kernel(variance=start.variance * np.exp(1.5), **{k: v for k, v in vars(start).items() if k != "variance"})
    covariance = wider.covariance(X, X) + np.diag(STD**2 + start.noise + JITTER)
    posterior = multivariate_normal(np.zeros(30), covariance).logpdf(TARGETS) + norm.logpdf(1.0) - norm.logpdf(0.0)
    assert loss(moved)[0] == pytest.approx(-posterior - 15.0 * np.log(2.0 * np.pi))


def test_the_gradient_is_right(losses: list) -> None:  # type: ignore[type-arg]
    fit_kernel(X, ["a", "b", "b"], 1, TARGETS, STD)
    loss, start = losses[0]
    assert len(start) == 1 + 2 + 3 + 1 + 1
    for theta in (start, start + np.linspace(-0.7, 0.7, len(start))):
        error = check_grad(lambda t: loss(t)[0], lambda t: loss(t)[1], theta)
        assert error / np.linalg.norm(loss(theta)[1]) < 1e-5


def test_the_fit_finds_the_scale_data_came_from() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(0.0, 10.0, size=(150, 1))
    truth = Kernel(variance=1.0, lengthscales=np.array([1.5]), slopes=np.empty(0), noise=0.01)
    targets = np.linalg.cholesky(truth.covariance(x, x) + 0.01 * np.eye(150)) @ rng.normal(size=150)
    found = fit_kernel(x, ["x"], 0, targets, np.zeros(150))
    assert found.lengthscales[0] == pytest.approx(1.5, rel=0.3)
    assert found.noise == pytest.approx(0.01, rel=0.5)


def test_a_column_that_says_nothing_gets_a_longer_scale() -> None:
    x = np.random.default_rng(4).normal(size=(100, 2))
    found = fit_kernel(x, ["told", "noise"], 0, np.sin(2.0 * x[:, 0]), np.zeros(100))
    assert found.lengthscales[1] > 2.0 * found.lengthscales[0]


def test_a_column_beside_may_matter_more_than_all_else() -> None:
    """As a learning rate does: its optimum is found from few points, not smoothed away as what may say nothing is."""
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.normal(size=(25, 8)), rng.uniform(-1.7, 1.7, size=25)])
    groups = [*map(str, range(8)), "beside"]
    found = fit_kernel(x, groups, 1, 1.0 - x[:, -1] ** 2, np.zeros(25))
    assert found.lengthscales[-1] < 0.5 * found.lengthscales[:8].min()


def test_a_line_is_found_to_be_one() -> None:
    x = np.linspace(-1.5, 1.5, 40)[:, None]
    found = fit_kernel(x, ["x"], 1, x[:, 0], np.zeros(40))
    assert found.slopes[0] > 3.0 * found.variance


@pytest.mark.parametrize("targets", [np.zeros(4), np.array([1.0, -1.0, 1.0, -1.0])])
def test_duplicates_and_constants_are_fitted(targets: np.ndarray) -> None:
    found = fit_kernel(np.ones((4, 2)), ["a", "b"], 1, targets, np.zeros(4))
    assert np.isfinite([found.variance, found.noise, *found.lengthscales, *found.slopes]).all()


def test_squared_distances() -> None:
    np.testing.assert_allclose(squared_distances(X, X[:5]), ((X[:, None] - X[None, :5]) ** 2).sum(axis=2), atol=1e-12)
