"""TreeEnsemble: forests and gradient boosting on statistics of graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.base import Array
from predictors.architecture.ensemble import CalibratedEnsemble
from predictors.architecture.inputs import Inputs
from predictors.architecture.regression_trees import RegressionTrees
from predictors.encodings.statistics import GraphStatistics

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor

_MAX_FEATURES = 1.0 / 3.0


class TreeEnsemble(CalibratedEnsemble):
    """An ensemble of scikit-learn's tree ensembles, on `GraphStatistics` and whatever rides along.

    The forest is made of extremely randomised trees (Geurts et al., "Extremely randomized trees", Machine Learning
    2006); boosting is that of Friedman ("Stochastic gradient boosting", Computational Statistics & Data Analysis 2002)
    with squared loss, each tree from half the observations. Departures: each member leaves out its share of the
    observations, so that mean and standard deviation are calibrated on these as with the other ensembles; a leaf holds
    at least half the weight of an average observation, so that an uncertain one does not get a leaf of its own.

    Of the fitted trees only plain arrays are kept (`RegressionTrees`): these can be saved and read without pickle.

    Args:
        kind: `boosting` or `forest`.
        members: Number of forests or boosted ensembles, at least 2.
        trees: Trees of each.
        random_state: Seed of the trees and of the shares left out.

    Attributes:
        trees_: The fitted `RegressionTrees`.
        encoder_: The fitted `GraphStatistics`.
    """

    trees_: RegressionTrees
    encoder_: GraphStatistics

    def __init__(
        self, *, kind: str = "boosting", members: int = 5, trees: int = 200, random_state: int | None = None
    ) -> None:
        self.kind = kind
        self.members = members
        self.trees = trees
        self.random_state = random_state

    def _fit_members(
        self, inputs: Inputs, scores: Array, noise: Array, seen: NDArray[np.bool_], rng: np.random.Generator
    ) -> Array:
        if self.kind not in _KINDS:
            raise ValueError(f"`kind` must be one of {list(_KINDS)}, but got {self.kind!r}.")
        self._require_at_least(trees=1)
        self.encoder_ = GraphStatistics()
        features = np.hstack([self.encoder_.fit_transform(inputs.graphs), inputs.columns])
        weights = 1.0 / (1.0 + noise**2)
        members = []
        for rows in seen:
            regressor = _KINDS[self.kind](
                int(rows.sum()),
                n_estimators=self.trees,
                max_features=_MAX_FEATURES,
                min_weight_fraction_leaf=0.5 / rows.sum(),
                random_state=int(rng.integers(2**31)),
            )
            regressor.fit(features[rows], scores[rows], sample_weight=weights[rows])
            members.append(regressor)
        self.trees_ = RegressionTrees.of(members)
        return self.trees_.predict(features)

    def _raw(self, inputs: Inputs) -> Array:
        return self.trees_.predict(self._features(inputs))

    def _features(self, inputs: Inputs) -> Array:
        return np.hstack([self.encoder_.transform(inputs.graphs), inputs.columns])


def _forest(n: int, **settings: Any) -> ExtraTreesRegressor:  # noqa: ARG001
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(n_jobs=1, **settings)


def _boosting(n: int, **settings: Any) -> GradientBoostingRegressor:
    from sklearn.ensemble import GradientBoostingRegressor

    subsample = 0.5 if n > 1 else 1.0  # half of one observation is none
    return GradientBoostingRegressor(learning_rate=0.1, max_depth=6, subsample=subsample, **settings)


_KINDS: dict[str, Callable[..., Any]] = {"forest": _forest, "boosting": _boosting}
