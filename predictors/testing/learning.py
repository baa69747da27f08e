"""What a predictor learns, and how sure it is."""
# ruff: noqa: S101

from __future__ import annotations

import numpy as np
import pytest

from predictors.architecture.base import ArchitecturePredictor
from predictors.testing.graphs import cell, random_cells, random_networks, relabelled, value, values
from predictors.testing.subject import NEW, SEEN, SEEN_VALUES, Subject, tau


class LearningTests(Subject):
    """Orders, scales and uncertainty."""

    def test_it_learns_an_order_and_a_scale(self, fitted: ArchitecturePredictor) -> None:
        """Unseen cells come in the right order, near their values, inside their intervals."""
        new = random_cells(200, seed=2)
        truth = values(new)
        mean, std = fitted.predict(new, return_std=True)
        assert mean.shape == std.shape == (200,)
        assert tau(mean, truth) > self.lowest_tau
        assert np.abs(mean - truth).mean() < 0.6 * np.abs(truth - np.median(truth)).mean()
        assert 0.5 < np.mean(np.abs(mean - truth) < 1.28 * std) <= 1.0
        assert tau(fitted.predict_scores(new)[0], mean) > 0.9

    def test_units_do_not_matter(self, fitted: ArchitecturePredictor) -> None:
        """Predictions follow a change of units."""
        mean, std = fitted.predict(NEW, return_std=True)
        other = self.make().fit(SEEN, 1e-3 * SEEN_VALUES - 7.0).predict(NEW, return_std=True)
        np.testing.assert_allclose(other[0], 1e-3 * mean - 7.0, rtol=1e-4)
        np.testing.assert_allclose(other[1], 1e-3 * std, rtol=1e-2)

    def test_isomorphic_graphs_are_predicted_alike(self, fitted: ArchitecturePredictor) -> None:
        """Neither the order of nodes nor what carries no signal counts, in `fit` and in `predict`."""
        other = self.make().fit([relabelled(graph, 1) for graph in SEEN], SEEN_VALUES)
        expected = fitted.predict(NEW)
        np.testing.assert_allclose(other.predict([relabelled(graph, 2) for graph in NEW]), expected, rtol=1e-5)
        np.testing.assert_allclose(fitted.predict([graph.canonical() for graph in NEW]), expected, rtol=1e-5)

    def test_an_observation_with_a_huge_deviation_has_almost_no_influence(self, fitted: ArchitecturePredictor) -> None:
        """A wrong value of a good network misleads, unless it is said to be uncertain."""
        wrong = cell(*["nor_conv_3x3"] * 6)
        assert value(wrong) > SEEN_VALUES.max()
        new = [wrong, *random_cells(50, seed=1)]
        graphs, y = [*SEEN, wrong], np.append(SEEN_VALUES, 0.0)
        std = np.append(np.zeros(len(SEEN)), 1e6)
        without = fitted.predict_scores(new)[0]
        uncertain = self.make().fit(graphs, y, y_std=std).predict_scores(new)[0]
        misled = self.make().fit(graphs, y).predict_scores(new)[0]
        assert without[0] > misled[0]
        assert abs(without[0] - uncertain[0]) < 0.35 * (without[0] - misled[0])
        assert tau(without, uncertain) > tau(without, misled)

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_a_few_observations_are_enough_to_answer(self, n: int) -> None:
        """One observation is a start."""
        mean, std = self.make().fit(SEEN[:n], SEEN_VALUES[:n]).predict(NEW, return_std=True)
        assert np.isfinite(mean).all()
        assert (std > 0).all()
        assert np.isfinite(std).all()

    def test_constant_values(self) -> None:
        """What is always the same stays so."""
        mean, std = self.make().fit(SEEN[:12], np.full(12, 0.3)).predict(NEW, return_std=True)
        np.testing.assert_allclose(mean, 0.3, atol=1e-6)
        assert np.isfinite(std).all()

    def test_networks_that_were_trained_twice(self) -> None:
        """Two values of one network are averaged, not believed to be two networks."""
        graphs, y = SEEN[:12], SEEN_VALUES[:12]
        mean = self.make().fit(graphs * 2, np.concatenate([y - 1.0, y + 1.0])).predict(graphs)
        assert tau(mean, y) > 0.6

    def test_samples_scatter_as_predicted(self, fitted: ArchitecturePredictor) -> None:
        """Draws have the predicted mean and deviation, and agree on isomorphic graphs."""
        new = [*NEW[:9], relabelled(NEW[0], 1)]
        mean, std = fitted.predict_scores(new)
        draws = fitted.sample_scores(new, 3000)
        assert draws.shape == (3000, 10)
        np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.1)
        np.testing.assert_allclose(draws.std(axis=0), std, rtol=0.25)
        np.testing.assert_allclose(draws[:, 0], draws[:, 9], atol=1e-4)
        np.testing.assert_allclose(fitted.sample(new, 4), fitted.score_map_.to_values(fitted.sample_scores(new, 4)))

    def test_joint_scores_are_those_of_each_and_of_the_draws(self, fitted: ArchitecturePredictor) -> None:
        """The covariance has the predicted variances on its diagonal, and the correlations of draws beside it."""
        mean, std = fitted.predict_scores(NEW)
        joint_mean, covariance = fitted.joint_scores(NEW)
        np.testing.assert_allclose(joint_mean, mean, atol=1e-6)
        np.testing.assert_allclose(np.sqrt(covariance.diagonal()), std, rtol=1e-4)
        assert np.linalg.eigvalsh(covariance).min() > -1e-6
        pairs = np.triu_indices(len(NEW), k=1)
        drawn = np.corrcoef(fitted.sample_scores(NEW, 3000), rowvar=False)
        assert np.corrcoef((covariance / np.outer(std, std))[pairs], np.asarray(drawn)[pairs])[0, 1] > 0.7
        assert fitted.joint_scores([])[1].shape == (0, 0)

    def test_quantiles_are_in_order(self, fitted: ArchitecturePredictor) -> None:
        """Higher probabilities have higher quantiles; the middle one is the median."""
        quantiles = fitted.quantiles(NEW, [0.05, 0.1, 0.5, 0.9, 0.95])
        assert quantiles.shape == (5, len(NEW))
        assert (np.diff(quantiles, axis=0) > 0).all()
        scores, _ = fitted.predict_scores(NEW)
        np.testing.assert_allclose(quantiles[2], fitted.score_map_.to_values(scores), rtol=1e-6)

    def test_what_is_predicted_does_not_depend_on_the_company(self, fitted: ArchitecturePredictor) -> None:
        """A network alone, among others, or twice: always the same prediction."""
        together = np.stack(fitted.predict_scores([*NEW, *NEW]))
        alone = np.hstack([fitted.predict_scores([graph]) for graph in NEW[:3]])
        np.testing.assert_allclose(together[:, :3], alone, atol=1e-4)
        np.testing.assert_allclose(together[:, : len(NEW)], together[:, len(NEW) :], atol=1e-4)

    def test_networks_of_several_cells_and_any_size(self) -> None:
        """Several inputs, concatenation, numbers on nodes; larger cells than those of `fit`."""
        graphs, new = random_networks(20), random_networks(10, seed=1, longest=9)
        mean, std = self.make().fit(graphs, values(graphs)).predict(new, return_std=True)
        assert np.isfinite(mean).all()
        assert (std > 0).all()
        assert np.ptp(mean) > 0
