"""What every estimator of a network's final value from its graph can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import islice
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.covariance import ledoit_wolf
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from predictors.architecture.error_law import ErrorLaw, HeldOut
from predictors.architecture.inputs import EMPTY_GRAPH, Inputs, Rows, holds_graphs, split_rows
from predictors.architecture.transfer import PriorMean
from predictors.encodings.columns import ColumnEncoder
from predictors.scores import ScoreMap

Array = NDArray[np.float64]

_EXAMPLES = 3
_DRAWS = 512


class ArchitecturePredictor(RegressorMixin, BaseEstimator, ABC):
    """Base of the scikit-learn estimators of a final value from an `ArchGraph`.

    `X` is a sequence of `ArchGraph`, a sequence of `Described` (graphs with named numbers that ride along), or a
    two-dimensional array of numbers alone.

    Values are real numbers in the user's units, higher is better. Inside, a predictor works on normal scores of the
    values (`ScoreMap`): search cares about the order of networks, and scores make that order Gaussian whatever the
    metric. `predict`, `quantiles` and `sample` answer in the user's units, `predict_scores` and `sample_scores` in
    scores, where an acquisition function works best.

    A subclass stores `random_state` (an int, or None for fresh entropy at every use), and implements `_fit_scores`,
    `_predict_scores` and `_sample_scores`.

    Attributes:
        score_map_: The map between values and scores.
        held_out_: What the predictor says about each observation of `fit` without having seen its value.
        error_law_: How far from the mean values fall, in predicted standard deviations, learned from `held_out_`.
        column_names_: Names of the numbers that ride along, sorted.
        column_encoder_: Their scale.
        source_: The predictor learned from, or None.
        prior_mean_: How its scores become scores here.
        examples_: The first rows of `fit`, by which a saved predictor is checked when it is loaded.
    """

    random_state: int | None
    score_map_: ScoreMap
    held_out_: HeldOut
    error_law_: ErrorLaw
    column_names_: tuple[str, ...]
    column_encoder_: ColumnEncoder
    source_: ArchitecturePredictor | None
    prior_mean_: PriorMean
    examples_: Rows

    def __sklearn_tags__(self) -> Any:
        """Columns may have gaps."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(
        self,
        X: Rows,
        y: ArrayLike,
        *,
        y_std: ArrayLike | None = None,
        source: ArchitecturePredictor | None = None,
    ) -> Self:
        """Learns from networks whose final value is known.

        Args:
            X: The architectures, at least one.
            y: Final values, `(len(X),)`.
            y_std: Standard deviation of each value, `(len(X),)`; 0 where it was measured. For networks whose training
                was stopped and whose final value is itself a prediction.
            source: A predictor fitted on another data set or task of the same space. This one learns how its scores
                become scores here (`PriorMean`), and what they leave unexplained.

        Raises:
            TypeError: When `X` holds something other than graphs or numbers.
            ValueError: When `X` is empty, lengths differ, or a number is not finite or a deviation is negative.
            NotFittedError: When `source` is not fitted.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        if source is not None:
            check_is_fitted(source, "score_map_")
        self.source_ = source
        inputs = self._read(X, reset=True)
        n = len(inputs)
        source_scores = self._source_scores(X, n)
        values = _check_numbers("y", column_or_1d(y, warn=True), n)
        deviations = None if y_std is None else _check_numbers("y_std", y_std, n)
        if deviations is not None and (deviations < 0).any():
            raise ValueError(f"`y_std` must not be negative, but holds {deviations.min()}.")
        self.score_map_ = ScoreMap.fit(values, deviations)
        scores = self.score_map_.to_scores(values)
        noise = np.zeros(n) if deviations is None else self.score_map_.score_std(values, deviations)
        self.prior_mean_ = PriorMean() if source is None else PriorMean.fit(source_scores, scores, noise)
        prior = self.prior_mean_
        rest = self._fit_scores(inputs, prior.remove(scores, source_scores), noise / prior.scale)
        self.held_out_ = prior.add_to(rest, source_scores)
        self.error_law_ = ErrorLaw.fit(self.held_out_, scores, noise)
        return self

    @overload
    def predict(self, X: Rows, return_std: Literal[False] = ...) -> Array: ...
    @overload
    def predict(self, X: Rows, return_std: Literal[True]) -> tuple[Array, Array]: ...
    @overload
    def predict(self, X: Rows, return_std: bool) -> Array | tuple[Array, Array]: ...
    def predict(self, X: Rows, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Mean of the final values in the user's units, with the standard deviation on request, `(len(X),)` each.

        Raises:
            TypeError: When `X` holds something other than graphs or numbers.
            ValueError: When its columns are not those of `fit`.
        """
        score_mean, score_std = self.predict_scores(X)
        mean, std = self.score_map_.value_moments(score_mean, score_std)
        return (mean, std) if return_std else mean

    def predict_scores(self, X: Rows) -> tuple[Array, Array]:
        """Mean and standard deviation of the normal scores of the final values, `(len(X),)` each.

        The standard deviation is that of a value as training would measure it, noise included.
        """
        check_is_fitted(self, "score_map_")
        mean, std = self._moments(X)
        return mean, std * self.error_law_.std

    def quantiles(self, X: Rows, q: ArrayLike) -> Array:
        """Quantiles of the final values as training would measure them, in the user's units.

        Args:
            X: The architectures.
            q: Probabilities between 0 and 1, `(m,)`; (0.1, 0.9) bounds the central 80 %.

        Returns:
            `(m, len(X))`.

        Raises:
            ValueError: When a probability is not between 0 and 1.
        """
        check_is_fitted(self, "score_map_")
        probabilities = np.atleast_1d(np.asarray(q, dtype=np.float64))
        if probabilities.ndim != 1 or not ((probabilities > 0) & (probabilities < 1)).all():
            raise ValueError(f"`q` must hold probabilities between 0 and 1, but got {q!r}.")
        mean, std = self._moments(X)
        return self.score_map_.to_values(mean + std * self.error_law_.quantiles(probabilities)[:, None])

    def sample(self, X: Rows, n: int = 1) -> Array:
        """Draws from the joint distribution of the final values, in the user's units.

        Args:
            X: The architectures.
            n: Number of draws.

        Returns:
            `(n, len(X))`; a row is one draw at all of `X`, equal for isomorphic graphs.
        """
        scores = self.sample_scores(X, n)
        return self.score_map_.to_values(scores)

    def sample_scores(self, X: Rows, n: int = 1) -> Array:
        """As `sample`, in normal scores.

        Raises:
            ValueError: When `n` is less than 1.
        """
        check_is_fitted(self, "score_map_")
        if n < 1:
            raise ValueError(f"`n` must be at least 1, but got {n}.")
        inputs = self._read(X)
        if not len(inputs):
            return np.empty((n, 0))
        mean, draws = self._sample_scores(inputs, n, np.random.default_rng(self.random_state))
        draws = mean + (draws - mean) * self.error_law_.std
        return self.prior_mean_.add(draws, self._source_scores(X, len(inputs)))

    def joint_scores(self, X: Rows) -> tuple[Array, Array]:
        """Mean `(n,)` and covariance `(n, n)` of the normal scores of a short list; `predict_scores` has its diagonal.

        The covariance of a process is exact. Where there are draws alone, correlations are those of 512, shrunk as by
        Ledoit and Wolf ("A well-conditioned estimator for large-dimensional covariance matrices", 2004).

        Raises:
            TypeError: When `X` holds something other than graphs or numbers.
            ValueError: When its columns are not those of `fit`.
        """
        check_is_fitted(self, "score_map_")
        inputs = self._read(X)
        if not len(inputs):
            return np.empty(0), np.empty((0, 0))
        mean, covariance = self._joint_scores(inputs, np.random.default_rng(self.random_state))
        scale = self.prior_mean_.scale * self.error_law_.std
        return self.prior_mean_.add(mean, self._source_scores(X, len(inputs))), scale**2 * covariance

    def _require_at_least(self, **lowest: int) -> None:
        """Checks arguments of the constructor by their names."""
        for name, bound in lowest.items():
            if getattr(self, name) < bound:
                raise ValueError(f"`{name}` must be at least {bound}, but got {getattr(self, name)}.")

    def _moments(self, X: Rows) -> tuple[Array, Array]:
        """Mean and standard deviation of the scores of `X`, before the error law."""
        inputs = self._read(X)
        if not len(inputs):
            return np.empty(0), np.empty(0)
        mean, std = self._predict_scores(inputs)
        return self.prior_mean_.add(mean, self._source_scores(X, len(inputs))), self.prior_mean_.scale * std

    def _source_scores(self, X: Rows, n: int) -> Array:
        if self.source_ is None:
            return np.zeros(n)
        if holds_graphs(X) and not self.source_.column_names_:  # it says the same whatever rides along
            X = split_rows(X)[0]
        return self.source_.predict_scores(X)[0]

    def _read(self, X: Rows, *, reset: bool = False) -> Inputs:
        """The graphs of `X`, and what rides along with them on the scale of normal scores."""
        if holds_graphs(X):
            rows: Rows = tuple(islice(X, _EXAMPLES))
            graphs, names, columns = split_rows(X)
            if reset and not graphs:
                raise ValueError("`X` must hold at least one graph, but is empty.")
        else:
            columns = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
            graphs, names = [EMPTY_GRAPH] * len(columns), tuple(f"x{k}" for k in range(columns.shape[1]))
            rows = columns[:_EXAMPLES].copy()
        if reset:
            self.column_names_, self.examples_ = names, rows
        elif graphs and names != self.column_names_:
            raise ValueError(f"`X` must have the columns {list(self.column_names_)}, but has {list(names)}.")
        if not graphs:
            return Inputs([], np.empty((0, 0)))
        if reset:
            self.column_encoder_ = ColumnEncoder().fit(columns)
        return Inputs(graphs, self.column_encoder_.transform(columns))

    @abstractmethod
    def _fit_scores(self, inputs: Inputs, scores: Array, noise: Array) -> HeldOut:
        """Learns from normal scores `(n,)` with standard deviations `noise` `(n,)`, 0 where measured.

        Returns:
            What is predicted for each observation when its value is left out.
        """

    @abstractmethod
    def _predict_scores(self, inputs: Inputs) -> tuple[Array, Array]:
        """Mean and standard deviation of the normal scores, before the error law; at least one graph."""

    @abstractmethod
    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Mean `(m,)` and draws `(n, m)` of the normal scores, before the error law; at least one graph."""

    def _joint_scores(self, inputs: Inputs, rng: np.random.Generator) -> tuple[Array, Array]:
        """Mean `(n,)` and covariance `(n, n)` of the normal scores, before the error law; at least one graph."""
        mean, std = self._predict_scores(inputs)
        _, draws = self._sample_scores(inputs, _DRAWS, rng)
        spread = draws.std(axis=0)
        correlation, _ = ledoit_wolf((draws - draws.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0))
        correlation[np.diag_indices_from(correlation)] = 1.0
        return mean, correlation * np.outer(std, std)


def draw_per_architecture(inputs: Inputs, n: int, rng: np.random.Generator) -> Array:
    """Standard normal draws `(n, len(inputs))`, independent between architectures and equal for isomorphic graphs."""
    which = inputs.identities()
    return rng.standard_normal((n, int(which.max(initial=-1)) + 1))[:, which]


def _check_numbers(name: str, numbers: ArrayLike, length: int) -> Array:
    array = np.asarray(numbers, dtype=np.float64)
    if array.shape != (length,):
        raise ValueError(f"`{name}` must have one number for each of the {length} graphs, but has shape {array.shape}.")
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"`{name}` must be finite, but item {where} is {array[where]}.")
    return array
