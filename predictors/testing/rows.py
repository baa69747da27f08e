"""Numbers beside the graphs, numbers alone, and what another predictor says."""
# ruff: noqa: S101

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.inputs import Described, Rows
from predictors.graph import ArchGraph
from predictors.persistence import load, save
from predictors.testing.graphs import random_cells, values
from predictors.testing.subject import NEW, SEEN, Subject, tau


def described(graphs: list[ArchGraph], seed: int) -> tuple[list[Described], NDArray[np.float64]]:
    """Cells with the rate they are trained at, which not everyone wrote down, and their values at that rate."""
    rng = np.random.default_rng(seed)
    rates = rng.random(len(graphs))
    noted = np.where(rng.random(len(graphs)) < 0.1, np.nan, rates)
    columns = [(("noise", rng.normal()), ("rate", 10.0**rate), ("same", 1.0)) for rate in noted]
    return [Described(*row) for row in zip(graphs, columns, strict=True)], values(graphs) + 60.0 * rates


class RowsTests(Subject):
    """What `X` may be besides a list of graphs."""

    def test_numbers_that_ride_along_help(self, fitted: ArchitecturePredictor, tmp_path: Path) -> None:
        """What graphs do not tell is read from the numbers, gaps in them or not, loaded or not."""
        new = random_cells(150, seed=3)
        rows, truth = described(new, 1)
        predictor = self.make().fit(*described(SEEN, 2))
        assert predictor.column_names_ == ("noise", "rate", "same")
        assert tau(predictor.predict(rows), truth) > tau(fitted.predict(new), truth)
        nothing_known = [Described(graph, tuple((name, np.nan) for name, _ in rows[0].columns)) for graph in new]
        assert np.isfinite(predictor.predict(nothing_known)).all()
        self._assert_saved(predictor, rows, tmp_path)

    def test_another_task_is_learned_from(self, fitted: ArchitecturePredictor, tmp_path: Path) -> None:
        """A predictor of a related task, in other units, does no harm, and lives through saving."""
        graphs, new = random_cells(12, seed=4), random_cells(150, seed=3)
        task = -np.exp(-0.05 * values(graphs))
        alone = self.make().fit(graphs, task)
        helped = self.make().fit(graphs, task, source=fitted)
        assert helped.source_ is fitted
        assert tau(helped.predict(new), values(new)) > tau(alone.predict(new), values(new)) - 0.05
        self._assert_saved(helped, NEW, tmp_path)

    def test_numbers_alone(self, tmp_path: Path) -> None:
        """A table without graphs: one of its two columns counts, and some of its entries are missing."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 2))
        y = X[:, 0] ** 3
        X[::10, 1] = np.nan
        predictor = self.make().fit(X[:40], y[:40])
        assert predictor.n_features_in_ == 2
        assert tau(predictor.predict(X[40:]), y[40:]) > 0.6
        self._assert_saved(predictor, X, tmp_path)

    def _assert_saved(self, predictor: ArchitecturePredictor, rows: Rows, folder: Path) -> None:
        save(predictor, folder, classes=self.classes)
        loaded = load(folder, classes=self.classes)
        np.testing.assert_array_equal(loaded.sample(rows, 2), predictor.sample(rows, 2))
        np.testing.assert_array_equal(loaded.predict_scores(rows), predictor.predict_scores(rows))
