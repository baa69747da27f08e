"""Test suites for architecture and curve predictors, in pytest, that a new one inherits.

    from predictors.testing import ArchitecturePredictorSuite

    class TestMine(ArchitecturePredictorSuite):
        def make(self) -> ArchitecturePredictor:
            return Mine(steps=50, random_state=0)

It fits about thirty times on up to thirty small graphs: `make` should use settings that are small enough.
"""

from __future__ import annotations

import pytest

for _name in ("contract", "curves", "learning", "rows", "scikit_learn"):
    pytest.register_assert_rewrite(f"{__name__}.{_name}")

from predictors.testing.contract import ContractTests  # noqa: E402 - pytest must know them first
from predictors.testing.curves import CurvePredictorSuite  # noqa: E402
from predictors.testing.learning import LearningTests  # noqa: E402
from predictors.testing.rows import RowsTests  # noqa: E402
from predictors.testing.scikit_learn import ScikitLearnTests  # noqa: E402

__all__ = ["ArchitecturePredictorSuite", "CurvePredictorSuite"]


class ArchitecturePredictorSuite(LearningTests, ContractTests, RowsTests, ScikitLearnTests):
    """What holds for every architecture predictor.

    A subclass, named `Test...` and at the top of its module, has a method `make` without arguments that returns an
    unfitted predictor with `random_state` an int, and with operations `predictors.testing.graphs.OPS` expected where
    its kind must be told of them.

    Attributes:
        lowest_tau: Kendall's rank correlation that must be reached on 200 cells after 30.
        classes: Classes to pass to `save` and `load`.
    """
