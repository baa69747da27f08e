"""Estimators of a value late in a learning curve from its beginning."""

from __future__ import annotations

from predictors.curves.base import CurvePredictor
from predictors.curves.bnn import BayesianCurveNetwork
from predictors.curves.domhan import DomhanCurvePredictor, DomhanMCMCPredictor
from predictors.curves.last_value import LastValueCurvePredictor
from predictors.curves.mixture import StudentMixture
from predictors.curves.parametric import ParametricCurvePredictor
from predictors.curves.stability import RankStability, rank_stability
from predictors.curves.svr import SequentialRegressionPredictor

__all__ = [
    "BayesianCurveNetwork",
    "CurvePredictor",
    "DomhanCurvePredictor",
    "DomhanMCMCPredictor",
    "LastValueCurvePredictor",
    "ParametricCurvePredictor",
    "RankStability",
    "SequentialRegressionPredictor",
    "StudentMixture",
    "rank_stability",
]
