"""A test suite for curve predictors, in pytest, that a new one inherits."""
# ruff: noqa: S101

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from predictors.curves.base import CurvePredictor

Array = NDArray[np.float64]

STEPS = 12


def accuracies(n: int, seed: int = 0, n_steps: int = STEPS) -> Array:
    """Accuracies that saturate between 0.6 and 0.95 at speeds of their own, `(n, n_steps)`."""
    rng = np.random.default_rng(seed)
    end, gap = rng.uniform(0.6, 0.95, (n, 1)), rng.uniform(0.2, 0.5, (n, 1))
    speed = n_steps / rng.uniform(3, 8, (n, 1))
    return np.asarray(end - gap * np.exp(-np.arange(n_steps) / speed) + 0.004 * rng.standard_normal((n, n_steps)))


SEEN = accuracies(24)
NEW = accuracies(10, seed=1)

PARTIAL = {
    "a hole": [0.5, np.nan, 0.7],
    "a late start": [np.nan, np.nan, 0.6],
    "infinite": [0.5, np.inf, -np.inf],
    "one point": [0.5],
    "constant": [0.5, 0.5, 0.5, 0.5],
    "zero": [0.0, 0.0, 0.0],
    "falling": [0.9, 0.5, 0.1],
    "reversed": SEEN[0, ::-1][:6].tolist(),
    "negative": [-0.5, -0.4, -0.3],
    "huge": [1e12, -3e12, 1e13],
    "tiny": [1e-12, 2e-12, 3e-12],
    "diverged": [0.5, 1e300, np.inf],
    "nothing": [np.nan],
    "all but the end": SEEN[0, :-1].tolist(),
}
"""Partial curves that a training may report."""

FINISHED: dict[str, Callable[[Array], Array]] = {
    "none": lambda c: c[:0],
    "one": lambda c: c[:1],
    "two": lambda c: c[:2],
    "constant": lambda c: np.full_like(c, 0.5),
    "zero": np.zeros_like,
    "one diverged in three": lambda c: np.where(np.arange(len(c))[:, None] % 3 == 0, 1e15, c),
    "infinite ends": lambda c: np.where(np.arange(c.shape[1]) > np.arange(len(c))[:, None], np.inf, c),
    "holes": lambda c: np.where(np.random.default_rng(0).random(c.shape) < 0.5, np.nan, c),
    "nothing observed": lambda c: np.full_like(c, np.nan),
    "stopped before the end": lambda c: np.where(np.arange(c.shape[1]) > 6, np.nan, c),
    "reversed": lambda c: c[:, ::-1],
    "one step": lambda c: c[:, :1],
    "two steps": lambda c: c[:, :2],
}
"""What may become of the finished curves."""


