from __future__ import annotations

from collections.abc import Callable

import optuna
import pytest

from smbo_nas.benchmarks.weaknas import WeakNASSampler
from tests.smbo_nas.benchmarks.small import CELLS, SPACE, VALUES


def objective(sign: float = 1.0) -> Callable[[optuna.Trial], float]:
    return lambda trial: sign * float(VALUES[CELLS.index(SPACE.suggest(trial).params)])


def study(n_trials: int, *, seed: int = 0, sign: float = 1.0) -> optuna.Study:
    sampler = WeakNASSampler(SPACE, seed=seed, top=20, hidden=(32,))
    found = optuna.create_study(direction="maximize" if sign > 0 else "minimize", sampler=sampler)
    found.optimize(objective(sign), n_trials=n_trials)
    return found


def rows(found: optuna.Study) -> list[int]:
    return [CELLS.index(trial.params) for trial in found.trials]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_it_draws_gets_better(sign: float) -> None:
    values = VALUES[rows(study(30, sign=sign))]
    assert values[20:].mean() > values[10:20].mean() - 2 > values[:10].mean()


def test_nothing_is_trained_twice() -> None:
    drawn = rows(study(40))[10:]
    assert len(set(drawn)) == 30


def test_a_restarted_process_draws_the_same() -> None:
    found = study(25)
    other = optuna.create_study(direction="maximize", sampler=WeakNASSampler(SPACE, seed=0, top=20, hidden=(32,)))
    other.add_trials(found.trials[:23])
    other.optimize(objective(), n_trials=2)
    assert rows(other) == rows(found)


def test_a_whole_batch_is_drawn_from_one_ranking() -> None:
    found = study(10)
    asked = [found.ask() for _ in range(10)]
    drawn = {tuple(SPACE.suggest(trial).params.values()) for trial in asked}
    assert len(drawn) == 10
    assert not drawn & {tuple(trial.params.values()) for trial in found.trials[:10]}


def test_it_samples_architectures_alone() -> None:
    found = study(1)
    with pytest.raises(ValueError, match="must have the space's parameters only, but got 'rate'"):
        found.ask().suggest_float("rate", 0.0, 1.0)
