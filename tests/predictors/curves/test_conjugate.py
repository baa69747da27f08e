from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t

from predictors.curves.conjugate import CurvePrior, condition


def make_prior(horizon: int = 6) -> CurvePrior:
    step = np.arange(horizon)
    phi = np.stack([(1 - step / (horizon - 1)) ** p for p in (1, 3)])
    correlation = 0.4 * np.eye(horizon) + 0.6 * np.exp(-np.abs(step[:, None] - step) / 2)
    cov = np.array([[0.5, -0.2], [-0.2, 0.8]])
    return CurvePrior(phi, np.log([0.3, 0.7]), np.array([1.0, -0.5]), cov, 0.04, 1.5, correlation)


def joint_t(prior: CurvePrior, shape: int) -> multivariate_t:
    """Integrating (a, b) and the variance out leaves a multivariate t over all steps."""
    design = np.stack([np.ones(6), prior.phi[shape]], axis=1)
    cov = design @ prior.cov @ design.T + prior.noise * prior.correlation
    return multivariate_t(design @ prior.mean, cov, df=2 * prior.alpha)


@pytest.mark.parametrize("steps", [[0], [0, 1, 2], [1, 4], [0, 2, 3, 4]])
def test_agrees_with_the_joint_multivariate_t(steps: list[int]) -> None:
    prior = make_prior()
    y = np.random.default_rng(0).normal(0.7, 0.4, size=(3, len(steps)))
    at = 5
    posterior = condition(prior, y, np.array(steps))
    predictive = posterior.predictive(at)
    for row in range(3):
        evidence = []
        for shape in range(2):
            t = joint_t(prior, shape)
            df = 2 * prior.alpha
            s = t.shape[np.ix_(steps, steps)]
            evidence.append(np.exp(prior.log_weights[shape]) * multivariate_t(t.loc[steps], s, df=df).pdf(y[row]))
            # The conditional of a multivariate t (Ding 2016, equation 1).
            gain = np.linalg.solve(s, t.shape[steps, at])
            rest = y[row] - t.loc[steps]
            distance = rest @ np.linalg.solve(s, rest)
            stretch = (df + distance) / (df + len(steps))
            variance = stretch * (t.shape[at, at] - gain @ t.shape[steps, at])
            assert predictive.loc[row, shape] == pytest.approx(t.loc[at] + gain @ rest)
            assert predictive.scale[row, shape] == pytest.approx(np.sqrt(variance))
            assert predictive.dof[row, shape] == df + len(steps)
        assert posterior.weights[row] == pytest.approx(np.array(evidence) / sum(evidence))


def test_without_a_point_the_prior_is_returned() -> None:
    prior = make_prior()
    predictive = condition(prior, np.empty((2, 0)), np.array([], dtype=int)).predictive(5)
    assert predictive.weights == pytest.approx(np.tile([0.3, 0.7], (2, 1)))
    assert predictive.loc == pytest.approx(1.0)
    assert predictive.scale == pytest.approx(np.sqrt(0.5 + 0.04))


def test_given_final_is_the_conditional_of_b_on_a() -> None:
    prior = make_prior().given_final(np.array([3.0]), np.array([1e-6]))
    slope = -0.2 / 0.5
    assert prior.mean[0] == pytest.approx([3.0, -0.5 + slope * 2.0])
    assert prior.cov[0, 1, 1] == pytest.approx(0.8 - slope**2 * 0.5)
    unchanged = make_prior().given_final(np.array([1.0]), np.array([np.sqrt(0.5)]))
    assert unchanged.cov[0] == pytest.approx(make_prior().cov)
    samples = multivariate_normal(unchanged.mean[0], unchanged.cov[0])
    assert samples.mean == pytest.approx([1.0, -0.5])
