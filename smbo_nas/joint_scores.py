"""JointScores: what a fitted predictor says about a list of architectures, to be narrowed by what is learned later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from predictors.graph import ArchGraph

Array = NDArray[np.float64]

_JITTER = 1e-6


class JointScores:
    """The normal scores of a list of architectures as one normal distribution.

    Stands in for the predictor where an acquisition looks at these architectures alone. Further observations change it
    by Gaussian conditioning: for a `GraphGP` that is what a fit with its hyperparameters held would say; where the
    covariance comes from draws (`ArchitecturePredictor.joint_scores`), an ensemble Kalman update (Evensen, "The
    ensemble Kalman filter", Ocean Dynamics 2003).

    Args:
        graphs: `n` architectures, no two of them isomorphic.
        mean: `(n,)`.
        covariance: `(n, n)`, noise of a training included.
        explained: `(p, n)`, whose square is to be taken off the covariance; None for nothing.

    Attributes:
        random_state: Seed of `sample_scores`.
    """

    def __init__(
        self, graphs: Sequence[ArchGraph], mean: Array, covariance: Array, explained: Array | None = None
    ) -> None:
        self._graphs = graphs
        self._position = {graph.digest: k for k, graph in enumerate(graphs)}
        self._mean, self._covariance = mean, covariance
        self._explained = np.empty((0, len(mean))) if explained is None else explained
        variance = covariance.diagonal() - np.einsum("pn,pn->n", self._explained, self._explained)
        self._variance = np.maximum(variance, _JITTER)
        self.random_state: int | None = 0

    @classmethod
    def of(cls, predictor: ArchitecturePredictor, graphs: Sequence[ArchGraph], rng: np.random.Generator) -> Self:
        """What a fitted predictor says.

        Args:
            predictor: Fitted.
            graphs: `n` architectures; of isomorphic ones, the first is kept.
            rng: Source of the draws' seed, where the covariance takes draws.
        """
        first: dict[str, ArchGraph] = {}
        for graph in graphs:
            first.setdefault(graph.digest, graph)
        distinct = list(first.values())
        drawing = copy(predictor)
        drawing.random_state = int(rng.integers(2**31))
        return cls(distinct, *drawing.joint_scores(distinct))

    def given(self, scores: Mapping[str, float]) -> JointScores:
        """What is left once some were observed.

        Args:
            scores: The score observed by digest; NaN for one that is believed at its mean (Ginsbourger, Le Riche and
                Carraro 2010, "kriging believer"): its uncertainty is used up, and no mean moves.

        Raises:
            KeyError: When an architecture is none of the list.
        """
        if not scores:
            return self
        measured = [digest for digest, score in scores.items() if not np.isnan(score)]
        believed = [digest for digest, score in scores.items() if np.isnan(score)]
        at = [self._position[digest] for digest in (*measured, *believed)]
        rows = self._covariance[at] - self._explained[:, at].T @ self._explained
        factor = cholesky(rows[:, at] + _JITTER * np.eye(len(at)), lower=True)
        explained = solve_triangular(factor, rows, lower=True)
        p = len(measured)  # they come first, so that what is believed moves no mean
        missed = np.array([scores[digest] for digest in measured]) - self._mean[at[:p]]
        mean = self._mean + solve_triangular(factor[:p, :p], missed, lower=True) @ explained[:p]
        return JointScores(self._graphs, mean, self._covariance, np.vstack([self._explained, explained]))

    def predict_scores(self, graphs: Sequence[ArchGraph]) -> tuple[Array, Array]:
        """Mean and standard deviation of the scores, `(len(graphs),)` each, in any order of members of the list.

        Raises:
            KeyError: When an architecture is none of the list.
        """
        at = self._at(graphs)
        return self._mean[at], np.sqrt(self._variance[at])

    def joint_scores(self, graphs: Sequence[ArchGraph]) -> tuple[Array, Array]:
        """Mean `(m,)` and covariance `(m, m)` of the scores of `m` members of the list."""
        at = self._at(graphs)
        taken = self._explained[:, at]
        covariance = self._covariance[np.ix_(at, at)] - taken.T @ taken
        covariance[np.diag_indices_from(covariance)] = self._variance[at]
        return self._mean[at], covariance

    def sample_scores(self, graphs: Sequence[ArchGraph], n: int = 1) -> Array:
        """Draws of the scores of `m` members of the list, `(n, m)`."""
        mean, covariance = self.joint_scores(graphs)
        rng = np.random.default_rng(self.random_state)
        return rng.multivariate_normal(mean, covariance, size=n, check_valid="ignore", method="eigh")

    def _at(self, graphs: Sequence[ArchGraph]) -> list[int]:
        return [self._position[graph.digest] for graph in graphs]
