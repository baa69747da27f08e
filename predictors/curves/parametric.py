"""A Bayesian mixture of parametric learning curves that learns from the finished ones."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from predictors.curves.base import CurvePredictor, Prior, check_curves, pad
from predictors.curves.conjugate import CurvePrior, condition
from predictors.curves.learning import last_values, learn_prior, observed_groups, vague_prior
from predictors.curves.mixture import StudentMixture
from predictors.threads import single_blas_thread

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_FAR = 1e6  # A value further than this many spreads from the centre is as far as that.
_FOLDS = 5
_FOLD_CURVES = 60  # With more curves than this one curve hardly changes what is learned.
_OUTLIERS = 0.05  # Prior probability of a curve unlike the finished ones, such as of a network that learns nothing.
_OUTLIER_COV = np.diag([10.0, 0.01])  # Of its level and its rise, in units of the finished curves' spread.
_ASSUMED_ERRORS = 8.0  # Pseudo-observations of a standardised error of variance 1.3.


class ParametricCurvePredictor(CurvePredictor):
    """The curve models of Domhan et al. as one exact Bayesian mixture, without sampling.

    Every curve is `y(t) = a + b * phi(t) + noise` with `phi` from a dictionary of shapes: the
    families of Domhan, Springenberg and Hutter, "Speeding up Automatic Hyperparameter
    Optimization of Deep Neural Networks by Extrapolation of Learning Curves" (IJCAI 2015, Table
    1) on a grid of their nonlinear parameters. Given the shape, everything is a closed form, so
    the posterior is a mixture of Student-t distributions. It departs from the paper in three ways:
    the families are mixed with posterior weights instead of added up; the grid replaces MCMC; and
    finished curves are learned from (empirical Bayes): their mean shapes join the dictionary,
    and they set the prior of the levels, of the shapes and of the noise, its correlation over
    the steps included. So what a learning-rate schedule does at the end is learned from the
    curves that got there. A curve may also be an outlier, flat at any level, as that of a network
    that learns nothing. The predictive spread is then scaled, for every length of the observed
    part, by how large the errors were on finished curves held out (up to 60 curves) or refitted
    (beyond).

    Args:
        horizon: Number of steps of a whole curve; None takes the number of columns in `fit`.
        max_curves: More finished curves than this are thinned to it, evenly by final value.

    Attributes:
        horizon_: Number of steps of a whole curve.
        n_curves_: Number of finished curves with an observed value; 0 if only the vague prior is
            at work, whose units are taken from each partial curve itself.
    """

    def __init__(self, horizon: int | None = None, max_curves: int = 128) -> None:
        self.horizon = horizon
        self.max_curves = max_curves

    @single_blas_thread()
    def fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002
        """Learns from finished curves.

        Args:
            X: Shape `(n_curves, n_steps)`, NaN where not observed; `n_curves` may be 0.
            y: Ignored, here for scikit-learn.

        Raises:
            ValueError: If `X` is not such a matrix, has more steps than `horizon`, or if
                `horizon` or `max_curves` is less than 1.
        """
        curves = check_curves(X)
        horizon = curves.shape[1] if self.horizon is None else self.horizon
        if horizon < 1:
            raise ValueError(f"`horizon` must be at least 1, but got {horizon}.")
        if self.max_curves < 1:
            raise ValueError(f"`max_curves` must be at least 1, but got {self.max_curves}.")
        if curves.shape[1] > horizon:
            raise ValueError(f"`X` must have at most {horizon} steps, the horizon, but got {curves.shape[1]}.")
        self.horizon_ = horizon
        curves = pad(curves[np.isfinite(curves).any(1)], horizon)
        self.n_curves_ = len(curves)
        self._lengths, self._stretch = np.array([0.0]), np.array([1.0])
        if len(curves) == 0:
            self._prior = vague_prior(horizon)
            return self
        if len(curves) > self.max_curves:
            order = np.argsort(last_values(curves), kind="stable")
            place = np.linspace(0, len(curves) - 1, self.max_curves).round().astype(np.intp)
            curves = curves[order[place]]
        self._center, self._unit = _standard(curves)
        standardised = self._standardise(curves, self._center, self._unit)
        self._prior = learn_prior(standardised)
        self._calibrate(standardised)
        return self

    def predictive(self, X: ArrayLike, at: int | None = None, prior: Prior | None = None) -> StudentMixture:
        """The distribution of the measured value at one step; see `CurvePredictor.predictive`.

        Raises:
            ValueError: If `X` has more steps than the horizon, `at` lies outside 1 and the
                horizon, or the standard deviation in `prior` is not above 0.
        """
        curves, column = self._check_query(X, at)
        m = len(curves)
        final = None if prior is None else _check_prior(prior, m)
        center, unit = self._units(curves, final)
        belief = self._prior
        if final is not None:
            belief = belief.given_final((final[0] - center) / unit, final[1] / unit)
        standardised = self._standardise(curves, center[:, None], unit[:, None])
        d = self._mixture(belief, standardised, column)
        known = np.isfinite(curves[:, column])
        loc = np.where(known[:, None], curves[:, [column]], d.loc * unit[:, None] + center[:, None])
        return StudentMixture(d.weights, loc, d.scale * unit[:, None], d.dof)

    def _units(self, curves: Array, final: tuple[Array, Array] | None) -> tuple[Array, Array]:
        """Centre and unit of every curve: of the finished curves, or of the curve itself."""
        m = len(curves)
        if self.n_curves_ > 0:
            return np.full(m, self._center), np.full(m, self._unit)
        center, unit = (np.zeros(m), np.ones(m)) if final is None else final
        center, unit = center.copy(), unit.copy()
        for row in np.flatnonzero(np.isfinite(curves).any(1)):
            seen = curves[row][np.isfinite(curves[row])]
            center[row] = seen[-1]
            unit[row] = np.ptp(seen) or abs(seen[-1]) or 1.0
        return center, unit

    @staticmethod
    def _standardise(curves: Array, center: Array | float, unit: Array | float) -> Array:
        return np.clip((curves - center) / unit, -_FAR, _FAR)

    def _mixture(self, prior: CurvePrior, curves: Array, column: int) -> StudentMixture:
        """The calibrated predictive of standardised curves at a column."""
        beliefs = [(prior, 1.0)]
        if self.n_curves_ > 0:
            beliefs = [(prior, 1.0 - _OUTLIERS), (prior.of_outliers(_OUTLIER_COV), _OUTLIERS)]
        m, k = len(curves), len(prior.phi) * len(beliefs)
        weights, dof = np.full((m, k), 1.0 / k), np.full((m, k), 10.0)
        loc, scale = np.repeat(curves[:, [column]], k, axis=1), np.zeros((m, k))
        for rows, steps in observed_groups(curves):
            if column in steps:
                continue
            seen = curves[np.ix_(rows, steps)]
            posteriors = [condition(belief.of(rows), seen, steps) for belief, _ in beliefs]
            share = softmax([np.log(q) + p.log_evidence for p, (_, q) in zip(posteriors, beliefs, strict=True)], axis=0)
            parts = [p.predictive(column) for p in posteriors]
            weights[rows] = np.concatenate([d.weights * s[:, None] for d, s in zip(parts, share, strict=True)], axis=1)
            loc[rows] = np.concatenate([d.loc for d in parts], axis=1)
            scale[rows] = np.concatenate([d.scale for d in parts], axis=1)
            dof[rows] = np.concatenate([d.dof for d in parts], axis=1)
        seen = np.isfinite(curves)
        length = np.where(seen.any(1), seen.shape[1] - np.argmax(seen[:, ::-1], axis=1), 0)
        stretch = np.exp(np.interp(length, self._lengths, np.log(self._stretch)))[:, None]
        mean = (weights * loc).sum(1, keepdims=True)
        return StudentMixture(weights, mean + stretch * (loc - mean), scale * stretch, dof)

    def _calibrate(self, curves: Array) -> None:
        """Learns by how much errors of the final value exceed what the model expects of them."""
        horizon = curves.shape[1]
        whole = np.isfinite(curves[:, -1])
        if horizon < 2 or not whole.any():
            return
        shares = np.array([0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
        lengths = np.unique(np.ceil(horizon * shares).astype(np.intp))
        lengths = lengths[lengths < horizon]
        folds = min(len(curves), _FOLDS) if len(curves) <= _FOLD_CURVES else 1
        fold = np.arange(len(curves)) % folds
        squared = np.zeros(len(lengths))
        for held_out in range(folds):
            rest = fold != held_out
            prior = learn_prior(curves[rest]) if rest.any() else self._prior
            tested = curves[(fold == held_out) & whole]
            for index, length in enumerate(lengths):
                begun = tested.copy()
                begun[:, length:] = np.nan
                d = self._mixture(prior, begun, horizon - 1)
                error = (tested[:, -1] - d.mean()) / d.std()
                squared[index] += np.minimum(error**2, 25.0).sum()
        variance = (1.3 * _ASSUMED_ERRORS + squared) / (_ASSUMED_ERRORS + whole.sum())
        self._lengths, self._stretch = lengths.astype(np.float64), np.sqrt(variance)


def _standard(curves: Array) -> tuple[float, float]:
    """A centre and a unit that diverged curves do not move."""
    values = curves[np.isfinite(curves)]
    low, middle, high = np.percentile(values, [25, 50, 75])
    if high > low:
        values = values[np.abs(values - middle) <= 50 * (high - low)]
    low, high = np.percentile(values, [10, 90])
    center = float(np.median(last_values(curves)))
    return center, float(high - low) or float(np.ptp(values)) or abs(center) or 1.0


def _check_prior(prior: Prior, m: int) -> tuple[Array, Array]:
    mean = np.broadcast_to(np.asarray(prior[0], dtype=np.float64), m)
    std = np.broadcast_to(np.asarray(prior[1], dtype=np.float64), m)
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
        raise ValueError(f"`prior` must be finite means and standard deviations above 0, but got {prior}.")
    return mean, std
