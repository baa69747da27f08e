"""What holds for every architecture predictor."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from predictors.architecture.auto import AutoPredictor
from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from tests.predictors.architecture.graphs import OPS, cell, random_cells, relabelled, value, values

PREDICTORS = {
    "gp": GraphGP(random_state=0),
    "gnn": GNNEnsemble(steps=60, ops=OPS, random_state=0),
    "auto": AutoPredictor(ops=OPS, random_state=0),
}


@pytest.fixture(params=PREDICTORS)
def predictor(request: pytest.FixtureRequest) -> ArchitecturePredictor:
    return clone(PREDICTORS[request.param])


def test_it_learns_an_order_and_a_scale(predictor: ArchitecturePredictor) -> None:
    graphs, new = random_cells(40), random_cells(200, seed=1)
    mean, std = predictor.fit(graphs, values(graphs)).predict(new, return_std=True)
    truth = values(new)
    assert mean.shape == std.shape == (200,)
    assert kendalltau(mean, truth).statistic > 0.75
    assert np.abs(mean - truth).mean() < 0.6 * np.abs(truth - np.median(truth)).mean()
    assert 0.5 < np.mean(np.abs(mean - truth) < 1.28 * std) <= 1.0
    score, _ = predictor.predict_scores(new)
    assert kendalltau(score, mean).statistic > 0.9


def test_units_do_not_matter(predictor: ArchitecturePredictor) -> None:
    graphs, new = random_cells(25), random_cells(20, seed=1)
    mean, std = clone(predictor).fit(graphs, values(graphs)).predict(new, return_std=True)
    other = predictor.fit(graphs, 1e-3 * values(graphs) - 7.0).predict(new, return_std=True)
    np.testing.assert_allclose(other[0], 1e-3 * mean - 7.0, rtol=1e-4)
    np.testing.assert_allclose(other[1], 1e-3 * std, rtol=1e-2)


def test_fit_is_repeatable_whatever_the_threads(predictor: ArchitecturePredictor) -> None:
    graphs, new = random_cells(24), random_cells(20, seed=1)
    first = clone(predictor).fit(graphs, values(graphs))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        second = predictor.fit(graphs, values(graphs))
        predicted = second.predict(new)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(first.predict(new), predicted)
    np.testing.assert_array_equal(first.sample(new, 3), second.sample(new, 3))


_SCRIPT = """
from predictors.architecture.auto import AutoPredictor
from tests.predictors.architecture.graphs import random_cells, values
graphs = random_cells(20)
auto = AutoPredictor(random_state=0).fit(graphs, values(graphs))
print(auto.chosen_, auto.predict(graphs[:5]).tolist(), auto.sample(graphs[:5], 2).tolist())
"""


def test_prediction_does_not_depend_on_the_process() -> None:
    answers = [
        subprocess.run(
            [sys.executable, "-c", _SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert answers[0] == answers[1]
    assert answers[0].startswith("gp+gnn [")


def test_global_random_state_is_left_alone(predictor: ArchitecturePredictor) -> None:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    graphs = random_cells(20)
    predictor.fit(graphs, values(graphs)).sample(graphs)
    assert torch.equal(torch_state, torch.get_rng_state())
    np.testing.assert_array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002


def test_isomorphic_graphs_are_predicted_alike(predictor: ArchitecturePredictor) -> None:
    graphs, new = random_cells(24), random_cells(24, seed=1)
    predictor.fit([relabelled(graph, 1) for graph in graphs], values(graphs))
    expected = predictor.predict(new)
    np.testing.assert_allclose(predictor.predict([relabelled(graph, 2) for graph in new]), expected, rtol=1e-5)
    np.testing.assert_allclose(predictor.predict([graph.canonical() for graph in new]), expected, rtol=1e-5)


def test_an_observation_with_a_huge_deviation_has_almost_no_influence(predictor: ArchitecturePredictor) -> None:
    graphs = random_cells(24)
    y = values(graphs)
    wrong = cell(*["nor_conv_3x3"] * 6)
    assert value(wrong) > y.max()
    new = [wrong, *random_cells(50, seed=1)]
    without = clone(predictor).fit(graphs, y).predict_scores(new)[0]
    std = np.append(np.zeros(len(y)), 1e6)
    uncertain = clone(predictor).fit([*graphs, wrong], np.append(y, 0.0), y_std=std).predict_scores(new)[0]
    misled = predictor.fit([*graphs, wrong], np.append(y, 0.0)).predict_scores(new)[0]
    assert without[0] - misled[0] > 1.0
    assert abs(without[0] - uncertain[0]) < 0.35 * (without[0] - misled[0])
    assert kendalltau(without, uncertain).statistic > kendalltau(without, misled).statistic


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_observations_are_enough_to_answer(predictor: ArchitecturePredictor, n: int) -> None:
    graphs = random_cells(n)
    mean, std = predictor.fit(graphs, values(graphs)).predict(random_cells(9, seed=1), return_std=True)
    assert np.isfinite(mean).all()
    assert (std > 0).all()
    assert np.isfinite(std).all()


def test_constant_values_and_duplicates(predictor: ArchitecturePredictor) -> None:
    graphs = random_cells(10) * 2
    mean, std = clone(predictor).fit(graphs, np.full(20, 0.3)).predict(graphs, return_std=True)
    np.testing.assert_allclose(mean, 0.3, atol=1e-6)
    assert np.isfinite(std).all()
    noisy = np.concatenate([values(graphs[:10]) - 1.0, values(graphs[:10]) + 1.0])
    mean = predictor.fit(graphs, noisy).predict(graphs)
    np.testing.assert_allclose(mean[:10], mean[10:], rtol=1e-5)
    assert kendalltau(mean[:10], values(graphs[:10])).statistic > 0.6


def test_samples_scatter_as_predicted(predictor: ArchitecturePredictor) -> None:
    graphs = random_cells(24)
    predictor.fit(graphs, values(graphs))
    new = random_cells(10, seed=1)
    new[9] = relabelled(new[0], 1)
    mean, std = predictor.predict_scores(new)
    draws = predictor.sample_scores(new, 3000)
    assert draws.shape == (3000, 10)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.1)
    np.testing.assert_allclose(draws.std(axis=0), std, rtol=0.25)
    np.testing.assert_allclose(draws[:, 0], draws[:, 9], atol=1e-4)
    np.testing.assert_allclose(
        predictor.sample(new, 4), predictor.score_map_.to_values(predictor.sample_scores(new, 4))
    )


def test_it_is_a_scikit_learn_estimator(predictor: ArchitecturePredictor) -> None:
    graphs = random_cells(30)
    scores = cross_val_score(predictor, graphs, values(graphs), cv=2)
    assert (scores > 0.2).all()
    assert clone(predictor).get_params() == predictor.get_params()
    assert "random_state" in predictor.get_params()
    with pytest.raises(NotFittedError):
        predictor.predict(graphs)


def test_nothing_to_predict(predictor: ArchitecturePredictor) -> None:
    graphs = random_cells(4)
    predictor.fit(graphs, values(graphs))
    assert predictor.predict([]).shape == (0,)
    assert predictor.sample([], 2).shape == (2, 0)
    with pytest.raises(ValueError, match="`n` must be at least 1, but got 0"):
        predictor.sample(graphs, 0)


BAD: list[tuple[Any, Any, Any, type[Exception], str]] = [
    ([], [], None, ValueError, "`X` must hold at least one graph"),
    (
        random_cells(2),
        [1.0],
        None,
        ValueError,
        r"`y` must have one number for each of the 2 graphs, but has shape \(1,\)",
    ),
    (random_cells(2), [[1.0, 2.0], [2.0, 1.0]], None, ValueError, r"shape \(2, 2\)"),
    (random_cells(2), [1.0, np.nan], None, ValueError, "`y` must be finite, but item 1 is nan"),
    (random_cells(2), [np.inf, 1.0], None, ValueError, "`y` must be finite, but item 0 is inf"),
    (random_cells(2), [0.0, 1.0], [1.0, -1.0], ValueError, r"`y_std` must not be negative, but holds -1\.0"),
    (random_cells(2), [0.0, 1.0], [1.0], ValueError, "`y_std` must have one number"),
    (random_cells(2), [0.0, 1.0], [1.0, np.nan], ValueError, "`y_std` must be finite"),
    ([random_cells(1)[0], "abc"], [0.0, 1.0], None, TypeError, "item 1 is of type str"),
    (random_cells(1)[0], [0.0], None, TypeError, "must be a sequence of ArchGraph, but got ArchGraph"),
    (3, [0.0], None, TypeError, "must be a sequence of ArchGraph, but got int"),
]


@pytest.mark.parametrize(("X", "y", "y_std", "error", "message"), BAD)
def test_bad_input_is_named(X: Any, y: Any, y_std: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GraphGP().fit(X, y, y_std=y_std)


def test_importing_the_package_stays_light() -> None:
    heavy = ("torch", "sklearn", "scipy", "optuna", "smbo_nas")
    code = f"import sys, predictors; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
