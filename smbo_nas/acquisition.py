"""Acquisition functions of BoTorch on an architecture predictor. Imports BoTorch: import this module late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal
from linear_operator.operators import DiagLinearOperator
from numpy.typing import NDArray
from torch import Tensor

from predictors.architecture import ArchitecturePredictor
from predictors.graph import ArchGraph


class PredictorModel(Model):
    """A predictor's scores of a fixed list of candidates as a BoTorch model; a "point" is a position in that list.

    Candidates are independent given the data: right for analytic acquisitions, which look at one at a time.

    Args:
        predictor: A fitted predictor.
        graphs: `n` candidates.
    """

    def __init__(self, predictor: ArchitecturePredictor, graphs: Sequence[ArchGraph]) -> None:
        super().__init__()
        mean, std = predictor.predict_scores(graphs)
        self._mean = torch.as_tensor(mean, dtype=torch.float64)
        self._variance = torch.as_tensor(std, dtype=torch.float64).square()

    @property
    def num_outputs(self) -> int:
        """One score per candidate."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """No batch of models."""
        return torch.Size()

    def every_candidate(self) -> Tensor:
        """The whole list as BoTorch's input, `n x 1 x 1`."""
        return torch.arange(len(self._mean), dtype=torch.float64).reshape(-1, 1, 1)

    def posterior(self, X: Tensor, **_: Any) -> GPyTorchPosterior:
        """The posterior at `X` (`batch_shape x q x 1` positions)."""
        at = X.squeeze(-1).long()
        return GPyTorchPosterior(MultivariateNormal(self._mean[at], DiagLinearOperator(self._variance[at])))


def log_expected_improvement(
    predictor: ArchitecturePredictor, graphs: Sequence[ArchGraph], best: float
) -> NDArray[np.float64]:
    """Logarithm of the expected improvement over `best` of each graph, on the predictor's scores.

    BoTorch's `LogExpectedImprovement` (Ament et al., "Unexpected Improvements to Expected Improvement", NeurIPS 2023).

    Args:
        predictor: A fitted predictor.
        graphs: `n` candidates.
        best: The score to improve on.

    Returns:
        `(n,)` values; larger is better.
    """
    model = PredictorModel(predictor, graphs)
    with torch.no_grad():
        values: NDArray[np.float64] = LogExpectedImprovement(model, best_f=best)(model.every_candidate()).numpy()
    return values
