"""One posterior of a network's final value from its graph and from the beginning of its learning curve."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Described, Rows
from predictors.curves.base import CurvePredictor, check_curves
from predictors.curves.default import default_curve_predictor
from predictors.curves.mixture import StudentMixture
from predictors.curves.prior import given_final, tempered
from predictors.scores import ScoreMap

Array = NDArray[np.float64]

_SHARES = (0.1, 0.25, 0.5, 0.8)  # Of the steps: the lengths at which trust is learned.
_TRUSTS = np.array([0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0])
_EARLY_TRUST, _TRUST_WIDTH = 0.5, 0.4  # Before it is learned: its mean, which rises to 1 at the end, and its deviation.
_FOLDS = 5
_MAX_HELD_OUT = 60  # Finished curves from which trust is learned.
_FEW = 10  # Finished curves under which it is not.
_WORST = 100.0  # Nats that the density of one curve counts for at most.
_NEGLIGIBLE = 1e-3  # Probability of a trust that is left out.


class JointPredictor(BaseEstimator):
    """The graph predictor's mean and standard deviation as the prior of the final value, the curve as the evidence.

    It works in the graph predictor's normal scores, in which final values are standard normal whatever the metric: the
    posterior is `N(graph) * (curve / N(0, 1)) ** trust`, where `curve` is the curve predictor's predictive, component
    by component (`given_final`). With a trust of 1 that is Bayes' rule for errors of graph and curve that are
    independent given the final value. They are not: a curve predictor that has seen little falls back on what is
    common, and errs where the graph predictor knows better; less trust makes up for that, and 0 ignores the curve.
    Trust is learned for each length of the observed part, by the density at the true final values of finished networks,
    whose curves were held out of the curve predictor (five folds) and whose values were held out of the graph predictor
    (`held_out_`); the posterior is the mixture over all trusts, each by its probability.

    A network whose training was stopped tells the graph predictor the final value that its curve foretells, with that
    value's uncertainty; when its own final value is asked for, the graph predictor answers without having seen it.

    Any architecture predictor and any curve predictor will do; they are cloned. Whether larger is better is the
    caller's business.

    Args:
        graph_predictor: `GraphGP()` if None.
        curve_predictor: `default_curve_predictor()` if None.

    Attributes:
        graph_predictor_: Fitted; None if no final value is known.
        curve_predictor_: Fitted.
        trust_: Lengths of the observed part and the expected trust in the curve at each, `(2, n_lengths)`.
    """

    graph_predictor_: ArchitecturePredictor | None
    curve_predictor_: CurvePredictor
    trust_: Array

    def __init__(
        self,
        graph_predictor: ArchitecturePredictor | None = None,
        curve_predictor: CurvePredictor | None = None,
    ) -> None:
        self.graph_predictor = graph_predictor
        self.curve_predictor = curve_predictor

    def fit(self, X: Rows, curves: ArrayLike) -> Self:
        """Learns from networks that were trained, in whole or in part.

        Args:
            X: The networks.
            curves: Shape `(len(X), n_steps)`, NaN where not observed. A network is finished if its last step is.

        Raises:
            ValueError: When `curves` is no such matrix, or what the two predictors raise.
        """
        whole = check_curves(curves)
        _check_lengths(X, whole)
        finished = np.isfinite(whole[:, -1])
        curve_predictor = default_curve_predictor() if self.curve_predictor is None else self.curve_predictor
        self.curve_predictor_ = clone(curve_predictor).fit(whole[finished])
        self.graph_predictor_, self._stopped = None, {}
        ends = np.array([0.0, whole.shape[1]])
        self._believe(ends, _assumed(ends, whole.shape[1]))
        if not finished.any():
            return self
        seen = np.flatnonzero(np.isfinite(whole).any(1))
        finished, graphs = finished[seen], [X[k] for k in seen.tolist()]
        mean, std = self.curve_predictor_.predictive(whole[seen]).bulk()
        mean, std = np.where(finished, whole[seen, -1], mean), np.where(finished, 0.0, std)
        graph_predictor = GraphGP() if self.graph_predictor is None else self.graph_predictor
        self.graph_predictor_ = clone(graph_predictor).fit(graphs, mean, y_std=std)
        held_out, law = self.graph_predictor_.held_out_, self.graph_predictor_.error_law_
        known: NDArray[np.bool_] = np.isfinite(held_out.mean)
        self._stopped = {
            _identity(graphs[k]): (held_out.mean[k], held_out.std[k] * law.std)
            for k in np.flatnonzero(known & ~finished).tolist()
        }
        known &= finished
        if known.sum() >= _FEW:
            scores = self.graph_predictor_.score_map_
            self._learn_trust(whole[seen[known]], scores, held_out.mean[known], held_out.std[known] * law.std)
        return self

    def predictive(self, X: Rows, curves: ArrayLike, at: int | None = None) -> StudentMixture:
        """The distribution of the measured value at one step, see `CurvePredictor.predictive`.

        Args:
            X: The networks.
            curves: What is known of their curves, shape `(len(X), n_steps)` with `n_steps` up to the horizon; a row
                without an observed value gets what its graph foretells.
            at: The step, counted from 1; the last one if None. What the graph says is of the final value: at other
                steps it is the prior of the curve predictor, and trust plays no part.

        Raises:
            ValueError: When the lengths differ, or what the two predictors raise.
        """
        check_is_fitted(self, "curve_predictor_")
        begun = check_curves(curves)
        _check_lengths(X, begun)
        horizon = self.curve_predictor_.horizon_
        if self.graph_predictor_ is None or not len(begun):
            return self.curve_predictor_.predictive(begun, at=at)
        mean, std = self._graph_scores(self.graph_predictor_, X)
        scores = self.graph_predictor_.score_map_
        value_mean, value_std = scores.value_moments(mean, std)
        if at is not None and at != horizon:
            return self.curve_predictor_.predictive(begun, at=at, prior=(value_mean, value_std))
        alone = self.curve_predictor_.predictive(begun)
        seen = np.isfinite(begun)
        length = (seen * np.arange(1, begun.shape[1] + 1)).max(1)
        beliefs = np.array([np.interp(length, self.trust_[0], belief) for belief in self._beliefs.T])
        kept = beliefs.max(1, initial=0.0) > _NEGLIGIBLE
        joint = StudentMixture.mixed(
            [_posterior(alone, scores, mean, std, np.full(len(begun), trust)) for trust in _TRUSTS[kept]],
            beliefs[kept] / beliefs[kept].sum(0),
        )
        unseen, per_std = (length == 0)[:, None], np.sqrt((joint.dof - 2) / joint.dof)
        return replace(
            joint,
            loc=np.where(unseen, value_mean[:, None], joint.loc),
            scale=np.where(unseen, value_std[:, None] * per_std, joint.scale),
        )

    @overload
    def predict(self, X: Rows, curves: ArrayLike, return_std: Literal[False] = ...) -> Array: ...
    @overload
    def predict(self, X: Rows, curves: ArrayLike, return_std: Literal[True]) -> tuple[Array, Array]: ...
    def predict(self, X: Rows, curves: ArrayLike, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The mean of the final values, with their standard deviations on request, `(len(X),)`; see `predictive`."""
        distribution = self.predictive(X, curves)
        return (distribution.mean(), distribution.std()) if return_std else distribution.mean()

    def _graph_scores(self, predictor: ArchitecturePredictor, X: Rows) -> tuple[Array, Array]:
        """What the graph predictor says of networks, in scores; of stopped ones, as if it had not heard of them."""
        mean, std = predictor.predict_scores(X)
        for row, each in enumerate(X):
            mean[row], std[row] = self._stopped.get(_identity(each), (mean[row], std[row]))
        return mean, std

    def _learn_trust(self, curves: Array, scores: ScoreMap, mean: Array, std: Array) -> None:
        """Learns trust from finished curves and what the graph predictor says of them, in scores."""
        horizon = curves.shape[1]
        lengths = np.unique(np.ceil(horizon * np.array(_SHARES)))
        lengths = lengths[lengths < horizon]
        if not len(lengths):
            return
        fold, tested = np.arange(len(curves)) % _FOLDS, np.zeros(len(curves), dtype=bool)
        tested[np.linspace(0, len(curves) - 1, min(len(curves), _MAX_HELD_OUT)).round().astype(np.intp)] = True
        fit = _assumed(lengths, horizon)
        for k in range(_FOLDS):
            predictor = clone(self.curve_predictor_).fit(curves[fold != k])
            rows = (fold == k) & tested
            for i, length in enumerate(lengths):
                alone = predictor.predictive(curves[rows, : int(length)])
                for j, trust in enumerate(_TRUSTS):
                    joint = _posterior(alone, scores, mean[rows], std[rows], np.full(rows.sum(), trust))
                    fit[i, j] += np.clip(joint.log_density(curves[rows, -1]), -_WORST, _WORST).sum()
        self._believe(lengths, fit)

    def _believe(self, lengths: Array, logits: Array) -> None:
        """Keeps how probable each trust is at each length, up to a constant in `logits`, `(n_lengths, n_trusts)`."""
        self._beliefs = np.asarray(softmax(logits, axis=1), dtype=np.float64)
        self.trust_ = np.stack([lengths, self._beliefs @ _TRUSTS])


