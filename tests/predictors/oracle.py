"""A predictor that knows the truth, but for a chosen error: what reads predictions can be tested against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.base import ArchitecturePredictor, draw_per_architecture
from predictors.architecture.error_law import HeldOut
from predictors.architecture.inputs import Inputs
from tests.predictors.architecture.graphs import values

Array = NDArray[np.float64]


class Oracle(ArchitecturePredictor):
    """Predicts about the score of each graph's value, plus its first column, with a standard deviation of `std`."""

    def __init__(self, *, std: float = 0.3, random_state: int | None = None) -> None:
        self.std = std
        self.random_state = random_state

    def _fit_scores(self, inputs: Inputs, scores: Array, noise: Array) -> HeldOut:
        self.seen_ = inputs.graphs
        return HeldOut.none(len(inputs))

    def _predict_scores(self, inputs: Inputs) -> tuple[Array, Array]:
        mean = self.score_map_.to_scores(values(inputs.graphs))
        # No two graphs have the same mean: their order does not hang on a rounding error.
        mean = mean + 0.3 * np.array([int(graph.digest[:8], 16) / 2**32 for graph in inputs.graphs])
        if inputs.columns.shape[1]:
            mean = mean + inputs.columns[:, 0]
        return mean, np.full(len(inputs), self.std)

    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        mean, std = self._predict_scores(inputs)
        return mean, mean + std * draw_per_architecture(inputs, n, rng)
