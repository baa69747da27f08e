"""The suite that `predictors.testing` ships, for every predictor that ships."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.inputs import Described
from predictors.testing import ArchitecturePredictorSuite
from predictors.testing.graphs import relabelled
from predictors.testing.subject import NEW, SEEN, SEEN_VALUES
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


@pytest.mark.slow
class TestNAOPredictor(ArchitecturePredictorSuite):
    lowest_tau = 0.6
    make = staticmethod(small.nao)

    def test_isomorphic_graphs_are_predicted_alike(self, fitted: ArchitecturePredictor) -> None:
        """In `predict` only: `fit` learns to write graphs as they were written."""
        np.testing.assert_array_equal(fitted.predict([relabelled(graph, 2) for graph in NEW]), fitted.predict(NEW))

    def test_it_is_validated_on_graphs_with_numbers(self) -> None:
        """With numbers in no order: the suite's rise from fold to fold, and beyond its range this network errs."""
        numbers = np.random.default_rng(0).permutation(len(SEEN))
        rows = [Described(graph, (("parameters", float(k)),)) for graph, k in zip(SEEN, numbers, strict=True)]
        assert np.isfinite(cross_val_score(self.make(), rows, SEEN_VALUES, cv=2)).all()


class TestPathEnsemble(ArchitecturePredictorSuite):
    make = staticmethod(small.path)


class TestTreeEnsembleForest(ArchitecturePredictorSuite):
    make = staticmethod(small.forest)


class TestTreeEnsembleBoosting(ArchitecturePredictorSuite):
    lowest_tau = 0.65
    make = staticmethod(small.boosting)
