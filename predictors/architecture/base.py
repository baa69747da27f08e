"""What every estimator of a network's final value from its graph can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from predictors.architecture.scores import ScoreMap
from predictors.graph import ArchGraph

Array = NDArray[np.float64]
Graphs = Sequence[ArchGraph]


class ArchitecturePredictor(RegressorMixin, BaseEstimator, ABC):
    """Base of the scikit-learn estimators of a final value from an `ArchGraph`.

    Values are real numbers in the user's units, higher is better. Inside, a predictor works on normal scores of the
    values (`ScoreMap`): search cares about the order of networks, and scores make that order Gaussian whatever the
    metric. `predict` and `sample` answer in the user's units, `predict_scores` and `sample_scores` in scores, where
    an acquisition function works best.

    A subclass stores `random_state` (an int, or None for fresh entropy at every use), and implements `_fit_scores`,
    `_predict_scores` and `_sample_scores`.

    Attributes:
        score_map_: The map between values and scores.
    """

    random_state: int | None
    score_map_: ScoreMap

    def fit(self, X: Graphs, y: ArrayLike, *, y_std: ArrayLike | None = None) -> Self:
        """Learns from networks whose final value is known.

        Args:
            X: The architectures, at least one.
            y: Final values, `(len(X),)`.
            y_std: Standard deviation of each value, `(len(X),)`; 0 where it was measured. For networks whose training
                was stopped and whose final value is itself a prediction.

        Raises:
            TypeError: When `X` holds something other than graphs.
            ValueError: When `X` is empty, lengths differ, or a number is not finite or a deviation is negative.
        """
        graphs = check_graphs(X)
        if not graphs:
            raise ValueError("`X` must hold at least one graph, but is empty.")
        values = _check_numbers("y", y, len(graphs))
        deviations = None if y_std is None else _check_numbers("y_std", y_std, len(graphs))
        if deviations is not None and (deviations < 0).any():
            raise ValueError(f"`y_std` must not be negative, but holds {deviations.min()}.")
        self.score_map_ = ScoreMap.fit(values, deviations)
        scores = self.score_map_.to_scores(values)
        noise = np.zeros(len(graphs)) if deviations is None else self.score_map_.score_std(values, deviations)
        self._fit_scores(graphs, scores, noise)
        return self

    @overload
    def predict(self, X: Graphs, return_std: Literal[False] = ...) -> Array: ...
    @overload
    def predict(self, X: Graphs, return_std: Literal[True]) -> tuple[Array, Array]: ...
    @overload
    def predict(self, X: Graphs, return_std: bool) -> Array | tuple[Array, Array]: ...
    def predict(self, X: Graphs, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Mean of the final values in the user's units, with the standard deviation on request, `(len(X),)` each.

        Raises:
            TypeError: When `X` holds something other than graphs.
        """
        score_mean, score_std = self.predict_scores(X)
        mean, std = self.score_map_.value_moments(score_mean, score_std)
        return (mean, std) if return_std else mean

    def predict_scores(self, X: Graphs) -> tuple[Array, Array]:
        """Mean and standard deviation of the normal scores of the final values, `(len(X),)` each.

        The standard deviation is that of a value as training would measure it, noise included.
        """
        check_is_fitted(self, "score_map_")
        graphs = check_graphs(X)
        if not graphs:
            return np.empty(0), np.empty(0)
        return self._predict_scores(graphs)

    def sample(self, X: Graphs, n: int = 1) -> Array:
        """Draws from the joint distribution of the final values, in the user's units.

        Args:
            X: The architectures.
            n: Number of draws.

        Returns:
            `(n, len(X))`; a row is one draw at all of `X`, equal for isomorphic graphs.
        """
        scores = self.sample_scores(X, n)
        return self.score_map_.to_values(scores)

    def sample_scores(self, X: Graphs, n: int = 1) -> Array:
        """As `sample`, in normal scores.

        Raises:
            ValueError: When `n` is less than 1.
        """
        check_is_fitted(self, "score_map_")
        if n < 1:
            raise ValueError(f"`n` must be at least 1, but got {n}.")
        graphs = check_graphs(X)
        if not graphs:
            return np.empty((n, 0))
        return self._sample_scores(graphs, n, np.random.default_rng(self.random_state))

    @abstractmethod
    def _fit_scores(self, graphs: list[ArchGraph], scores: Array, noise: Array) -> None:
        """Learns from normal scores `(n,)` with standard deviations `noise` `(n,)`, 0 where measured."""

    @abstractmethod
    def _predict_scores(self, graphs: list[ArchGraph]) -> tuple[Array, Array]:
        """See `predict_scores`; at least one graph."""

    @abstractmethod
    def _sample_scores(self, graphs: list[ArchGraph], n: int, rng: np.random.Generator) -> Array:
        """See `sample_scores`; at least one graph."""


def draw_per_architecture(graphs: Graphs, n: int, rng: np.random.Generator) -> Array:
    """Standard normal draws `(n, len(graphs))`, independent between architectures and equal for isomorphic graphs."""
    place: dict[ArchGraph, int] = {}
    which = [place.setdefault(graph.canonical(), len(place)) for graph in graphs]
    return rng.standard_normal((n, len(place)))[:, which]


def check_graphs(X: Any) -> list[ArchGraph]:
    """Returns `X` as a list.

    Raises:
        TypeError: When `X` is no sequence of graphs.
    """
    if isinstance(X, ArchGraph | str) or not hasattr(X, "__iter__"):
        raise TypeError(f"`X` must be a sequence of ArchGraph, but got {type(X).__name__}.")
    graphs = list(X)
    for k, graph in enumerate(graphs):
        if not isinstance(graph, ArchGraph):
            raise TypeError(f"`X` must hold ArchGraph only, but item {k} is of type {type(graph).__name__}.")
    return graphs


def _check_numbers(name: str, numbers: ArrayLike, length: int) -> Array:
    array = np.asarray(numbers, dtype=np.float64)
    if array.shape != (length,):
        raise ValueError(f"`{name}` must have one number for each of the {length} graphs, but has shape {array.shape}.")
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"`{name}` must be finite, but item {where} is {array[where]}.")
    return array
