from __future__ import annotations

from math import erf, exp, pi, sqrt

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from predictors.architecture import GraphGP, PathEnsemble
from predictors.architecture.base import ArchitecturePredictor
from predictors.graph import ArchGraph
from smbo_nas.acquisition import (
    ACQUISITIONS,
    UCB,
    IndependentThompson,
    LogEI,
    Mean,
    QLogNEI,
    Thompson,
    get_acquisition,
)
from smbo_nas.spaces import NASBench201Space

GRAPH = ArchGraph(ops=("input", "output"), edges=((0, 1),))
SPACE = NASBench201Space()


class Scores:
    """A predictor whose scores are given."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        self.mean, self.std = np.asarray(mean), np.asarray(std)

    def predict_scores(self, X: object) -> tuple[np.ndarray, np.ndarray]:
        return self.mean, self.std


def cells(n: int, seed: int) -> list[ArchGraph]:
    rng = np.random.default_rng(seed)
    found = [SPACE.graph(SPACE.sample(rng)) for _ in range(2 * n)]
    return list({graph.digest: graph for graph in found}.values())[:n]


def live(graph: ArchGraph) -> list[str]:
    return [op for op, alive in zip(graph.ops, graph.live, strict=True) if alive]


def worth(graphs: list[ArchGraph]) -> list[float]:
    return [live(graph).count("nor_conv_3x3") + 0.1 * len(live(graph)) for graph in graphs]


MEASURED, NEW = cells(40, seed=0)[:20], cells(40, seed=0)[20:]


@pytest.fixture(scope="module", params=[GraphGP(random_state=0), PathEnsemble(members=3, steps=30, random_state=0)])
def fitted(request: pytest.FixtureRequest) -> ArchitecturePredictor:
    predictor: ArchitecturePredictor = request.param
    return predictor.fit(MEASURED, worth(MEASURED))


def test_log_expected_improvement_is_the_closed_form() -> None:
    mean, std, best = np.array([0.0, 1.0, 2.0, 1.5]), np.array([1.0, 0.5, 0.1, 2.0]), 1.2
    z = (mean - best) / std
    expected = np.log(std * (norm.pdf(z) + z * norm.cdf(z)))
    found = LogEI()(Scores(list(mean), list(std)), [GRAPH] * 4, best=best)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_it_ranks_hopeless_candidates_where_expected_improvement_is_zero() -> None:
    found = LogEI()(Scores([-50.0, -60.0], [1.0, 1.0]), [GRAPH] * 2, best=0.0)
    assert np.isfinite(found).all()
    assert found[0] > found[1]


def test_bounds_and_means_are_their_formulas() -> None:
    scores = Scores([0.0, 1.0, 2.0], [1.0, 0.5, 0.1])
    np.testing.assert_allclose(UCB(beta=9.0)(scores, [GRAPH] * 3), [3.0, 2.5, 2.3])
    np.testing.assert_array_equal(Mean()(scores, [GRAPH] * 3), scores.mean)


def test_independent_draws_have_the_predicted_moments() -> None:
    scores, rng = Scores([0.0, 3.0], [1.0, 0.5]), np.random.default_rng(0)
    draws = np.array([IndependentThompson()(scores, [GRAPH] * 2, rng=rng) for _ in range(4000)])
    np.testing.assert_allclose(draws.mean(axis=0), scores.mean, atol=0.06)
    np.testing.assert_allclose(np.cov(draws.T), [[1.0, 0.0], [0.0, 0.25]], atol=0.06)


def test_a_thompson_draw_is_one_of_the_joint_posterior_and_new_each_time(fitted: ArchitecturePredictor) -> None:
    rng, twins = np.random.default_rng(0), [NEW[0], NEW[0].canonical(), *NEW[1:]]
    draws = np.array([Thompson()(fitted, twins, rng=rng) for _ in range(100)])
    np.testing.assert_allclose(draws[:, 0], draws[:, 1])
    assert len(set(draws[:, 0])) == 100
    mean, std = fitted.predict_scores(twins)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=5 * std.max() / 10)
    assert fitted.random_state == 0  # the predictor itself is left as it was


def test_the_joint_posterior_of_the_process_is_that_of_its_samples_and_marginals() -> None:
    gp = GraphGP(random_state=0).fit(MEASURED, worth(MEASURED))
    some = [*MEASURED[:2], *NEW[:3], NEW[0].canonical()]
    mean, covariance = gp.joint_scores(some)
    expected_mean, expected_std = gp.predict_scores(some)
    np.testing.assert_allclose(mean, expected_mean, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), expected_std, rtol=1e-6)
    np.testing.assert_allclose(covariance[2], covariance[5])  # the same architecture
    draws = gp.sample_scores(some, 20_000)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.12 * covariance.max())
    assert gp.joint_scores([])[1].shape == (0, 0)


def test_models_have_the_posterior_shapes_of_botorch() -> None:
    import torch

    from smbo_nas.botorch_models import DrawsModel, EveryDraw, JointNormalModel, PredictorModel

    X = torch.tensor([[[0.0], [2.0]], [[1.0], [0.0]]], dtype=torch.float64)  # batch 2 x q 2 x d 1
    marginal = PredictorModel(Scores([0.0, 1.0, 2.0], [1.0, 2.0, 3.0]), [GRAPH] * 3).posterior(X)
    covariance = np.array([[1.0, 0.5, 0.2], [0.5, 4.0, 0.0], [0.2, 0.0, 9.0]])
    joint = JointNormalModel(np.array([0.0, 1.0, 2.0]), covariance).posterior(X)
    for posterior in (marginal, joint):
        assert posterior.mean.squeeze(-1).tolist() == [[0.0, 2.0], [1.0, 0.0]]
        assert posterior.variance.squeeze(-1).tolist() == [[1.0, 9.0], [4.0, 1.0]]
        assert posterior.rsample(torch.Size([5])).shape == (5, 2, 2, 1)
    np.testing.assert_allclose(joint.distribution.covariance_matrix[0], [[1.0, 0.2], [0.2, 9.0]])
    draws = np.arange(12.0).reshape(4, 3)
    ensemble = DrawsModel(draws).posterior(X)
    assert ensemble.values.shape == (2, 4, 2, 1)
    taken = EveryDraw(4)(ensemble)
    assert taken.shape == (4, 2, 2, 1)
    np.testing.assert_array_equal(taken[:, 0, :, 0], draws[:, [0, 2]])


def test_noisy_improvement_over_a_known_value_is_the_expected_improvement() -> None:
    """Two scores, bivariate normal: E max(y - x, 0) = s (phi(d / s) + d / s Phi(d / s)), d and s those of y - x."""
    import torch
    from botorch.acquisition import qLogNoisyExpectedImprovement
    from botorch.sampling import SobolQMCNormalSampler

    from smbo_nas.botorch_models import JointNormalModel, positions

    model = JointNormalModel(np.array([0.5, 0.2]), np.array([[0.6, 0.3], [0.3, 1.0]]))
    acquisition = qLogNoisyExpectedImprovement(
        model, positions(0, 1)[:, 0], SobolQMCNormalSampler(torch.Size([4096]), seed=0), cache_root=False
    )
    d, s = 0.2 - 0.5, sqrt(0.6 + 1.0 - 2 * 0.3)
    expected = s * (exp(-0.5 * (d / s) ** 2) / sqrt(2 * pi) + d / s * 0.5 * (1 + erf(d / s / sqrt(2))))
    assert acquisition(positions(1, 2)).exp().item() == pytest.approx(expected, rel=0.02)


def test_noisy_improvement_agrees_with_draws_of_the_joint_posterior(fitted: ArchitecturePredictor) -> None:
    best = float(fitted.score_map_.to_scores(worth(MEASURED)).max())
    found = QLogNEI(draws=2048)(fitted, NEW, measured=MEASURED, best=best, rng=np.random.default_rng(1))
    if isinstance(fitted, GraphGP):
        mean, covariance = fitted.joint_scores([*MEASURED, *NEW])
        draws = multivariate_normal(mean, covariance, seed=2).rvs(4000)
    else:
        draws = fitted.sample_scores([*MEASURED, *NEW], 4000)
    gains = np.maximum(draws[:, 20:] - draws[:, :20].max(axis=1, keepdims=True), 0.0).mean(axis=0)
    likely = gains > 0.02
    np.testing.assert_allclose(np.exp(found[likely]), gains[likely], rtol=0.3)


def test_only_the_short_list_is_worth_anything_to_the_monte_carlo(fitted: ArchitecturePredictor) -> None:
    best = float(fitted.score_map_.to_scores(worth(MEASURED)).max())
    analytic = LogEI()(fitted, NEW, best=best)
    found = QLogNEI(shortlist=5, baseline=3, draws=16)(
        fitted, NEW, measured=MEASURED, best=best, rng=np.random.default_rng(0)
    )
    assert set(np.flatnonzero(np.isfinite(found))) == set(np.argsort(-analytic)[:5])


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_every_acquisition_is_repeatable(name: str, fitted: ArchitecturePredictor) -> None:
    acquisition = get_acquisition(name)
    first, second = (
        acquisition(fitted, NEW, measured=MEASURED, best=0.0, rng=np.random.default_rng(3)) for _ in range(2)
    )
    assert first.shape == (len(NEW),)
    np.testing.assert_array_equal(first, second)
    assert get_acquisition(acquisition) is acquisition


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"`acquisition` must be one of log_ei, ucb, .*, but got 'ei'"):
        get_acquisition("ei")
    with pytest.raises(ValueError, match="`beta` must be at least 0, but got -1"):
        UCB(beta=-1.0)
    with pytest.raises(ValueError, match="`shortlist` must be at least 1, but got 0"):
        QLogNEI(shortlist=0)
