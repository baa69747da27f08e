"""What ensembles share whose members each leave out a part of the observations."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.base import ArchitecturePredictor, Array
from predictors.architecture.calibration import Calibration
from predictors.architecture.error_law import HeldOut
from predictors.architecture.inputs import Inputs


class CalibratedEnsemble(ArchitecturePredictor):
    """Base of the ensembles whose members each leave out their share of the observations.

    What the members say about what they have not seen gives their scores a mean and, with their disagreement, a
    standard deviation (`Calibration`). A subclass stores `members`, and implements `_fit_members` and `_raw`.

    Attributes:
        calibration_: The fitted `Calibration`.
    """

    members: int
    calibration_: Calibration

    @abstractmethod
    def _fit_members(
        self, inputs: Inputs, scores: Array, noise: Array, seen: NDArray[np.bool_], rng: np.random.Generator
    ) -> Array:
        """Trains the members.

        Args:
            inputs: `n` observations.
            scores: Their normal scores, `(n,)`.
            noise: Standard deviations of these, `(n,)`.
            seen: Which observations each member learns from, at least one, `(members, n)`.
            rng: Source of all chance.

        Returns:
            The members' scores of the observations before calibration, `(members, n)`.
        """

    @abstractmethod
    def _raw(self, inputs: Inputs) -> Array:
        """The members' scores before calibration, `(members, n)`."""

    def _fit_scores(self, inputs: Inputs, scores: Array, noise: Array) -> HeldOut:
        self._require_at_least(members=2)
        rng = np.random.default_rng(self.random_state)
        held_out = rng.permutation(len(inputs)) % self.members == np.arange(self.members)[:, None]
        held_out &= len(inputs) > 1  # who leaves out the only observation has nothing to learn from
        raw = self._fit_members(inputs, scores, noise, ~held_out, rng)
        self.calibration_ = Calibration.fit(raw, held_out, scores, noise)
        return self.calibration_.held_out(raw, held_out)

    def _predict_scores(self, inputs: Inputs) -> tuple[Array, Array]:
        return self.calibration_.moments(self._raw(inputs))

    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        return self.calibration_.sample(self._raw(inputs), inputs, n, rng)
