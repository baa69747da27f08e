"""The suite that `predictors.testing` ships, for every predictor that ships."""

from __future__ import annotations

from predictors.testing import ArchitecturePredictorSuite
from tests.predictors.architecture import small


class TestGraphGP(ArchitecturePredictorSuite):
    lowest_tau = 0.75
    make = staticmethod(small.gp)


class TestGNNEnsemble(ArchitecturePredictorSuite):
    lowest_tau = 0.75
    make = staticmethod(small.gnn)


class TestAutoPredictor(ArchitecturePredictorSuite):
    lowest_tau = 0.75
    make = staticmethod(small.auto)


class TestPNASPredictorLSTM(ArchitecturePredictorSuite):
    make = staticmethod(small.pnas_lstm)


class TestPNASPredictorMLP(ArchitecturePredictorSuite):
    make = staticmethod(small.pnas_mlp)


class TestNAOPredictor(ArchitecturePredictorSuite):
    make = staticmethod(small.nao)


class TestPathEnsemble(ArchitecturePredictorSuite):
    make = staticmethod(small.path)


class TestTreeEnsembleForest(ArchitecturePredictorSuite):
    make = staticmethod(small.forest)


class TestTreeEnsembleBoosting(ArchitecturePredictorSuite):
    lowest_tau = 0.65
    make = staticmethod(small.boosting)
