"""Estimators of a value late in a learning curve from its beginning."""

from __future__ import annotations

from predictors.curves.base import CurvePredictor
from predictors.curves.mixture import StudentMixture
from predictors.curves.parametric import ParametricCurvePredictor

__all__ = ["CurvePredictor", "ParametricCurvePredictor", "StudentMixture"]
