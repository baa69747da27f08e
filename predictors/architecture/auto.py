"""AutoPredictor: the predictors that rank best, blended as their own held-out predictions say."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.stats import kendalltau

from predictors.architecture.base import ArchitecturePredictor, Array
from predictors.architecture.error_law import HeldOut
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Inputs

_GNN_FROM = 40
"""Observations from which graph networks add to the Gaussian process."""
_WEIGHTS = (0.25, 0.5, 0.0, 0.75, 1.0)
"""Weights of the networks to try, the one that is best on most tables first: it wins where none is clearly better."""


class AutoPredictor(ArchitecturePredictor):
    """The graph Gaussian process on few observations, blended with the network ensemble on more.

    The two err differently, so a blend of their scores ranks better than either. Both predict every observation without
    having seen it (`HeldOut`: leave-one-out for the process, the members that left it out for the networks), so the
    weights are cross-validated on the training data at no further fit: the first of a list, which begins with a quarter
    for the networks, whose Kendall tau is within a standard error of the highest. A held-out prediction of the networks
    comes from one member and not from all, and hyperparameters of the process have seen what is left out: both favour
    the process, hence the margin.

    Args:
        ops: Operations to expect in `predict` besides those in `fit`.
        device: Where the networks train and predict.
        random_state: Seed of whatever is chosen.

    Attributes:
        chosen_: What predicts: `gp`, `gnn`, or the weights of both as in `0.25 gp + 0.75 gnn`.
        cv_scores_: Held-out Kendall tau of everything tried, by name; NaN where the observations have no order.
        predictors_: The fitted predictors that are used.
        weights_: Their weights, which sum to 1.
    """

    chosen_: str
    cv_scores_: dict[str, float]
    predictors_: tuple[ArchitecturePredictor, ...]
    weights_: tuple[float, ...]

    def __init__(self, *, ops: Sequence[str] = (), device: str = "cpu", random_state: int | None = None) -> None:
        self.ops = ops
        self.device = device
        self.random_state = random_state

    def _fit_scores(self, inputs: Inputs, scores: Array, noise: Array) -> HeldOut:
        gp = GraphGP(random_state=self.random_state)
        gnn = GNNEnsemble(ops=self.ops, device=self.device, random_state=self.random_state)
        held_out: dict[ArchitecturePredictor, HeldOut] = {gp: gp._fit_scores(inputs, scores, noise)}
        if len(inputs) >= _GNN_FROM:
            held_out[gnn] = gnn._fit_scores(inputs, scores, noise)
        tried: dict[str, tuple[tuple[ArchitecturePredictor, ...], tuple[float, ...]]] = {}
        for weight in _WEIGHTS:
            used = {p: w for p, w in ((gp, 1.0 - weight), (gnn, weight)) if w > 0.0}
            if used.keys() <= held_out.keys():
                tried[_name(weight)] = tuple(used), tuple(used.values())
        blended = {
            name: HeldOut(*_blend([(held_out[p].mean, held_out[p].std) for p in predictors], weights))
            for name, (predictors, weights) in tried.items()
        }
        # What was not measured says nothing about the order.
        known = noise <= np.median(noise)
        self.cv_scores_ = {name: _tau(held.mean[known], scores[known]) for name, held in blended.items()}
        taus = np.nan_to_num(list(self.cv_scores_.values()), nan=-1.0)
        close = taus >= taus.max() - _standard_error(int(known.sum()))
        self.chosen_ = list(self.cv_scores_)[int(np.argmax(close))]
        self.predictors_, self.weights_ = tried[self.chosen_]
        return blended[self.chosen_]

    def _predict_scores(self, inputs: Inputs) -> tuple[Array, Array]:
        return _blend([predictor._predict_scores(inputs) for predictor in self.predictors_], self.weights_)

    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draws that lie as far from the blend as one predictor's draws lie from its own mean."""
        turn = rng.choice(len(self.predictors_), size=n, p=self.weights_)
        means, draws = [], np.empty((n, len(inputs)))
        for k, predictor in enumerate(self.predictors_):
            mine = turn == k
            if mine.any():
                own, drawn = predictor._sample_scores(inputs, int(mine.sum()), rng)
                draws[mine] = drawn - own
            else:
                own, _ = predictor._predict_scores(inputs)
            means.append(own)
        mean = np.average(means, axis=0, weights=self.weights_)
        return mean, mean + draws

    def _joint_scores(self, inputs: Inputs, rng: np.random.Generator) -> tuple[Array, Array]:
        means, covariances = zip(*(p._joint_scores(inputs, rng) for p in self.predictors_), strict=True)
        return np.average(means, axis=0, weights=self.weights_), np.average(covariances, axis=0, weights=self.weights_)


def _name(weight: float) -> str:
    """Of a blend that gives the networks this weight."""
    return {0.0: "gp", 1.0: "gnn"}.get(weight, f"{1.0 - weight:g} gp + {weight:g} gnn")


def _blend(moments: Sequence[tuple[Array, Array]], weights: Sequence[float]) -> tuple[Array, Array]:
    """All learn from the same observations: averaging them is no reason to be surer than they are."""
    means, stds = zip(*moments, strict=True)
    return np.average(means, axis=0, weights=weights), np.sqrt(np.average(np.square(stds), axis=0, weights=weights))


def _standard_error(n: int) -> float:
    """Of Kendall tau between `n` pairs without relation (Kendall, "Rank correlation methods", 1948, ch. 5)."""
    return sqrt(2.0 * (2.0 * n + 5.0) / (9.0 * n * (n - 1.0))) if n > 1 else 0.0


def _tau(predicted: Array, scores: Array) -> float:
    """Kendall tau over the observations that were predicted."""
    known = np.isfinite(predicted)
    if known.sum() < 2:
        return float("nan")
    return float(kendalltau(predicted[known], scores[known]).statistic)
