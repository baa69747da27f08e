"""Against optuna's hypervolume, which is another program, and against areas that can be drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch.utils.cpp_extension
from botorch.acquisition.multi_objective import logei
from optuna._hypervolume import compute_hypervolume
from scipy.stats import norm

from smbo_nas.hypervolume import (
    expected_improvement,
    hypervolume,
    layers,
    log_noisy_improvement,
    pareto,
    reference_point,
)


def test_hypervolume_is_that_of_optuna() -> None:
    rng = np.random.default_rng(0)
    for m in (2, 3):
        values, reference = rng.normal(size=(30, m)), np.full(m, -1.0)
        beyond = values[(values > reference).all(axis=1)]
        assert np.isclose(hypervolume(values, reference), compute_hypervolume(-beyond, -reference))
    assert hypervolume(np.array([[0.0, -2.0]]), np.array([-1.0, -1.0])) == 0.0


def test_fronts() -> None:
    values = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0], [1.0, 1.0], [1.0, 0.5], [0.0, 0.0]])
    assert pareto(values).tolist() == [True, True, True, False, False, False]
    assert layers(values).tolist() == [0, 0, 0, 0, 1, 2]
    assert layers(np.empty((0, 2))).tolist() == []
    np.testing.assert_allclose(reference_point(values), [-0.2, -0.2])


def test_the_front_of_two_objectives_is_that_of_any_number() -> None:
    """With a third objective that is the same everywhere, BoTorch's loop says what the front is."""
    values = np.random.default_rng(0).integers(0, 12, size=(300, 2)).astype(np.float64)
    assert pareto(values).tolist() == pareto(np.column_stack([values, np.ones(300)])).tolist()


def test_improvement_at_the_best_of_few_draws_counts() -> None:
    """One draw in four beats the front, or none does, or the reference point is out of reach."""
    front, reference = np.array([[1.0, 1.0]]), np.zeros(2)
    draws = np.array([[0.5, 0.5, 9.0], [0.5, 0.5, 9.0], [0.5, 0.5, 9.0], [2.0, 1.0, 9.0]])
    worth = expected_improvement([draws, np.array([1.0, 1.0, 0.0])], front, reference)
    np.testing.assert_allclose(worth, [0.25, 0.0, 0.0], atol=1e-12)
    assert expected_improvement([draws[:, 1:], np.array([1.0, 0.0])], front, reference).tolist() == [0.0, 0.0]


def test_improvement_of_what_is_known_is_the_area_it_adds() -> None:
    """Front (1, 2), (2, 1) from the origin: 3. The point (2, 2) fills the corner, (3, 1) adds a column."""
    front, reference = np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2)
    first, second = np.array([2.0, 3.0, 1.0]), np.array([2.0, 1.0, 1.0])
    worth = expected_improvement([np.tile(first, (4, 1)), second], front, reference)
    np.testing.assert_allclose(worth, [1.0, 1.0, 0.0], atol=1e-9)
    noisy = log_noisy_improvement(
        [np.tile(np.r_[front[:, 0], first], (4, 1)), np.r_[front[:, 1], second]], len(front), reference
    )
    np.testing.assert_allclose(np.exp(noisy)[:2], [1.0, 1.0], atol=0.02)  # BoTorch's smoothing
    assert noisy[2] < -6


def test_improvement_with_one_known_objective_is_expected_improvement() -> None:
    """With a cost of 0 on a front of one point with a cost of 0, the volume is the first objective's times 1."""
    mean, std = 0.3, 0.7
    draws = mean + std * norm.ppf((np.arange(4096) + 0.5) / 4096)
    got = expected_improvement([draws[:, None], np.array([0.0])], np.array([[0.5, 0.0]]), np.array([0.0, -1.0]))
    z = (mean - 0.5) / std
    np.testing.assert_allclose(got, (mean - 0.5) * norm.cdf(z) + std * norm.pdf(z), rtol=1e-3)


def test_an_uncertain_front_counts_for_what_it_may_be() -> None:
    """A candidate is worth more where what is being trained may turn out bad."""
    known, candidate = np.array([0.1]), np.array([1.0])
    sure = np.column_stack([np.full(64, 0.1), np.full(64, 0.9), np.full(64, 1.0)])
    unsure = np.column_stack([np.full(64, 0.1), np.tile([0.0, 0.9], 32), np.full(64, 1.0)])
    cost = np.r_[known, candidate, candidate]
    worth = [log_noisy_improvement([draws, cost], 2, np.zeros(2))[0] for draws in (sure, unsure)]
    assert worth[1] > worth[0] + 1.0


def test_nothing_is_compiled_and_botorch_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    monkeypatch.setattr(logei, "_load_attempted", False)
    monkeypatch.setattr(logei, "_C", None)
    monkeypatch.setattr(torch.utils.cpp_extension, "load", lambda **_: compiled.append(_))
    log_noisy_improvement([np.array([[0.5, 1.0]]), np.array([0.5, 1.0])], 1, np.zeros(2))
    assert not compiled
    assert logei._load_attempted is False
