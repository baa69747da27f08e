from __future__ import annotations

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

from predictors.architecture import GraphGP, PathEnsemble
from predictors.graph import ArchGraph
from smbo_nas import NASBench201Space
from smbo_nas.acquisition import LogEI
from smbo_nas.joint_scores import JointScores

SPACE = NASBench201Space()
GRAPHS = [candidate.graph for candidate in list(SPACE.classes.values())[:400:10]]


def worth(graph: ArchGraph) -> float:
    live = [op for op, alive in zip(graph.ops, graph.live, strict=True) if alive]
    return live.count("nor_conv_3x3") - 0.5 * live.count("avg_pool_3x3") + 0.3 * len(live)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_conditioning_is_what_another_library_says_of_more_observations() -> None:
    """On the prior of scikit-learn's Gaussian process: given is its posterior, with the noise of a new observation."""
    x = rng().normal(size=(12, 2))
    kernel = RBF(0.8)
    covariance = kernel(x) + 0.1 * np.eye(12)
    joint = JointScores(GRAPHS[:12], np.zeros(12), covariance)
    scores = {GRAPHS[k].digest: float(v) for k, v in ((1, 0.5), (4, -1.0), (7, 2.0))}
    oracle = GaussianProcessRegressor(kernel + WhiteKernel(0.1), optimizer=None)
    oracle.fit(x[[1, 4, 7]], list(scores.values()))
    others = [0, 2, 3, 5, 6, 8, 9, 10, 11]
    mean, std = oracle.predict(x[others], return_std=True)
    found_mean, found_std = joint.given(scores).predict_scores([GRAPHS[k] for k in others])
    np.testing.assert_allclose(found_mean, mean, atol=1e-4)
    np.testing.assert_allclose(found_std, std, atol=1e-4)
    two_steps = joint.given({GRAPHS[1].digest: 0.5}).given({GRAPHS[4].digest: -1.0, GRAPHS[7].digest: 2.0})
    np.testing.assert_allclose(two_steps.predict_scores([GRAPHS[0]])[0], found_mean[0], atol=1e-4)


def test_what_is_believed_moves_no_mean_and_is_known_from_then_on() -> None:
    gp = GraphGP(random_state=0).fit(GRAPHS[:20], [worth(graph) for graph in GRAPHS[:20]])
    joint = JointScores.of(gp, GRAPHS[20:], rng())
    measured = {GRAPHS[21].digest: 2.0}
    before = joint.given(measured)
    after = joint.given({GRAPHS[25].digest: float("nan")} | measured)
    np.testing.assert_allclose(after.predict_scores(GRAPHS[20:])[0], before.predict_scores(GRAPHS[20:])[0], atol=1e-9)
    (was,), (now,) = (found.predict_scores([GRAPHS[25]])[1] for found in (before, after))
    assert now < 0.1 * was
    assert (after.predict_scores(GRAPHS[20:])[1] <= before.predict_scores(GRAPHS[20:])[1] + 1e-9).all()


@pytest.mark.parametrize(
    "predictor",
    [GraphGP(random_state=0), PathEnsemble(members=3, hidden=8, steps=20, random_state=0)],
    ids=lambda p: type(p).__name__,
)
def test_nothing_observed_leaves_the_predictor_as_it_is(predictor: GraphGP | PathEnsemble) -> None:
    predictor.fit(GRAPHS[:20], [worth(graph) for graph in GRAPHS[:20]])
    joint = JointScores.of(predictor, [*GRAPHS[20:], GRAPHS[20]], rng())
    np.testing.assert_allclose(joint.given({}).predict_scores(GRAPHS[20:]), predictor.predict_scores(GRAPHS[20:]))
    worths = [LogEI()(scores, GRAPHS[20:], best=1.0) for scores in (joint, predictor)]
    np.testing.assert_allclose(*worths, rtol=1e-6)


def test_draws_have_the_moments_of_the_distribution() -> None:
    gp = GraphGP(random_state=0).fit(GRAPHS[:20], [worth(graph) for graph in GRAPHS[:20]])
    joint = JointScores.of(gp, GRAPHS[20:], rng()).given({GRAPHS[21].digest: 2.0})
    mean, covariance = joint.joint_scores(GRAPHS[22:26])
    draws = joint.sample_scores(GRAPHS[22:26], 20_000)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.05)
    np.testing.assert_allclose(np.sqrt(covariance.diagonal()), joint.predict_scores(GRAPHS[22:26])[1])


def test_an_ensembles_draws_tell_what_goes_together() -> None:
    """What is measured high raises, on average, what the ensemble draws high with it."""
    ensemble = PathEnsemble(members=5, hidden=16, steps=50, random_state=0)
    ensemble.fit(GRAPHS[:20], [worth(graph) for graph in GRAPHS[:20]])
    joint = JointScores.of(ensemble, GRAPHS[20:], rng())
    _, covariance = joint.joint_scores(GRAPHS[20:])
    (before,), _ = joint.predict_scores([GRAPHS[21]])
    raised = joint.given({GRAPHS[21].digest: before + 1.0}).predict_scores(GRAPHS[20:])[0]
    shift = raised - joint.predict_scores(GRAPHS[20:])[0]
    np.testing.assert_allclose(shift, covariance[1] / covariance[1, 1], rtol=1e-3, atol=1e-6)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_only_members_are_known() -> None:
    joint = JointScores(GRAPHS[:2], np.zeros(2), np.eye(2))
    with pytest.raises(KeyError):
        joint.predict_scores([GRAPHS[5]])
