from __future__ import annotations

import numpy as np
import pytest

from predictors.architecture import auto
from predictors.architecture.auto import AutoPredictor
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from tests.predictors.architecture.graphs import OPS, random_cells, values


def test_the_choice_follows_the_number_of_observations(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = random_cells(25)
    y = values(graphs)

    def chosen(n: int) -> str:
        return AutoPredictor(ops=OPS, random_state=0).fit(graphs[:n], y[:n]).chosen_

    assert chosen(19) == "gp"
    assert chosen(20) == "gp+gnn"
    monkeypatch.setattr(auto, "_GP_UP_TO", 24)
    assert chosen(25) == "gnn"


def test_few_observations_get_the_gaussian_process_itself() -> None:
    graphs, new = random_cells(12), random_cells(20, seed=1)
    expected = GraphGP(random_state=0).fit(graphs, values(graphs))
    found = AutoPredictor(random_state=0).fit(graphs, values(graphs))
    np.testing.assert_array_equal(found.predict(new, return_std=True), expected.predict(new, return_std=True))
    np.testing.assert_array_equal(found.sample(new, 3).shape, (3, 20))


def test_more_get_the_average_in_scores() -> None:
    graphs, new = random_cells(30), random_cells(20, seed=1)
    y, y_std = values(graphs), np.linspace(0.0, 2.0, 30)
    means, stds = zip(
        *(
            predictor.fit(graphs, y, y_std=y_std).predict_scores(new)
            for predictor in (GraphGP(), GNNEnsemble(ops=OPS, random_state=0))
        ),
        strict=True,
    )
    mean, std = AutoPredictor(ops=OPS, random_state=0).fit(graphs, y, y_std=y_std).predict_scores(new)
    np.testing.assert_allclose(mean, np.mean(means, axis=0))
    assert (std > 0).all()
