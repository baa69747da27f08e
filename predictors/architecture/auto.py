"""AutoPredictor: the predictor that suits the number of observations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from predictors.architecture.base import ArchitecturePredictor, Array
from predictors.architecture.error_law import HeldOut
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Inputs

_GNN_FROM = 20
"""Observations from which graph networks rank as well as the Gaussian process."""
_GP_UP_TO = 1000
"""Observations up to which an exact Gaussian process is cheap next to the networks."""


class AutoPredictor(ArchitecturePredictor):
    """The graph Gaussian process on few observations, its average with the network ensemble on more.

    The two err differently, so the average of their scores ranks better than either. Past 1,000 observations, where
    an exact Gaussian process turns slow, the ensemble works alone.

    Args:
        ops: Operations to expect in `predict` besides those in `fit`.
        device: Where the networks train and predict.
        random_state: Seed of whatever is chosen.

    Attributes:
        chosen_: `gp`, `gp+gnn` or `gnn`.
        predictors_: The fitted predictors behind it.
    """

    chosen_: str
    predictors_: tuple[ArchitecturePredictor, ...]

    def __init__(self, *, ops: Sequence[str] = (), device: str = "cpu", random_state: int | None = None) -> None:
        self.ops = ops
        self.device = device
        self.random_state = random_state

    def _fit_scores(self, inputs: Inputs, scores: Array, noise: Array) -> HeldOut:
        predictors: dict[str, ArchitecturePredictor] = {}
        if len(inputs) <= _GP_UP_TO:
            predictors["gp"] = GraphGP(random_state=self.random_state)
        if len(inputs) >= _GNN_FROM:
            predictors["gnn"] = GNNEnsemble(ops=self.ops, device=self.device, random_state=self.random_state)
        held_out = [predictor._fit_scores(inputs, scores, noise) for predictor in predictors.values()]
        self.predictors_ = tuple(predictors.values())
        self.chosen_ = "+".join(predictors)
        return HeldOut(*_average([(each.mean, each.std) for each in held_out]))

    def _predict_scores(self, inputs: Inputs) -> tuple[Array, Array]:
        return _average([predictor._predict_scores(inputs) for predictor in self.predictors_])

    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> Array:
        """Draws that lie as far from the average as one predictor's draws lie from its own mean."""
        draws = np.empty((n, len(inputs)))
        mean, _ = self._predict_scores(inputs)
        turn = rng.permutation(n) % len(self.predictors_)
        for k, predictor in enumerate(self.predictors_):
            own, _ = predictor._predict_scores(inputs)
            draws[turn == k] = mean - own + predictor._sample_scores(inputs, int((turn == k).sum()), rng)
        return draws


def _average(moments: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Both learn from the same observations: averaging them is no reason to be surer than they are."""
    means, stds = zip(*moments, strict=True)
    return np.mean(means, axis=0), np.sqrt(np.mean(np.square(stds), axis=0))
