from __future__ import annotations

import numpy as np
from scipy.stats import norm

from predictors.graph import ArchGraph
from smbo_nas.acquisition import PredictorModel, log_expected_improvement

GRAPH = ArchGraph(ops=("input", "output"), edges=((0, 1),))


class Scores:
    """A predictor whose scores are given."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        self.mean, self.std = np.asarray(mean), np.asarray(std)

    def predict_scores(self, X: object) -> tuple[np.ndarray, np.ndarray]:
        return self.mean, self.std


def test_log_expected_improvement_is_the_closed_form() -> None:
    mean, std, best = np.array([0.0, 1.0, 2.0, 1.5]), np.array([1.0, 0.5, 0.1, 2.0]), 1.2
    z = (mean - best) / std
    expected = np.log(std * (norm.pdf(z) + z * norm.cdf(z)))
    found = log_expected_improvement(Scores(list(mean), list(std)), [GRAPH] * 4, best)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_it_ranks_hopeless_candidates_where_expected_improvement_is_zero() -> None:
    found = log_expected_improvement(Scores([-50.0, -60.0], [1.0, 1.0]), [GRAPH] * 2, 0.0)
    assert np.isfinite(found).all()
    assert found[0] > found[1]


def test_the_model_has_the_posterior_shapes_of_botorch() -> None:
    import torch

    model = PredictorModel(Scores([0.0, 1.0, 2.0], [1.0, 2.0, 3.0]), [GRAPH] * 3)
    X = torch.tensor([[[0.0], [2.0]], [[1.0], [1.0]]], dtype=torch.float64)  # batch 2 x q 2 x d 1
    posterior = model.posterior(X)
    assert posterior.mean.shape == (2, 2, 1)
    assert posterior.mean.squeeze(-1).tolist() == [[0.0, 2.0], [1.0, 1.0]]
    assert posterior.variance.squeeze(-1).tolist() == [[1.0, 9.0], [4.0, 4.0]]
    assert posterior.rsample(torch.Size([5])).shape == (5, 2, 2, 1)
