"""scikit-learn's own checks of an estimator, on tables of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from predictors.architecture.base import ArchitecturePredictor
from tests.predictors.architecture import small

PREDICTORS = [make() for make in (small.gp, small.gnn, small.pnas_mlp)]


def expected_failed_checks(predictor: ArchitecturePredictor) -> dict[str, str]:
    if hasattr(predictor, "device"):
        return {
            "check_methods_subset_invariance": "networks add in single precision and in an order that depends on the "
            "size of the batch: predictions agree to 1e-5, and the check asks for 1e-7"
        }
    return {}


@parametrize_with_checks(PREDICTORS, expected_failed_checks=expected_failed_checks)
def test_scikit_learns_checks(estimator: ArchitecturePredictor, check: Callable[[Any], None]) -> None:
    check(estimator)
