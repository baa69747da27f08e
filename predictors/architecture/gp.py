"""GraphGP: a Gaussian process on what signal meets on its way through an architecture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.base import ArchitecturePredictor, Array
from predictors.architecture.error_law import HeldOut
from predictors.architecture.gaussian_process import ExactGP, InducingPointGP
from predictors.architecture.inputs import Inputs
from predictors.architecture.kernel import Kernel, fit_kernel
from predictors.encodings.statistics import GraphStatistics
from predictors.threads import single_blas_thread


class GraphGP(ArchitecturePredictor):
    """Gaussian process regression of normal scores on `GraphStatistics` and whatever rides along.

    Strong from the first few networks on, fits in well under a second up to about 200 observations, and predicts the
    same for isomorphic graphs. Noise is learned; uncertain observations (`y_std`) add their own. The learned noise
    stands for chance in training and for what the statistics miss about an architecture, so it is part of the
    predicted standard deviation: that covers held-out values better, and searches faster.

    The posterior and the marginal likelihood are written out instead of taken from GPyTorch: the gradient by the
    lengthscale of each of some 200 columns is then two matrix products.

    Args:
        max_exact: Observations up to which the process is exact; more of them speak through as many inducing points.
        max_fit: Observations, drawn at random, by which the hyperparameters are chosen.
        random_state: Seed of these draws and of `sample`.

    Attributes:
        kernel_: What the marginal likelihood chose.
        encoder_: The fitted `GraphStatistics`.
        posterior_: The fitted process.
    """

    kernel_: Kernel
    encoder_: GraphStatistics
    posterior_: ExactGP | InducingPointGP

    def __init__(self, *, max_exact: int = 1500, max_fit: int = 500, random_state: int | None = None) -> None:
        self.max_exact = max_exact
        self.max_fit = max_fit
        self.random_state = random_state

    def _fit_scores(self, inputs: Inputs, scores: Array, noise: Array) -> HeldOut:
        self._require_at_least(max_exact=1, max_fit=1)
        self.encoder_ = GraphStatistics()
        features = np.hstack([self.encoder_.fit_transform(inputs.graphs), inputs.columns])
        columns = [f"column {k}" for k in range(inputs.columns.shape[1])]
        groups = [*self.encoder_.names_, *columns]
        n = len(features)
        order = np.random.default_rng(self.random_state).permutation(n)
        some = np.sort(order[: self.max_fit])
        with single_blas_thread():
            self.kernel_ = fit_kernel(features[some], groups, len(columns), scores[some], noise[some])
            if n <= self.max_exact:
                self.posterior_ = ExactGP(self.kernel_, features, scores, noise)
            else:
                points = np.unique(features[order[: self.max_exact]], axis=0)
                self.posterior_ = InducingPointGP(self.kernel_, features, scores, noise, points)
            return HeldOut(*self.posterior_.leave_one_out())

    def _predict_scores(self, inputs: Inputs) -> tuple[Array, Array]:
        features, which = self._features(inputs)
        with single_blas_thread():
            mean, std = self.posterior_.posterior(features)
        return mean[which], np.sqrt(std**2 + self.kernel_.noise)[which]

    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        features, which = self._features(inputs)
        with single_blas_thread():
            mean, _ = self.posterior_.posterior(features)
            draws = self.posterior_.sample(features, n, rng)
        draws += rng.standard_normal(draws.shape) * np.sqrt(self.kernel_.noise)
        return mean[which], draws[:, which]

    def _joint_scores(self, inputs: Inputs, rng: np.random.Generator) -> tuple[Array, Array]:  # noqa: ARG002
        features, which = self._features(inputs)
        with single_blas_thread():
            mean, covariance = self.posterior_.joint(features)
        covariance[np.diag_indices_from(covariance)] += self.kernel_.noise
        return mean[which], covariance[np.ix_(which, which)]

    def _features(self, inputs: Inputs) -> tuple[Array, NDArray[np.intp]]:
        """Features of each distinct architecture, and which of them each input is."""
        distinct, which = inputs.distinct()
        return np.hstack([self.encoder_.transform(distinct.graphs), distinct.columns]), which
