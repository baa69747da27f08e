"""What may be relied on: the same answer every time, saved or not, and clear errors."""
# ruff: noqa: S101

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.inputs import Described
from predictors.persistence import load, save
from predictors.testing.subject import NEW, SEEN, SEEN_VALUES, Subject

_SCRIPT = "import {module} as found; {print}(found.{name}()._answers())"

BAD_INPUT: list[tuple[Any, Any, Any, type[Exception], str]] = [
    ([], [], None, ValueError, "`X` must hold at least one graph"),
    (SEEN[:2], [1.0], None, ValueError, r"`y` must have one number for each of the 2 graphs, but has shape \(1,\)"),
    (SEEN[:2], None, None, ValueError, "requires y to be passed"),
    (SEEN[:2], [[1.0, 2.0], [2.0, 1.0]], None, ValueError, r"shape \(2, 2\)"),
    (SEEN[:2], [1.0, np.nan], None, ValueError, "`y` must be finite, but item 1 is nan"),
    (SEEN[:2], [np.inf, 1.0], None, ValueError, "`y` must be finite, but item 0 is inf"),
    (SEEN[:2], [0.0, 1.0], [1.0, -1.0], ValueError, r"`y_std` must not be negative, but holds -1\.0"),
    (SEEN[:2], [0.0, 1.0], [1.0], ValueError, "`y_std` must have one number"),
    (SEEN[:2], [0.0, 1.0], [1.0, np.nan], ValueError, "`y_std` must be finite"),
    ([SEEN[0], "abc"], [0.0, 1.0], None, TypeError, "item 1 is of type str"),
    (SEEN[0], [0.0], None, TypeError, "must be a sequence of ArchGraph, but got ArchGraph"),
    (3, [0.0], None, TypeError, "must be a sequence of ArchGraph, but got int"),
    ([SEEN[0], Described(SEEN[1], (("a", 1.0),))], [0.0, 1.0], None, ValueError, "the same columns everywhere"),
]


class ContractTests(Subject):
    """Repeatability, persistence and errors."""

    def test_fit_is_repeatable_whatever_the_threads(self, fitted: ArchitecturePredictor) -> None:
        """A second fit, of a used predictor and with other threads, gives the same bits; threads are restored."""
        import torch

        again = self.make().fit(NEW[:4], [1.0, 2.0, 3.0, 4.0])
        before = torch.get_num_threads()
        torch.set_num_threads(3)
        try:
            again.fit(SEEN, SEEN_VALUES)
            predicted = again.predict(NEW)
            assert torch.get_num_threads() == 3
        finally:
            torch.set_num_threads(before)
        np.testing.assert_array_equal(fitted.predict(NEW), predicted)
        np.testing.assert_array_equal(fitted.sample(NEW, 3), again.sample(NEW, 3))

    def _answers(self) -> list[str]:
        """Predictions and draws of a fit, every bit of them."""
        predictor = self.make().fit(SEEN[:20], SEEN_VALUES[:20])
        numbers = np.concatenate([predictor.predict(NEW), *predictor.sample(NEW[:5], 2)])
        return [float(number).hex() for number in numbers]

    def test_prediction_does_not_depend_on_the_process(self) -> None:
        """A fresh process, with other hashes and another number of threads, gives the same bits."""
        script = _SCRIPT.format(module=type(self).__module__, name=type(self).__qualname__, print="print")
        environment = {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", script],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == str(self._answers())

    def test_global_random_state_is_left_alone(self) -> None:
        """Neither NumPy's nor PyTorch's global generator is used or seeded."""
        import torch

        def numbers_of_numpy() -> bytes:
            state: Any = np.random.get_state()  # noqa: NPY002 - what must not change
            return bytes(state[1].tobytes())

        torch_state, numpy_state = torch.get_rng_state(), numbers_of_numpy()
        self.make().fit(SEEN[:12], SEEN_VALUES[:12]).sample(NEW)
        assert torch.equal(torch_state, torch.get_rng_state())
        assert numbers_of_numpy() == numpy_state

    def test_saved_and_loaded_it_predicts_the_same_bits(self, fitted: ArchitecturePredictor, tmp_path: Path) -> None:
        """Every answer of a loaded predictor is that of the saved one, and it has learned the same."""
        save(fitted, tmp_path, classes=self.classes)
        loaded = load(tmp_path, classes=self.classes)
        assert type(loaded) is type(fitted)
        assert vars(loaded).keys() == vars(fitted).keys()
        np.testing.assert_array_equal(loaded.predict(NEW, return_std=True), fitted.predict(NEW, return_std=True))
        np.testing.assert_array_equal(loaded.quantiles(NEW, [0.1, 0.9]), fitted.quantiles(NEW, [0.1, 0.9]))
        np.testing.assert_array_equal(loaded.sample(NEW, 3), fitted.sample(NEW, 3))
        np.testing.assert_array_equal(loaded.held_out_.mean, fitted.held_out_.mean)

    def test_nothing_to_predict(self, fitted: ArchitecturePredictor) -> None:
        """No graphs, no answers."""
        assert fitted.predict([]).shape == (0,)
        assert fitted.sample([], 2).shape == (2, 0)
        assert fitted.quantiles([], [0.5]).shape == (1, 0)

    @pytest.mark.parametrize(("X", "y", "y_std", "error", "message"), BAD_INPUT, ids=[case[-1] for case in BAD_INPUT])
    def test_bad_input_is_named(self, X: Any, y: Any, y_std: Any, error: type[Exception], message: str) -> None:
        """`fit` says what must be what, and what it was."""
        with pytest.raises(error, match=message):
            self.make().fit(X, y, y_std=y_std)

    def test_bad_questions_are_named(self, fitted: ArchitecturePredictor) -> None:
        """So do the others."""
        with pytest.raises(ValueError, match="`n` must be at least 1, but got 0"):
            fitted.sample(NEW, 0)
        with pytest.raises(ValueError, match="`q` must hold probabilities between 0 and 1"):
            fitted.quantiles(NEW, [0.5, 1.0])
        with pytest.raises(ValueError, match=r"`X` must have the columns \[\], but has \['a'\]"):
            fitted.predict([Described(NEW[0], (("a", 1.0),))])
