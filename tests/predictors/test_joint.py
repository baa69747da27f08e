from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Described
from predictors.curves import LastValueCurvePredictor
from predictors.curves.default import default_curve_predictor
from predictors.graph import ArchGraph
from predictors.joint import JointPredictor
from tests.predictors.architecture.graphs import random_cells, values

N_STEPS = 16
Array = NDArray[np.float64]


def networks(n: int, *, chance: float, noise: float, seed: int = 0) -> tuple[list[ArchGraph], Array]:
    """Cells whose final values their graphs tell up to `chance`, and curves that tell them up to fading `noise`."""
    rng = np.random.default_rng(seed)
    graphs = random_cells(n, seed=seed)
    known = np.asarray(values(graphs))
    final = (known - known.mean()) / known.std() + chance * rng.normal(size=n)
    left = 1.0 - np.arange(1, N_STEPS + 1) / N_STEPS
    curves = final[:, None] - 3.0 * left**2 + noise * left * rng.normal(size=(n, N_STEPS))
    return graphs, curves


def errors(
    joint: JointPredictor, graphs: list[ArchGraph], curves: Array, n_seen: int
) -> dict[str, tuple[float, float]]:
    """Mean absolute error of the median, and log score, of the joint predictor and of its parts."""
    truth, begun = curves[:, -1], curves[:, :n_seen]
    never = np.full((len(graphs), 1), np.nan)
    found = {
        "joint": joint.predictive(graphs, begun),
        "graph": joint.predictive(graphs, never),
        "curve": joint.curve_predictor_.predictive(begun),
    }
    return {
        name: (float(np.abs(d.quantile(0.5) - truth).mean()), float(d.log_density(truth).mean()))
        for name, d in found.items()
    }


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_better_than_either_alone(seed: int) -> None:
    graphs, curves = networks(180, chance=0.5, noise=1.5, seed=seed)
    joint = JointPredictor(GraphGP(random_state=0)).fit(graphs[:80], curves[:80])
    found = errors(joint, graphs[80:], curves[80:], 5)  # where either alone says about as much as the other
    assert found["joint"][0] < 0.95 * min(found["graph"][0], found["curve"][0])
    assert found["joint"][1] > max(found["graph"][1], found["curve"][1])


def test_the_less_a_curve_says_the_less_it_is_trusted() -> None:
    """Early values are noise here, on which the curve predictor says what is common; late ones say it all."""
    graphs, curves = networks(200, chance=0.2, noise=0.1)
    rng = np.random.default_rng(0)
    curves[:, :8] = 0.3 * rng.normal(size=(200, 8)) - 3.0
    joint = JointPredictor(GraphGP(random_state=0)).fit(graphs[:80], curves[:80])
    early = errors(joint, graphs[80:], curves[80:], 6)
    assert early["joint"][0] < 1.05 * early["graph"][0] < 0.7 * early["curve"][0]
    late = errors(joint, graphs[80:], curves[80:], 15)
    assert late["joint"][0] < 1.1 * late["curve"][0] < 0.7 * late["graph"][0]
    assert joint.trust_[1, 0] < joint.trust_[1, -1]


def test_a_network_never_trained_gets_what_its_graph_foretells() -> None:
    graphs, curves = networks(60, chance=0.3, noise=0.5)
    joint = JointPredictor(GraphGP(random_state=0)).fit(graphs[:40], curves[:40])
    alone = GraphGP(random_state=0).fit(graphs[:40], curves[:40, -1]).predict(graphs[40:], return_std=True)
    np.testing.assert_allclose(joint.predict(graphs[40:], np.full((20, 1), np.nan), return_std=True), alone)


def test_a_finished_network_has_the_value_that_was_measured() -> None:
    graphs, curves = networks(40, chance=0.3, noise=0.5)
    mean, std = JointPredictor().fit(graphs, curves).predict(graphs, curves, return_std=True)
    np.testing.assert_allclose(mean, curves[:, -1])
    assert std.max() < 1e-12


