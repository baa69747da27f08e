"""What the parts of the suite share: the predictor under test, and one fit of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kendalltau

from predictors.architecture.base import ArchitecturePredictor
from predictors.testing.graphs import random_cells, values

SEEN = random_cells(30)
SEEN_VALUES = values(SEEN)
NEW = random_cells(20, seed=1)


class Subject:
    """The predictor under test; see `ArchitecturePredictorSuite`."""

    lowest_tau: ClassVar[float] = 0.7
    classes: ClassVar[Sequence[type]] = ()

    def make(self) -> ArchitecturePredictor:
        """An unfitted predictor."""
        raise NotImplementedError(f"{type(self).__name__} must have a method `make` that returns a predictor.")

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls) -> ArchitecturePredictor:
        """A predictor of `SEEN_VALUES`, for tests that change nothing about it."""
        return cls().make().fit(SEEN, SEEN_VALUES)


def tau(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Kendall's rank correlation."""
    return float(kendalltau(a, b).statistic)
