"""Estimators of a value late in a learning curve from its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from predictors.curves.base import CurvePredictor
from predictors.curves.bnn import BayesianCurveNetwork
from predictors.curves.default import default_curve_predictor
from predictors.curves.domhan import DomhanCurvePredictor, DomhanMCMCPredictor
from predictors.curves.last_value import LastValueCurvePredictor
from predictors.curves.mixture import StudentMixture
from predictors.curves.parametric import ParametricCurvePredictor
from predictors.curves.stability import RankStability, rank_stability
from predictors.curves.svr import SequentialRegressionPredictor

if TYPE_CHECKING:
    from predictors.curves.pfn import PFNCurvePredictor

__all__ = [
    "BayesianCurveNetwork",
    "CurvePredictor",
    "DomhanCurvePredictor",
    "DomhanMCMCPredictor",
    "LastValueCurvePredictor",
    "PFNCurvePredictor",
    "ParametricCurvePredictor",
    "RankStability",
    "SequentialRegressionPredictor",
    "StudentMixture",
    "default_curve_predictor",
    "rank_stability",
]


def __getattr__(name: str) -> Any:
    if name == "PFNCurvePredictor":  # brings PyTorch with it
        from predictors.curves.pfn import PFNCurvePredictor

        return PFNCurvePredictor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
