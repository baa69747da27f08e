from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from predictors.scores import ScoreMap


def test_scores_are_normal_quantiles_of_ranks() -> None:
    y = np.random.default_rng(0).exponential(size=50)
    np.testing.assert_allclose(ScoreMap.fit(y).to_scores(y), norm.ppf((rankdata(y) - 0.5) / 50))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30), st.floats(-20, 20).map(lambda x: round(x, 6)))
def test_the_map_is_increasing_and_invertible_everywhere(numbers: list[int], x: float) -> None:
    # Rounded: two neighbouring floating point numbers may well share a score.
    chart = ScoreMap.fit(np.array(numbers, dtype=float))
    grid = np.sort(np.append(np.linspace(-20, 20, 200), x))
    assert (np.diff(chart.to_scores(np.unique(grid))) > 0).all()
    np.testing.assert_allclose(chart.to_values(chart.to_scores(grid)), grid, atol=1e-9)


def test_values_beyond_the_best_go_on_at_the_slope_of_the_last_score() -> None:
    y = np.linspace(0.0, 10.0, 101)
    chart = ScoreMap.fit(y)
    top = chart.scores[-1]
    slope = 10.0 - chart.to_values(np.array([top - 1.0]))[0]
    assert chart.to_values(np.array([top + 2.0]))[0] == pytest.approx(10.0 + 2.0 * slope)


def test_moments_of_gaussian_values_are_recovered() -> None:
    y = norm.ppf((np.arange(2000) + 0.5) / 2000) * 3.0 + 7.0
    mean, std = ScoreMap.fit(y).value_moments(np.array([0.0, 1.0]), np.array([0.5, 0.2]))
    np.testing.assert_allclose(mean, [7.0, 10.0], atol=0.01)
    np.testing.assert_allclose(std, [1.5, 0.6], rtol=0.02)
    noise = ScoreMap.fit(y).score_std(np.array([7.0, 8.0]), np.array([1.5, 0.0]))
    np.testing.assert_allclose(noise, [0.5, 0.0], atol=0.01)


def test_an_uncertain_value_barely_moves_the_map() -> None:
    y = np.random.default_rng(1).normal(size=40)
    alone = ScoreMap.fit(y)
    joined = ScoreMap.fit(np.append(y, 1e6), np.append(np.zeros(40), 1e9))
    np.testing.assert_allclose(joined.to_scores(y), alone.to_scores(y), atol=1e-12)
    certain = ScoreMap.fit(np.append(y, 1e6), np.zeros(41))
    assert np.abs(certain.to_scores(y) - alone.to_scores(y)).max() > 0.01


def test_one_value_counts_in_its_own_unit() -> None:
    chart = ScoreMap.fit(np.array([3.0, 3.0]))
    np.testing.assert_allclose(chart.to_scores(np.array([3.0, 4.0])), [0.0, 1.0])
    np.testing.assert_allclose(chart.to_values(np.array([-1.0])), [2.0])
