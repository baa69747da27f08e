"""Whole studies: how many epochs are saved, and how often the best network is lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from smbo_nas.pruners import CurvePruner
from tests.predictors.curves.synthetic import cosine, saturating

Generator = Callable[..., np.ndarray]


def search(curves: np.ndarray, pruner: optuna.pruners.BasePruner) -> tuple[float, float]:
    """Runs a study whose trials have these curves; returns the share saved and the regret."""

    def objective(trial: optuna.Trial) -> float:
        for epoch, value in enumerate(curves[trial.number], start=1):
            trial.report(float(value), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(curves[trial.number, -1])

    study = optuna.create_study(direction="maximize", pruner=pruner)
    study.optimize(objective, n_trials=len(curves))
    trained = sum(len(trial.intermediate_values) for trial in study.get_trials(deepcopy=False))
    assert all(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in study.trials)
    return 1 - trained / curves.size, float(curves[:, -1].max() - study.best_value)


def searches(
    generate: Generator,
    shape: tuple[int, int],
    make: Callable[[], optuna.pruners.BasePruner],
    n_seeds: int,
) -> tuple[np.ndarray, np.ndarray]:
    runs = [search(generate(np.random.default_rng(seed), *shape), make()) for seed in range(n_seeds)]
    saved, regret = np.array(runs).T
    return saved, regret


def median_pruner() -> optuna.pruners.MedianPruner:
    return optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)


@pytest.mark.parametrize("generate", [saturating, cosine])
def test_a_short_search_saves_epochs_and_keeps_the_best(generate: Generator) -> None:
    saved, regret = searches(generate, (24, 12), lambda: CurvePruner(risk=0.5), 12)
    _, median_regret = searches(generate, (24, 12), median_pruner, 12)
    assert saved.mean() > 0.30  # 0.42 and 0.35 over 12 seeds.
    assert np.mean(regret > 0) <= 0.2  # 0.08 over 12 seeds; the median rule has 0.45.
    assert regret.mean() < 0.6 * median_regret.mean()


@pytest.mark.parametrize("generate", [saturating, cosine])
def test_the_default_risks_little(generate: Generator) -> None:
    saved, regret = searches(generate, (24, 12), CurvePruner, 12)
    assert saved.mean() > 0.20  # 0.26 and 0.25 over 12 seeds.
    assert np.mean(regret > 0) <= 0.1  # 0 over 12 seeds.


def test_what_all_networks_gain_at_the_end_costs_no_best_network() -> None:
    """A learning rate that drops in the last epochs lifts every curve from where it was."""

    def jump(rng: np.random.Generator, n_curves: int, n_steps: int) -> np.ndarray:
        curves = saturating(rng, n_curves, n_steps) - 0.2
        curves[:, -2:] += 0.2
        return curves

    saved, regret = searches(jump, (24, 12), lambda: CurvePruner(risk=0.5), 8)
    assert saved.mean() > 0.30
    assert regret.mean() < 0.005  # The noise of one measurement.


@pytest.mark.slow
@pytest.mark.parametrize("generate", [saturating, cosine])
def test_a_long_search_saves_most_epochs(generate: Generator) -> None:
    saved, regret = searches(generate, (100, 100), CurvePruner, 5)
    assert saved.mean() > 0.5
    assert regret.mean() < 0.005