def test_a_stopped_network_teaches_the_others_but_not_itself() -> None:
    graphs, curves = networks(60, chance=0.1, noise=0.05)
    curves[50, :8] += 40.0  # it seems to get far better than anything
    stopped = curves[:51].copy()
    stopped[50, 8:] = np.nan
    joint = JointPredictor(GraphGP(random_state=0)).fit(graphs[:51], stopped)
    without = JointPredictor(GraphGP(random_state=0)).fit(graphs[:50], curves[:50])
    never = np.full((1, 1), np.nan)
    assert joint.graph_predictor_ is not None
    heard = joint.graph_predictor_.predict([graphs[50]])
    told = joint.predict([graphs[50]], never)
    assert told < heard
    assert told == pytest.approx(without.predict([graphs[50]], never), abs=0.5 * float(heard[0] - told[0]))


def test_before_anything_is_finished_the_curve_speaks_alone() -> None:
    graphs, curves = networks(5, chance=0.3, noise=0.5)
    curves[:, 8:] = np.nan
    joint = JointPredictor().fit(graphs, curves)
    assert joint.graph_predictor_ is None
    alone = default_curve_predictor().fit(np.empty((0, N_STEPS)))
    np.testing.assert_array_equal(joint.predict(graphs, curves[:, :8]), alone.predict(curves[:, :8]))


@pytest.mark.parametrize("n_finished", [1, 2, 9, 12])
def test_few_finished_networks_are_enough(n_finished: int) -> None:
    graphs, curves = networks(30, chance=0.3, noise=0.5)
    joint = JointPredictor().fit(graphs[:n_finished], curves[:n_finished])
    mean, std = joint.predict(graphs, np.where(np.arange(N_STEPS) < np.arange(30)[:, None] % 16, curves, np.nan), True)
    assert np.isfinite([mean, std]).all()
    assert (std > 0).all()


def test_units_and_direction_follow() -> None:
    graphs, curves = networks(50, chance=0.3, noise=0.5)
    fitted = [
        JointPredictor(GraphGP(random_state=0)).fit(graphs[:30], each[:30]) for each in (curves, 7.0 - 100 * curves)
    ]
    (mean, std), (turned, turned_std) = (
        each.predict(graphs[30:], seen[30:, :6], True)
        for each, seen in zip(fitted, (curves, 7.0 - 100 * curves), strict=True)
    )
    assert turned == pytest.approx(7.0 - 100 * mean, rel=0.02, abs=1.0)
    assert turned_std == pytest.approx(100 * std, rel=0.05)


def test_parts_are_exchangeable_and_columns_ride_along() -> None:
    graphs, curves = networks(60, chance=0.3, noise=0.5)
    rows = [Described(graph, (("width", float(k % 3)),)) for k, graph in enumerate(graphs)]
    joint = JointPredictor(curve_predictor=LastValueCurvePredictor())
    assert isinstance(clone(joint).get_params()["curve_predictor"], LastValueCurvePredictor)
    mean = joint.fit(rows[:40], curves[:40]).predict(rows[40:], curves[40:, :12])
    assert np.corrcoef(mean, curves[40:, -1])[0, 1] > 0.8


def test_steps_on_the_way_are_predicted_with_the_graph_as_prior() -> None:
    graphs, curves = networks(60, chance=0.3, noise=0.5)
    joint = JointPredictor().fit(graphs[:40], curves[:40])
    found = joint.predictive(graphs[40:], curves[40:, :6], at=10)
    prior = joint.predict(graphs[40:], np.full((20, 1), np.nan), True)
    expected = joint.curve_predictor_.predictive(curves[40:, :6], at=10, prior=prior)
    np.testing.assert_allclose(found.mean(), expected.mean())


def test_what_is_wrong_is_said() -> None:
    graphs, curves = networks(20, chance=0.3, noise=0.5)
    joint: Any = JointPredictor()
    with pytest.raises(ValueError, match="`curves` must have one row for each of the 20 networks, but has 19"):
        joint.fit(graphs, curves[:19])
    joint.fit(graphs, curves)
    with pytest.raises(ValueError, match="`curves` must have one row for each of the 3 networks, but has 20"):
        joint.predict(graphs[:3], curves)
    with pytest.raises(ValueError, match=r"`X` must have at most 16 steps"):
        joint.predict(graphs, np.zeros((20, 17)))