class CurvePredictorSuite:
    """What holds for every curve predictor.

    A subclass, named `Test...` and at the top of its module, has a method `make` without arguments that returns an
    unfitted predictor, with `random_state` an int where it has one. It fits about twenty times on up to 24 curves of 12
    steps: `make` should use settings that are small enough.

        from predictors.testing import CurvePredictorSuite

        class TestMine(CurvePredictorSuite):
            def make(self) -> CurvePredictor:
                return Mine(steps=50, random_state=0)

    Attributes:
        beats_last_value: Mean absolute error that must be reached after 4 of 12 steps, as a share of the last value's.
        exact: Relative difference that is allowed between answers that should be equal.
    """

    beats_last_value: ClassVar[float] = 0.9
    exact: ClassVar[float] = 1e-6

    def make(self) -> CurvePredictor:
        """An unfitted predictor."""
        raise NotImplementedError(f"{type(self).__name__} must have a method `make` that returns a predictor.")

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls) -> CurvePredictor:
        """A predictor that has learned from `SEEN`, for tests that change nothing about it."""
        return cls().make().fit(SEEN)

    def test_it_beats_the_last_value(self, fitted: CurvePredictor) -> None:
        """Accuracies that saturate go on rising."""
        mean, std = fitted.predict(NEW[:, :4], return_std=True)
        assert mean.shape == std.shape == (len(NEW),)
        error = np.abs(mean - NEW[:, -1])
        assert error.mean() <= self.beats_last_value * np.abs(NEW[:, 3] - NEW[:, -1]).mean()
        assert np.mean(error < 3 * std) > 0.7

    def test_the_horizon_is_known(self, fitted: CurvePredictor) -> None:
        """Steps are counted from 1 to the horizon; None is the last."""
        assert fitted.horizon_ == STEPS
        begun = NEW[:3, :5]
        np.testing.assert_array_equal(fitted.predict(begun), fitted.predict(begun, at=STEPS))
        padded = np.full((3, STEPS), np.nan)
        padded[:, :5] = begun
        np.testing.assert_array_equal(fitted.predict(begun), fitted.predict(padded))
        for at in (1, 6, 9):
            assert np.isfinite(fitted.predict(begun, at=at, return_std=True)).all()

    def test_an_observed_value_is_returned_where_it_was_observed(self, fitted: CurvePredictor) -> None:
        """It is known, whatever the model thinks of it, and whatever is known from elsewhere."""
        begun = np.array([[0.1, 0.9, np.nan, 0.2]])
        for at, value in ((1, 0.1), (2, 0.9), (4, 0.2)):
            mean, std = fitted.predict(begun, at=at, return_std=True)
            np.testing.assert_allclose([mean[0], std[0]], [value, 0.0], atol=1e-12)
        assert fitted.predict(begun, at=3, return_std=True)[1][0] > 0
        np.testing.assert_allclose(fitted.predict(NEW[:2], prior=(0.1, 0.01)), NEW[:2, -1])

    def test_the_distribution_is_one(self, fitted: CurvePredictor) -> None:
        """Quantiles rise, are undone by the distribution function, and that lies between 0 and 1."""
        begun, levels = NEW[:4, :5], np.array([0.01, 0.1, 0.5, 0.9, 0.99])
        found = fitted.quantiles(begun, levels)
        assert found.shape == (4, 5)
        assert (np.diff(found, axis=1) > 0).all()
        distribution = fitted.predictive(begun)
        np.testing.assert_allclose(distribution.weights.sum(1), 1.0)
        for column, level in enumerate(levels):
            np.testing.assert_allclose(distribution.cdf(found[:, column]), level, atol=1e-5)
        thresholds = np.array([-1e9, 0.0, 0.5, 0.8, 1.0, 1e9])
        below = np.array([distribution.cdf(threshold) for threshold in thresholds])
        assert ((below >= 0) & (below <= 1)).all()
        assert (np.diff(below, axis=0) >= 0).all()
        np.testing.assert_allclose(fitted.prob_above(begun, 0.8), 1.0 - distribution.cdf(0.8))

    @pytest.mark.parametrize("n_finished", [0, 2, 24])
    def test_without_a_point_it_is_the_prior_that_counts(self, n_finished: int) -> None:
        """What is known from elsewhere is all there is."""
        fitted = self.make().fit(SEEN[:n_finished])
        found = fitted.quantiles(np.full((2, 3), np.nan), [0.1, 0.5, 0.9], prior=([0.5, 0.9], 0.02))
        np.testing.assert_allclose(found[:, 1], [0.5, 0.9], atol=0.01)
        width = found[:, 2] - found[:, 0]  # 0.05, and what a measurement adds
        assert ((width > 0.02) & (width < 0.15)).all()

    def test_what_is_known_from_elsewhere_moves_the_prediction(self, fitted: CurvePredictor) -> None:
        """The more so the surer it is; it may be said of each curve."""
        begun = NEW[:4, :2]
        alone = fitted.predict(begun)
        told = alone + 0.2
        moved = {std: fitted.predict(begun, prior=(told, std)) - alone for std in (1e-4, 0.1, 1e6)}
        np.testing.assert_allclose(moved[1e-4], 0.2, atol=0.03)
        assert (moved[0.1] > -0.01).all()
        assert moved[0.1].mean() < moved[1e-4].mean() + 0.02
        assert (moved[1e6] < 0.19).all()

    @pytest.mark.parametrize("name", PARTIAL)
    def test_bad_partial_curves_get_an_answer(self, fitted: CurvePredictor, name: str) -> None:
        """A training may report anything."""
        self._assert_answers(fitted, np.array([PARTIAL[name]]))

    @pytest.mark.parametrize("name", FINISHED)
    def test_bad_finished_curves_are_learned_from(self, name: str) -> None:
        """And so may those before it; whatever comes after must be answered."""
        finished = FINISHED[name](SEEN)
        fitted = self.make().fit(finished)
        widest = finished.shape[1]
        assert fitted.horizon_ == widest
        begun = np.full((len(PARTIAL), widest), np.nan)
        for row, partial in enumerate(PARTIAL.values()):
            begun[row, : len(partial)] = partial[:widest]
        self._assert_answers(fitted, begun)

    def _assert_answers(self, fitted: CurvePredictor, begun: Array) -> None:
        known = (begun.shape[1] == fitted.horizon_) & (np.abs(begun[:, -1]) < 1e100)
        for prior in (None, (0.7, 0.1)):
            distribution = fitted.predictive(begun, prior=prior)
            mean, std = distribution.mean(), distribution.std()
            assert np.isfinite([mean, std, distribution.quantile(0.05), distribution.quantile(0.95)]).all()
            assert (known | (std > 0)).all()
            assert ((distribution.cdf(0.9) >= 0) & (distribution.cdf(0.9) <= 1)).all()

    def test_one_diverged_training_does_not_spoil_the_others(self, fitted: CurvePredictor) -> None:
        """Predictions stay near what they are without it."""
        spoilt = self.make().fit(np.concatenate([SEEN, np.full((3, STEPS), 1e15)]))
        difference = spoilt.predict(NEW[:, :6]) - fitted.predict(NEW[:, :6])
        assert np.median(np.abs(difference)) < 0.1

    @pytest.mark.parametrize(("offset", "factor"), [(2.0, -100.0), (0.0, 1e-3)])
    def test_units_and_direction_do_not_matter(self, fitted: CurvePredictor, offset: float, factor: float) -> None:
        """A metric to minimise, in percent, or anything else."""
        mean, std = fitted.predict(NEW[:, :5], return_std=True)
        other = self.make().fit(offset + factor * SEEN).predict(offset + factor * NEW[:, :5], return_std=True)
        np.testing.assert_allclose((other[0] - offset) / factor, mean, rtol=max(1e-3, self.exact))
        np.testing.assert_allclose(other[1] / abs(factor), std, rtol=max(0.02, self.exact))

    def test_curves_are_answered_one_by_one_as_together(self, fitted: CurvePredictor) -> None:
        """What else is asked makes no difference, nor does a curve that cannot be read."""
        together = np.full((6, 7), np.nan)
        for row in range(5):
            together[row, : row + 2] = NEW[row, : row + 2]
        expected = fitted.predict(together, return_std=True)
        for row in range(6):
            alone = fitted.predict(together[[row]], return_std=True)
            np.testing.assert_allclose([alone[0][0], alone[1][0]], [e[row] for e in expected], rtol=self.exact)
        assert fitted.predict(np.empty((0, 3))).shape == (0,)

    def test_it_is_an_estimator_that_can_be_cloned_and_repeated(self, fitted: CurvePredictor) -> None:
        """`fit` leaves parameters and curves as they are; a used predictor learns anew, a clone gives the same bits."""
        made = self.make()
        assert made.get_params() == fitted.get_params() == clone(fitted).get_params()
        for unfitted in (made, clone(fitted)):
            with pytest.raises(NotFittedError):
                unfitted.predict(NEW)
        curves, begun = SEEN.copy(), NEW[:, :5].copy()
        used = made.fit(accuracies(8, seed=5, n_steps=15)).fit(curves)
        answers = [each.predict(begun, return_std=True) for each in (fitted, used, clone(fitted).fit(curves), fitted)]
        for answer in answers[1:]:
            np.testing.assert_array_equal(answers[0], answer)
        np.testing.assert_array_equal(curves, SEEN)
        np.testing.assert_array_equal(begun, NEW[:, :5])
        np.testing.assert_array_equal(fitted.predict(begun.tolist()), answers[0][0])

    def test_global_random_state_is_left_alone(self) -> None:
        """Neither NumPy's nor PyTorch's global generator is used or seeded."""
        import torch

        def of_numpy() -> bytes:
            state: Any = np.random.get_state()  # noqa: NPY002 - what must not change
            return bytes(state[1].tobytes()) + bytes([state[2] % 256])

        before, before_torch = of_numpy(), torch.get_rng_state()
        self.make().fit(SEEN[:8]).predict(NEW[:2, :3])
        assert of_numpy() == before
        assert torch.equal(torch.get_rng_state(), before_torch)

    def test_what_is_wrong_is_said(self, fitted: CurvePredictor) -> None:
        """By the name of the argument, what it must be, and what it was."""
        for wrong in (SEEN[0], np.empty((3, 0)), SEEN[None]):
            with pytest.raises(ValueError, match=r"`X` must have shape \(n_curves, n_steps\)"):
                self.make().fit(wrong)
        with pytest.raises(ValueError, match=r"`X` must have at most 12 steps, the horizon, but got 13"):
            fitted.predict(np.zeros((1, 13)))
        for at in (0, 13, -1):
            with pytest.raises(ValueError, match=f"`at` must lie between 1 and 12, but got {at}"):
                fitted.predict(NEW, at=at)
        with pytest.raises(ValueError, match="`q` must lie strictly between 0 and 1"):
            fitted.quantiles(NEW, [0.5, 1.0])
        for prior in ((0.5, 0.0), (0.5, -1.0), (np.nan, 1.0), (0.5, np.inf)):
            with pytest.raises(ValueError, match="`prior` must be finite means and standard deviations above 0"):
                fitted.predict(NEW[:, :4], prior=prior)
