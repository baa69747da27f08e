"""Architecture predictors as BoTorch models. Imports BoTorch: import this module late.

A "point" of these models is a position in a list of graphs.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from botorch.models.ensemble import EnsembleModel
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from botorch.posteriors.ensemble import EnsemblePosterior
from botorch.sampling import MCSampler, SobolQMCNormalSampler
from gpytorch.distributions import MultivariateNormal
from linear_operator.operators import DiagLinearOperator
from numpy.typing import NDArray
from torch import Tensor

from predictors.architecture import GraphGP
from predictors.graph import ArchGraph
from smbo_nas.acquisition import Scores
from smbo_nas.joint_scores import JointScores

Array = NDArray[np.float64]


class MomentsModel(Model):
    """Independent normal values: right for analytic acquisitions, which look at one candidate at a time.

    Args:
        mean: `(n,)`.
        std: `(n,)`; 0 for a value that is known.
    """

    def __init__(self, mean: Array, std: Array) -> None:
        super().__init__()
        self._mean = torch.as_tensor(mean, dtype=torch.float64)
        self._variance = torch.as_tensor(std, dtype=torch.float64).square()

    @property
    def num_outputs(self) -> int:
        """One value per candidate."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """No batch of models."""
        return torch.Size()

    def every_candidate(self) -> Tensor:
        """The whole list as BoTorch's input, `n x 1 x 1`."""
        return positions(0, len(self._mean))

    def posterior(self, X: Tensor, **_: Any) -> GPyTorchPosterior:
        """The posterior at `X` (`batch_shape x q x 1` positions)."""
        at = X.squeeze(-1).long()
        return GPyTorchPosterior(MultivariateNormal(self._mean[at], DiagLinearOperator(self._variance[at])))


class PredictorModel(MomentsModel):
    """The scores of a list of graphs, independent given the data.

    Args:
        predictor: A fitted predictor.
        graphs: `n` candidates.
    """

    def __init__(self, predictor: Scores, graphs: Sequence[ArchGraph]) -> None:
        super().__init__(*predictor.predict_scores(graphs))


class JointNormalModel(Model):
    """The scores of a short list of graphs with their covariance.

    Args:
        mean: `(n,)`.
        covariance: `(n, n)`.
    """

    def __init__(self, mean: Array, covariance: Array) -> None:
        super().__init__()
        self._mean = torch.as_tensor(mean, dtype=torch.float64)
        self._covariance = torch.as_tensor(covariance, dtype=torch.float64)

    @property
    def num_outputs(self) -> int:
        """One score per graph."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """No batch of models."""
        return torch.Size()

    def posterior(self, X: Tensor, **_: Any) -> GPyTorchPosterior:
        """The joint posterior at `X` (`batch_shape x q x 1` positions)."""
        at = X.squeeze(-1).long()
        covariance = self._covariance[at.unsqueeze(-1), at.unsqueeze(-2)]
        return GPyTorchPosterior(MultivariateNormal(self._mean[at], covariance))


class DrawsModel(EnsembleModel):
    """The scores of a short list of graphs as joint draws: an ensemble in BoTorch's sense, whose members are the draws.

    Args:
        draws: `(s, n)`.
    """

    def __init__(self, draws: Array) -> None:
        super().__init__()
        self._num_outputs = 1
        self._draws = torch.as_tensor(draws, dtype=torch.float64)

    @property
    def batch_shape(self) -> torch.Size:
        """No batch of models."""
        return torch.Size()

    def forward(self, X: Tensor) -> Tensor:
        """The draws at `X` (`batch_shape x q x 1` positions), `batch_shape x s x q x 1`."""
        return self._draws[:, X.squeeze(-1).long()].movedim(0, -2).unsqueeze(-1)


class EveryDraw(MCSampler):
    """Takes each draw of a `DrawsModel` once, and so the same ones for every candidate.

    Args:
        n: Number of draws, s.
    """

    def __init__(self, n: int) -> None:
        super().__init__(sample_shape=torch.Size([n]))

    def forward(self, posterior: EnsemblePosterior) -> Tensor:
        """The draws, `s x batch_shape x q x m`."""
        draws: Tensor = posterior.values.movedim(-3, 0)
        return draws

    def _update_base_samples(self, posterior: EnsemblePosterior, base_sampler: MCSampler) -> None:
        """Acquisitions ask for the same samples of further points; they always are."""


def joint_model(
    predictor: Scores, graphs: Sequence[ArchGraph], n_draws: int, rng: np.random.Generator
) -> tuple[Model, MCSampler]:
    """A short list's joint posterior, exact for a `GraphGP` or `JointScores` and else by draws, and how to sample it.

    Args:
        predictor: A fitted predictor.
        graphs: The short list, `n` graphs of which no two are isomorphic.
        n_draws: Number of samples.
        rng: Source of the samples' seed.
    """
    seed = int(rng.integers(2**31))
    if isinstance(predictor, GraphGP | JointScores):
        model = JointNormalModel(*predictor.joint_scores(graphs))
        return model, SobolQMCNormalSampler(torch.Size([n_draws]), seed=seed)
    return DrawsModel(reseeded(predictor, seed).sample_scores(graphs, n_draws)), EveryDraw(n_draws)


def reseeded(predictor: Scores, seed: int) -> Scores:
    """The same fitted predictor, drawing from another seed."""
    twin = copy(predictor)
    twin.random_state = seed
    return twin


def positions(start: int, stop: int) -> Tensor:
    """The positions of a list from `start` to before `stop`, one at a time, `n x 1 x 1`."""
    return torch.arange(start, stop, dtype=torch.float64).reshape(-1, 1, 1)
