from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from predictors.curves import SequentialRegressionPredictor
from predictors.encodings.statistics import GraphStatistics
from predictors.testing.graphs import random_cells, values
from tests.predictors.curves.synthetic import saturating


def described(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Curves whose ends their features tell, and hardly anything but those."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 2))
    end = 0.8 + 0.05 * features[:, :1]
    return end - 0.3 * np.exp(-np.arange(10) / 3) + 0.002 * rng.standard_normal((n, 10)), features


@pytest.mark.parametrize("regressor", ["nu_svr", "linear_nu_svr", "random_forest", "ols"])
def test_every_regressor_of_the_paper_extrapolates(regressor: str) -> None:
    curves = saturating(np.random.default_rng(0), 60, 20, noise=0.003)
    model = SequentialRegressionPredictor(regressor=regressor, candidates=15, random_state=0).fit(curves[:30])
    mean, std = model.predict(curves[30:, :8], return_std=True)
    error = np.abs(mean - curves[30:, -1])
    assert error.mean() < 0.6 * np.abs(curves[30:, 7] - curves[30:, -1]).mean()
    assert 0.4 < np.mean(error < std) < 0.95
    assert np.mean(error < 2.5 * std) > 0.85


def test_the_inputs_are_values_differences_and_features() -> None:
    """Least squares on the columns that section 3.1 lists, written down once more."""
    curves, features = described(40, 0)
    model = SequentialRegressionPredictor(regressor="ols", random_state=0).fit(curves[:30], features=features[:30])
    begun = curves[:, :5]
    columns = np.hstack([begun, np.diff(begun), np.diff(np.diff(begun)), features])
    assert columns.shape == (40, 5 + 4 + 3 + 2)
    expected = LinearRegression().fit(columns[:30], curves[:30, -1]).predict(columns[30:])
    found = model.predictive(begun[30:], features=features[30:]).mean()
    assert found == pytest.approx(expected, abs=0.01)
    assert np.corrcoef(found, expected)[0, 1] > 0.95


def test_features_tell_the_end_of_a_curve_without_a_point() -> None:
    curves, features = described(60, 1)
    model = SequentialRegressionPredictor(candidates=15, random_state=0).fit(curves[:40], features=features[:40])
    unseen = np.full((20, 1), np.nan)
    told = model.predictive(unseen, features=features[40:])
    assert np.abs(told.mean() - curves[40:, -1]).mean() < 0.5 * curves[40:, -1].std()
    assert (told.std() < 0.7 * model.predictive(unseen).std()).all()
    unknown = features[40:].copy()
    unknown[:, 0] = np.nan
    assert np.isfinite(model.predictive(unseen, features=unknown).mean()).all()


def test_graphs_are_described_by_their_statistics() -> None:
    graphs = random_cells(100)
    statistics = GraphStatistics().fit_transform(graphs)
    curves = values(graphs)[:, None] * (1 - 0.5 * np.exp(-np.arange(8) / 3))
    model = SequentialRegressionPredictor(candidates=15, random_state=0).fit(curves[:60], features=statistics[:60])
    found = model.predictive(np.full((40, 1), np.nan), features=statistics[60:]).mean()
    assert np.corrcoef(found, curves[60:, -1])[0, 1] > 0.5


def test_a_model_is_fitted_once_for_each_length() -> None:
    curves = saturating(np.random.default_rng(0), 20, 10)
    model = SequentialRegressionPredictor(candidates=2).fit(curves)  # Without a seed, a second search would differ.
    first = [model.predict(curves[:3, :n]) for n in (3, 6)]
    assert [model.predict(curves[:3, :n]).tolist() for n in (3, 6)] == [each.tolist() for each in first]


def test_what_is_wrong_is_said() -> None:
    curves, features = described(8, 0)
    with pytest.raises(ValueError, match=r"`regressor` must be one of .*, but got 'tree'"):
        SequentialRegressionPredictor(regressor="tree").fit(curves)
    with pytest.raises(ValueError, match="`candidates` must be at least 1, but got 0"):
        SequentialRegressionPredictor(candidates=0).fit(curves)
    with pytest.raises(ValueError, match=r"`features` must have shape \(n_curves, k\) with 8 curves, but got \(7, 2\)"):
        SequentialRegressionPredictor().fit(curves, features=features[:7])
    model = SequentialRegressionPredictor().fit(curves, features=features)
    with pytest.raises(ValueError, match="`features` must have 2 columns as in `fit`, but has 1"):
        model.predictive(curves[:, :3], features=features[:, :1])
