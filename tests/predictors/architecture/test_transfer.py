from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.exceptions import NotFittedError

from predictors.architecture.gp import GraphGP
from predictors.architecture.transfer import PriorMean
from tests.predictors.architecture.graphs import random_cells, values


def test_the_prior_mean_is_least_squares_where_there_is_much_to_learn_from() -> None:
    rng = np.random.default_rng(0)
    source = rng.standard_normal(5000)
    scores = 0.4 * source - 1.0 + 0.3 * rng.standard_normal(5000)
    prior = PriorMean.fit(source, scores, np.zeros(5000))
    assert (prior.slope, prior.intercept, prior.scale) == pytest.approx((0.4, -1.0, 0.3), abs=0.02)
    np.testing.assert_allclose(prior.add(prior.remove(scores, source), source), scores)


def test_one_observation_moves_the_level_and_not_the_order() -> None:
    prior = PriorMean.fit(np.array([1.5]), np.array([-0.5]), np.zeros(1))
    assert (prior.slope, prior.intercept) == pytest.approx((1.0, -2.0))


def test_five_networks_are_enough_after_a_similar_task() -> None:
    graphs, few, new = random_cells(120), random_cells(5, seed=1), random_cells(200, seed=2)
    y = values(graphs)
    source = GraphGP(random_state=0).fit(graphs, y)
    other = 3.0 * np.sqrt(100.0 - values(few))  # another unit and another curve, the same order
    after = kendalltau(GraphGP().fit(few, -other, source=source).predict(new), values(new)).statistic
    alone = kendalltau(GraphGP().fit(few, -other).predict(new), values(new)).statistic
    assert after > max(0.75, alone + 0.1)


def test_a_source_must_be_fitted() -> None:
    with pytest.raises(NotFittedError):
        GraphGP().fit(random_cells(3), np.arange(3.0), source=GraphGP())
