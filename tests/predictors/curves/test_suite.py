"""The suite that `predictors.testing` ships, for every curve predictor that ships."""

from __future__ import annotations

from predictors.curves import (
    DomhanCurvePredictor,
    LastValueCurvePredictor,
    ParametricCurvePredictor,
    SequentialRegressionPredictor,
)
from predictors.testing import CurvePredictorSuite


class TestDomhanCurvePredictor(CurvePredictorSuite):
    def make(self) -> DomhanCurvePredictor:
        return DomhanCurvePredictor(sets=100, draws=100, random_state=0)


class TestLastValueCurvePredictor(CurvePredictorSuite):
    beats_last_value = 1.0

    def make(self) -> LastValueCurvePredictor:
        return LastValueCurvePredictor()


class TestParametricCurvePredictor(CurvePredictorSuite):
    def make(self) -> ParametricCurvePredictor:
        return ParametricCurvePredictor()


class TestSequentialRegressionPredictor(CurvePredictorSuite):
    def make(self) -> SequentialRegressionPredictor:
        return SequentialRegressionPredictor(candidates=10, random_state=0)


class TestSequentialRegressionPredictorOLS(CurvePredictorSuite):
    def make(self) -> SequentialRegressionPredictor:
        return SequentialRegressionPredictor(regressor="ols", random_state=0)
