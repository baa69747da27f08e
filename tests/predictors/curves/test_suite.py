"""The suite that `predictors.testing` ships, for every curve predictor that ships."""

from __future__ import annotations

from predictors.curves import (
    BayesianCurveNetwork,
    DomhanCurvePredictor,
    LastValueCurvePredictor,
    ParametricCurvePredictor,
    SequentialRegressionPredictor,
)
from predictors.testing import CurvePredictorSuite


class TestBayesianCurveNetwork(CurvePredictorSuite):
    exact = 1e-4  # Networks add in single precision, in an order that depends on the size of the batch.

    def make(self) -> BayesianCurveNetwork:
        return BayesianCurveNetwork(chains=3, burn_in=150, steps=50, draws=5, hidden=16, random_state=0)


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
