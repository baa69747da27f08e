"""The sequential regression models of Baker et al.: one for each number of observed steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import loguniform, uniform
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, RandomizedSearchCV, cross_val_predict
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import NuSVR

from predictors.curves.base import Array, CurvePredictor, Prior, check_curves, pad
from predictors.curves.features import CurveFeatures
from predictors.curves.last_value import LastValueCurvePredictor
from predictors.curves.mixture import StudentMixture
from predictors.curves.prior import check_prior, given_final
from predictors.curves.scaling import CurveScale, common_scale, with_known
from predictors.threads import single_blas_thread

REGRESSORS = ("nu_svr", "linear_nu_svr", "random_forest", "ols")

_FEWEST = 4  # With fewer finished curves than this, there is nothing to regress on.
_FOLDS = 3
_LEFT_OUT = 20  # Up to so many curves each is left out alone; beyond, in as many parts.
_GAUSSIAN = 1e6  # Degrees of freedom: of a normal distribution.
_SURE = 1e-4  # The least standard deviation, in units of the curves' spread.


class _NuSVR(NuSVR):
    """As scikit-learn's, which takes a seed that it has no use for from NumPy's global generator."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.random_state = 0
        super().fit(X, y, sample_weight)
        return self


@dataclass(frozen=True)
class _Model:
    """A fitted regressor and the root mean square of its errors on what was left out."""

    regressor: Any
    std: float


