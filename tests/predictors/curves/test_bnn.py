from __future__ import annotations

import numpy as np
import pytest
import torch

from predictors.curves import BayesianCurveNetwork
from predictors.curves.bnn_network import CurveNetwork
from predictors.curves.sghmc import sample_by_sghmc

STEPS = 15


def described(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Curves that their features tell all of, but for noise of 0.01."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3))
    end, gap = 0.7 + 0.1 * np.tanh(features[:, :1]), 0.3 + 0.05 * features[:, 1:2]
    speed = STEPS / 6 * np.exp(0.3 * features[:, 2:])
    return end - gap * np.exp(-np.arange(STEPS) / speed) + 0.01 * rng.standard_normal((n, STEPS)), features


@pytest.fixture(scope="module")
def fitted() -> BayesianCurveNetwork:
    curves, features = described(60, 0)
    return BayesianCurveNetwork(burn_in=300, steps=200, draws=10, hidden=32, random_state=0).fit(
        curves, features=features
    )


def test_a_curve_is_predicted_that_not_a_point_was_seen_of(fitted: BayesianCurveNetwork) -> None:
    curves, features = described(60, 1)
    unseen = np.full((60, 1), np.nan)
    for at in (1, 5, STEPS):
        found = fitted.predictive(unseen, at=at, features=features)
        error = found.mean() - curves[:, at - 1]
        assert np.abs(error).mean() < 0.4 * np.abs(curves[:, at - 1] - np.median(curves[:, at - 1])).mean()
        assert 0.6 < np.sqrt(np.mean((error / found.std()) ** 2)) < 1.7
    last = curves[:, -1]
    anonymous = np.abs(fitted.predict(unseen) - last).mean()
    assert np.abs(fitted.predictive(unseen, features=features).mean() - last).mean() < 0.5 * anonymous


def test_the_observed_part_moves_what_the_features_say(fitted: BayesianCurveNetwork) -> None:
    """A curve that runs above what its features promise ends there too, and all the surer for it."""
    curves, features = described(20, 2)
    above = curves + 0.1
    told = [fitted.predictive(above[:, :n], features=features) for n in (2, 8)]
    error = [np.abs(each.mean() - above[:, -1]).mean() for each in told]
    assert error[1] < error[0] < 0.1
    assert error[1] < 0.04
    assert told[1].std().mean() < told[0].std().mean()


def test_sghmc_draws_from_a_normal_distribution() -> None:
    """Means and variances of a correlated one whose scales differ a hundredfold."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.tensor([1.0, -2.0, 0.0])
    root = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.2, 0.0], [0.0, 0.0, 0.01]])
    covariance = root @ root.T
    precision = torch.linalg.inv(covariance)
    draws = sample_by_sghmc(
        lambda x: (x - mean) @ precision,
        torch.zeros(200, 3),
        burn_in=1000,
        steps=1000,
        keep=20,
        step_size=0.1,
        exact=True,
        generator=generator,
    ).reshape(-1, 3)
    assert draws.shape == (4000, 3)
    deviation = covariance.diagonal().sqrt()
    assert ((draws.mean(0) - mean).abs() < 0.15 * deviation).all()
    correlation = torch.cov(draws.T) / torch.outer(deviation, deviation)
    assert (correlation - covariance / torch.outer(deviation, deviation)).abs().max() < 0.15


def test_basis_functions_end_at_the_asymptote() -> None:
    """All of the five are 0 at the last step, whatever the weights and features."""
    network = CurveNetwork(n_features=2, hidden=8)
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(30, network.size, generator=generator)
    features = torch.randn(7, 2, generator=generator)
    curves = network.curves(weights, features, torch.tensor([0.001, 0.5, 1.0]))
    assert curves.shape == (30, 7, 3)
    assert curves.isfinite().all()
    assert (curves[..., 0] - curves[..., 2]).abs().max() > 0.1
    without = network.curves(weights, features, torch.tensor([1.0]))[..., 0]
    torch.testing.assert_close(curves[..., 2], without)


def test_more_curves_than_fit_a_gradient() -> None:
    curves, features = described(60, 3)
    model = BayesianCurveNetwork(
        chains=3, burn_in=300, steps=100, draws=5, hidden=16, batch_size=16, random_state=0
    ).fit(curves[:40], features=features[:40])
    found = model.predictive(np.full((20, 1), np.nan), features=features[40:]).mean()
    assert np.abs(found - curves[40:, -1]).mean() < 0.8 * curves[40:, -1].std()


def test_without_finished_curves_the_prior_is_drawn_from() -> None:
    model = BayesianCurveNetwork(STEPS, random_state=0, draws=100).fit(np.empty((0, STEPS)))
    assert model.weights_.shape == (500, model.network_.size)
    assert model.weights_.std() == pytest.approx(1.0, abs=0.01)
    assert model.predict(np.array([[0.2, 0.4, 0.5]]))[0] > 0.4


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu() -> None:
    curves, features = described(60, 0)
    model = BayesianCurveNetwork(burn_in=200, steps=100, device="cuda", random_state=0).fit(
        curves[:40], features=features[:40]
    )
    found = model.predictive(np.full((20, 1), np.nan), features=features[40:]).mean()
    assert np.abs(found - curves[40:, -1]).mean() < 0.6 * curves[40:, -1].std()


def test_what_is_wrong_is_said() -> None:
    for arguments, message in (
        ({"chains": 1}, "`chains` must be at least 2, but got 1"),
        ({"steps": 3, "draws": 5}, "`steps` must be at least 5, but got 3"),
        ({"step_size": 0.0}, r"`step_size` must be above 0, but got 0\.0"),
    ):
        with pytest.raises(ValueError, match=message):
            BayesianCurveNetwork(**arguments).fit(np.zeros((2, 3)))
