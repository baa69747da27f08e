from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from predictors.architecture.auto import AutoPredictor
from predictors.architecture.error_law import HeldOut
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Inputs
from tests.predictors.architecture.graphs import OPS, random_cells, values

BLENDS = {"0.75 gp + 0.25 gnn", "0.5 gp + 0.5 gnn", "0.25 gp + 0.75 gnn"}


def test_what_is_tried_follows_the_number_of_observations() -> None:
    graphs = random_cells(40)
    y = values(graphs)

    def tried(n: int) -> set[str]:
        return set(AutoPredictor(ops=OPS, random_state=0).fit(graphs[:n], y[:n]).cv_scores_)

    assert tried(39) == {"gp"}
    assert tried(40) == {"gp", "gnn", *BLENDS}


def test_few_observations_get_the_gaussian_process_itself() -> None:
    graphs, new = random_cells(12), random_cells(20, seed=1)
    expected = GraphGP(random_state=0).fit(graphs, values(graphs))
    found = AutoPredictor(random_state=0).fit(graphs, values(graphs))
    np.testing.assert_array_equal(found.predict(new, return_std=True), expected.predict(new, return_std=True))
    np.testing.assert_array_equal(found.joint_scores(new)[1], expected.joint_scores(new)[1])
    np.testing.assert_array_equal(found.sample(new, 3).shape, (3, 20))


def test_the_choice_is_the_first_that_is_not_clearly_worse_on_held_out_observations() -> None:
    graphs, new = random_cells(45), random_cells(20, seed=1)
    y = values(graphs)
    found = AutoPredictor(ops=OPS, random_state=0).fit(graphs, y)
    gp, gnn = GraphGP().fit(graphs, y), GNNEnsemble(ops=OPS, random_state=0).fit(graphs, y)
    for name, weight in (("gp", 0.0), ("0.5 gp + 0.5 gnn", 0.5), ("gnn", 1.0)):
        held = (1.0 - weight) * gp.held_out_.mean + weight * gnn.held_out_.mean
        assert found.cv_scores_[name] == pytest.approx(kendalltau(held, y).statistic)
    best, error = max(found.cv_scores_.values()), np.sqrt(2 * 95 / (9 * 45 * 44))
    close = [name for name, tau in found.cv_scores_.items() if tau >= best - error]
    assert found.chosen_ == close[0]
    weight = {"gp": 0.0, "gnn": 1.0}.get(found.chosen_) or float(found.chosen_.split()[-2])
    expected = (1.0 - weight) * gp.predict_scores(new)[0] + weight * gnn.predict_scores(new)[0]
    np.testing.assert_allclose(found.predict_scores(new)[0], expected)
    assert sum(found.weights_) == 1.0


@pytest.mark.parametrize(("best", "chosen"), [(GraphGP, "gp"), (GNNEnsemble, "gnn")])
def test_a_member_that_knows_nothing_is_left_out(best: type, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def knows(self: object, inputs: Inputs, scores: np.ndarray, noise: np.ndarray) -> HeldOut:
        return HeldOut(scores if isinstance(self, best) else -scores, np.ones(len(scores)))

    for cls in (GraphGP, GNNEnsemble):
        monkeypatch.setattr(cls, "_fit_scores", knows)
    graphs = random_cells(45)
    found = AutoPredictor().fit(graphs, values(graphs))
    assert found.cv_scores_[chosen] == pytest.approx(1.0)
    assert {type(predictor) for predictor, w in zip(found.predictors_, found.weights_, strict=True) if w > 0.5} == {
        best
    }


def test_values_without_an_order_are_no_reason_to_fail() -> None:
    graphs = random_cells(44)
    found = AutoPredictor(ops=OPS, random_state=0).fit(graphs, np.ones(44))
    assert np.isnan(list(found.cv_scores_.values())).all()
    np.testing.assert_allclose(found.predict(graphs), 1.0)