def _assumed(lengths: Array, horizon: int) -> Array:
    """Logarithm of how probable each trust is at each length before any is learned, up to a constant."""
    middle = np.interp(lengths, [0.0, horizon], [_EARLY_TRUST, 1.0])
    return np.asarray(-0.5 * ((_TRUSTS - middle[:, None]) / _TRUST_WIDTH) ** 2)


def _posterior(alone: StudentMixture, scores: ScoreMap, mean: Array, std: Array, trust: Array) -> StudentMixture:
    """What a curve and a graph say together.

    Args:
        alone: What the curves say, in the user's units.
        scores: The map to normal scores.
        mean: What the graphs say, in scores, `(m,)`.
        std: Its standard deviation, likewise.
        trust: In the curves, `(m,)`.
    """
    curve = _moved(alone, scores.to_scores)
    curve = tempered(curve, np.zeros_like(trust), np.ones_like(trust), trust)
    joint = _moved(given_final(curve, 0.0, 1.0, (mean, std)), scores.to_values)
    observed = alone.scale == 0
    return replace(joint, loc=np.where(observed, alone.loc, joint.loc), scale=np.where(observed, 0.0, joint.scale))


def _moved(mixture: StudentMixture, to: Callable[[Array], Array]) -> StudentMixture:
    """The mixture under an increasing map, each component by where its centre and its width go."""
    width = to(mixture.loc + mixture.scale) - to(mixture.loc - mixture.scale)
    return replace(mixture, loc=to(mixture.loc), scale=0.5 * width)


def _identity(row: Any) -> Hashable:
    """Equal for isomorphic graphs with the same columns, and for equal rows of numbers."""
    if isinstance(row, Described):
        return row.graph.digest, row.columns
    return row.digest if hasattr(row, "digest") else tuple(row)


def _check_lengths(X: Sequence[Any] | Array, curves: Array) -> None:
    if len(X) != len(curves):
        raise ValueError(f"`curves` must have one row for each of the {len(X)} networks, but has {len(curves)}.")