class SequentialRegressionPredictor(CurvePredictor):
    """Regression of a curve's end on its beginning, with a model of its own for each number of observed steps.

    Baker, Gupta, Raskar and Naik, "Accelerating Neural Architecture Search using Performance Prediction" (ICLR workshop
    2018, section 3): what a model reads are the values observed so far, their first and second differences, and
    numbers about the architecture and its hyperparameters. The default is a nu-SVR with a radial kernel whose nu, C and
    gamma are the best of a random search by cross-validation; the predictive is a normal distribution around it,
    whose standard deviation is that of the errors on curves left out (section 3.2). Departures: the search is shorter
    than the paper's 1,000 samples; beyond 20 curves they are left out in 20 parts rather than one by one; gaps are
    interpolated; models are fitted when first asked for; and with fewer than four finished curves it is
    `LastValueCurvePredictor` that answers.

    Args:
        horizon: Number of steps of a whole curve; None takes the number of columns in `fit`.
        regressor: "nu_svr", or what the paper compares with it: "linear_nu_svr", "random_forest" or "ols".
        candidates: Samples of the random search, at least 1.
        random_state: Seed of the search, its folds and the forest.

    Attributes:
        horizon_: Number of steps of a whole curve.
        finished_: The curves learned from, between about 0 and 1 and rising, `(n_curves, horizon_)`.
        scale_: Their units, None without curves.
    """

    finished_: Array
    scale_: CurveScale | None

    def __init__(
        self,
        horizon: int | None = None,
        *,
        regressor: str = "nu_svr",
        candidates: int = 40,
        random_state: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.regressor = regressor
        self.candidates = candidates
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, features: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """Learns from finished curves.

        Args:
            X: Shape `(n_curves, n_steps)`, NaN where not observed; `n_curves` may be 0.
            y: Ignored, here for scikit-learn.
            features: Numbers about what each curve is of, `(n_curves, k)`, NaN where not known; say, those of
                `predictors.encodings.statistics.GraphStatistics`, or a learning rate.

        Raises:
            ValueError: If `X` or `features` are not such matrices, `X` has more steps than `horizon`, or an argument of
                the constructor is out of range.
        """
        if self.regressor not in REGRESSORS:
            raise ValueError(f"`regressor` must be one of {list(REGRESSORS)}, but got {self.regressor!r}.")
        if self.candidates < 1:
            raise ValueError(f"`candidates` must be at least 1, but got {self.candidates}.")
        curves = check_curves(X)
        self._last_value = LastValueCurvePredictor(self.horizon).fit(curves)
        self.horizon_ = self._last_value.horizon_
        self._features = CurveFeatures().fit(features, len(curves))
        read = self._features.transform(features, len(curves))
        seen = np.isfinite(curves).any(1)
        curves = pad(curves[seen], self.horizon_)
        self.scale_ = common_scale(curves) if len(curves) else None
        self.finished_ = curves if self.scale_ is None else self.scale_.apply(curves)
        self._read = read[seen]
        self._models: dict[tuple[int, int, bool], _Model | None] = {}
        return self

    @single_blas_thread()
    def predictive(
        self, X: ArrayLike, at: int | None = None, prior: Prior | None = None, features: ArrayLike | None = None
    ) -> StudentMixture:
        """The distribution of the measured value at one step; see `CurvePredictor.predictive`.

        Args:
            X: See `CurvePredictor.predictive`; with features, a row without an observed value is predicted from them.
            at: See `CurvePredictor.predictive`.
            prior: See `CurvePredictor.predictive`; it moves the prediction of the last step only.
            features: Numbers about what each curve is of, `(n_curves, k)`; None where none are known.

        Raises:
            ValueError: If `X` has more steps than the horizon, `at` lies outside 1 and the horizon, the standard
                deviation in `prior` is not above 0, or `features` have not as many columns as in `fit`.
        """
        curves, column = self._check_query(X, at)
        m = len(curves)
        # Without features it is other models that answer, which never had any.
        read = np.empty((m, 0)) if features is None else self._features.transform(features, m)
        final = None if prior is None else check_prior(prior, m)
        fallback = self._last_value.predictive(curves, column + 1, prior)
        if self.scale_ is None:
            return fallback
        scaled = self.scale_.apply(curves)
        lengths = _lengths(curves[:, :column])
        loc, std, modelled = np.zeros((m, 1)), np.ones((m, 1)), np.zeros(m, dtype=bool)
        for length in np.unique(lengths).tolist():
            rows = np.flatnonzero(lengths == length)
            model = self._model(length, column, features is not None)
            if model is not None:
                loc[rows, 0] = model.regressor.predict(_inputs(scaled[rows, :length], read[rows]))
                std[rows, 0], modelled[rows] = model.std, True
        found = self.scale_.restore(StudentMixture(np.ones((m, 1)), loc, std, np.full((m, 1), _GAUSSIAN)))
        if final is not None and column == self.horizon_ - 1 and modelled.any():
            ended = self.finished_[:, -1][np.isfinite(self.finished_[:, -1])]
            spread = max(float(ended.std()), _SURE)
            own = self.scale_.restore(StudentMixture(*(np.array([[v]]) for v in (1.0, ended.mean(), spread, 1e6))))
            found = given_final(found, own.loc[0, 0], own.scale[0, 0], final)
        found = with_known(found, curves, column, final)
        parts = zip(vars(found).values(), vars(fallback).values(), strict=True)
        return StudentMixture(*(np.where(modelled[:, None], ours, last) for ours, last in parts))

    def _model(self, length: int, column: int, described: bool) -> _Model | None:
        """The model of the value at `column` given `length` steps; None with too little to learn from."""
        key = (length, column, described)
        if key not in self._models:
            target = self.finished_[:, column]
            usable = np.isfinite(target)
            if length > 0:
                usable &= np.isfinite(self.finished_[:, :length]).any(1)
            read = self._read[usable] if described else np.empty((int(usable.sum()), 0))
            inputs = _inputs(self.finished_[usable, :length], read)
            enough = len(inputs) >= _FEWEST and inputs.shape[1] > 0
            self._models[key] = self._regress(inputs, target[usable]) if enough else None
        return self._models[key]

    def _regress(self, inputs: Array, target: Array) -> _Model:
        """The best regressor of a random search, and its error."""
        regressor, space = self._candidates()
        pipeline = Pipeline([("scale", StandardScaler()), ("regress", regressor)])
        scaled = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
        if space:
            search = RandomizedSearchCV(
                scaled,
                {f"regressor__regress__{name}": values for name, values in space.items()},
                n_iter=self.candidates,
                scoring="neg_mean_squared_error",
                cv=KFold(_FOLDS, shuffle=True, random_state=self.random_state),
                random_state=self.random_state,
                refit=False,
            )
            scaled.set_params(**search.fit(inputs, target).best_params_)
        parts = KFold(min(len(target), _LEFT_OUT), shuffle=True, random_state=self.random_state)
        error = cross_val_predict(scaled, inputs, target, cv=parts) - target
        return _Model(scaled.fit(inputs, target), max(float(np.sqrt(np.mean(error**2))), _SURE))

    def _candidates(self) -> tuple[Any, dict[str, Any]]:
        """The regressor, and the distributions of its hyperparameters as the paper's search has them."""
        if self.regressor == "ols":
            return LinearRegression(), {}
        if self.regressor == "random_forest":
            return RandomForestRegressor(n_estimators=50, random_state=self.random_state), {}
        space = {"C": loguniform(1e-5, 10), "nu": uniform(0.01, 0.98)}
        if self.regressor == "linear_nu_svr":
            return _NuSVR(kernel="linear"), space
        return _NuSVR(), {**space, "gamma": loguniform(1e-5, 10)}


def _lengths(curves: Array) -> NDArray[np.intp]:
    """The last observed step of each curve, counted from 1; 0 without one."""
    seen = np.isfinite(curves)
    steps = np.arange(1, curves.shape[1] + 1)
    return np.asarray(np.max(seen * steps, axis=1, initial=0), dtype=np.intp)


def _inputs(begun: Array, read: Array) -> Array:
    """What a regressor reads: values, first and second differences, and features, `(m, d)`.

    Args:
        begun: `(m, length)`, at least one value observed in each row unless the length is 0.
        read: Features, `(m, k)`.
    """
    steps = np.arange(begun.shape[1])
    filled = begun.copy()
    for row in filled:
        seen = np.isfinite(row)
        if not seen.all():
            row[:] = np.interp(steps, steps[seen], row[seen])
    return np.hstack([filled, np.diff(filled, axis=1), np.diff(filled, 2, axis=1), read])
