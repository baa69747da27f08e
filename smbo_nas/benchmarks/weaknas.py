"""WeakNASSampler: a peer for comparisons, in the benchmark only."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from smbo_nas.spaces.base import SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study


class WeakNASSampler(BaseSampler):
    """Draws uniformly from the architectures that a perceptron, fitted again and again, ranks best.

    Wu et al., "Stronger NAS with Weaker Predictors", NeurIPS 2021, sec. 2.2 to 2.4, with the settings that its authors
    publish for NAS-Bench-201: 10 random architectures; then, after every 10 more, a perceptron of four hidden layers of
    1,000 units (100 epochs of Adam, scikit-learn's defaults) is fitted on the one-hot choices of all that were trained,
    and the next 10 are drawn from the 100 that it ranks best of the whole space, without those that were trained.

    Departures: targets are standardised with what was observed, not with the whole table, and where fewer than the next
    10 are left of the best 100, they come from further down the ranking one by one.

    Args:
        space: A space that can be listed.
        seed: Seed of every random choice.
        n_startup_trials: Random architectures.
        refit_every: Trials between two fits.
        top: How many of the best are drawn from.
        hidden: Units of each hidden layer.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        seed: int = 0,
        n_startup_trials: int = 10,
        refit_every: int = 10,
        top: int = 100,
        hidden: tuple[int, ...] = (1000, 1000, 1000, 1000),
    ) -> None:
        self._space = space
        self._seed = seed
        self._n_startup_trials = n_startup_trials
        self._refit_every = refit_every
        self._top = top
        self._hidden = hidden
        self._points = list(space.enumerate())
        self._row_of = {tuple(params.values()): row for row, params in enumerate(self._points)}
        self._inputs = np.concatenate(
            [
                np.array([[params[name] == choice for choice in choices] for params in self._points], dtype=np.float32)
                for name, choices in space.choices.items()
            ],
            axis=1,
        )
        self._ranking: tuple[tuple[int, ...], NDArray[np.int64]] = ((), np.empty(0, dtype=np.int64))

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        """The space's parameters."""
        return self._space.distributions()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """One of the best by the present ranking, drawn uniformly."""
        rng = np.random.default_rng([self._seed, trial.number])
        rows = {t.number: row for t in study.get_trials(deepcopy=False) if (row := self._row(t)) is not None}
        done = [t for t in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)) if t.number in rows]
        late = len(done) - self._n_startup_trials
        if late < 0:
            return {name: self._space.sample(rng)[name] for name in search_space}
        used = done[: len(done) - late % self._refit_every]
        ranking = self._rank([rows[t.number] for t in used], study, used)
        taken = set(rows.values())
        free = [row for row in ranking[: self._top].tolist() if row not in taken]
        if not free:
            free = [next((row for row in ranking.tolist() if row not in taken), int(ranking[0]))]
        chosen = self._points[free[rng.integers(len(free))]]
        return {name: chosen[name] for name in search_space}

    def sample_independent(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,  # noqa: ARG002
        param_name: str,
        param_distribution: BaseDistribution,  # noqa: ARG002
    ) -> Any:
        """Refuses what is no parameter of the space."""
        raise ValueError(f"a study of `WeakNASSampler` must have the space's parameters only, but got {param_name!r}.")

    def _row(self, trial: FrozenTrial) -> int | None:
        return self._row_of.get(tuple(str(trial.params.get(name)) for name in self._space.choices))

    def _rank(self, rows: list[int], study: Study, trials: list[FrozenTrial]) -> NDArray[np.int64]:
        """Every architecture, the one predicted to be best first."""
        numbers = tuple(t.number for t in trials)
        if self._ranking[0] != numbers:
            from sklearn.exceptions import ConvergenceWarning
            from sklearn.neural_network import MLPRegressor

            y = np.array([t.values[0] for t in trials])
            if study.direction.name == "MINIMIZE":
                y = -y
            y = (y - y.mean()) / (y.std() or 1.0)
            network = MLPRegressor(
                hidden_layer_sizes=self._hidden, max_iter=100, random_state=(self._seed + len(rows)) % 2**32
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # 100 epochs are the paper's
                network.fit(self._inputs[rows], y.astype(np.float32))
            self._ranking = (numbers, np.argsort(-network.predict(self._inputs), kind="stable"))
        return self._ranking[1]
