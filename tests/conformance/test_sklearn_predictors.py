"""scikit-learn's own checks of an estimator, on tables of numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import predictors.architecture.auto
from predictors.architecture.auto import AutoPredictor
from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from predictors.architecture.nao import NAOPredictor
from predictors.architecture.path import PathEnsemble
from predictors.architecture.pnas import PNASPredictor
from predictors.architecture.trees import TreeEnsemble

small_gnn = partial(GNNEnsemble, members=2, hidden=8, rounds=1, steps=40)
PREDICTORS: list[ArchitecturePredictor] = [
    AutoPredictor(random_state=0),
    GraphGP(random_state=0),
    small_gnn(random_state=0),
    PNASPredictor(kind="lstm", members=2, hidden=8, steps=20, learning_rate=0.05, random_state=0),
    PNASPredictor(kind="mlp", members=2, hidden=8, steps=20, random_state=0),
    NAOPredictor(members=2, hidden=8, steps=20, random_state=0),
    PathEnsemble(members=2, hidden=8, steps=60, random_state=0),
    TreeEnsemble(kind="forest", members=2, trees=3, random_state=0),
    TreeEnsemble(kind="boosting", members=2, trees=10, random_state=0),
]


def expected_failed_checks(predictor: ArchitecturePredictor) -> dict[str, str]:
    if hasattr(predictor, "device"):
        return {
            "check_methods_subset_invariance": "networks add in single precision and in an order that may depend on "
            "the size of the batch: predictions agree to 1e-5, and the check asks for 1e-7"
        }
    return {}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The networks that `AutoPredictor` makes are small too; it has no argument for that."""
    monkeypatch.setattr(predictors.architecture.auto, "GNNEnsemble", small_gnn)


@parametrize_with_checks(PREDICTORS, expected_failed_checks=expected_failed_checks)
def test_scikit_learns_checks(estimator: ArchitecturePredictor, check: Callable[[Any], None]) -> None:
    check(estimator)
