"""What scikit-learn expects of an estimator, on graphs; its own checks know tables only."""
# ruff: noqa: S101

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.inputs import Described
from predictors.testing.subject import NEW, SEEN, SEEN_VALUES, Subject


class ScikitLearnTests(Subject):
    """Cloning, validation, search and pipelines."""

    def test_it_is_cloned_by_its_parameters(self, fitted: ArchitecturePredictor) -> None:
        """`fit` leaves the parameters as they are, and a clone knows nothing else."""
        made = self.make()
        assert isinstance(made.random_state, int)
        assert fitted.get_params() == made.get_params() == clone(fitted).get_params()
        for method in (made.predict, made.sample, clone(fitted).predict_scores):
            with pytest.raises(NotFittedError):
                method(NEW)

    def test_it_is_validated_on_graphs_with_numbers(self) -> None:
        """`cross_val_score` splits described graphs."""
        noise = np.random.default_rng(0).permutation(len(SEEN))
        rows = [Described(graph, (("noise", float(k)),)) for graph, k in zip(SEEN, noise, strict=True)]
        scores = cross_val_score(self.make(), rows, SEEN_VALUES, cv=2)
        assert scores.shape == (2,)
        assert scores.mean() > 0.0

    def test_it_is_searched_in_a_pipeline(self) -> None:
        """`GridSearchCV` sets its parameters inside a `Pipeline` that hands graphs on."""
        pipeline = Pipeline([("nothing", "passthrough"), ("predictor", self.make())])
        search = GridSearchCV(pipeline, {"predictor__random_state": [3]}, cv=2).fit(SEEN, SEEN_VALUES)
        assert search.best_estimator_.named_steps["predictor"].random_state == 3
        assert search.best_score_ > 0.2
        assert search.predict(NEW).shape == (len(NEW),)

    def test_values_may_stand_in_a_column(self) -> None:
        """As scikit-learn takes them, with a warning."""
        with pytest.warns(DataConversionWarning):
            predictor = self.make().fit(SEEN[:6], SEEN_VALUES[:6, None])
        assert predictor.predict(NEW).shape == (len(NEW),)
