"""Whatever a training reports, no study breaks on it: pruner, sampler and `TrialCurve` take it or leave it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from predictors.architecture import GraphGP
from smbo_nas import CurvePruner, NASBench201Space, SMBOSampler
from smbo_nas.pruners import StopPolicy, TrialCurve
from tests.predictors.curves.synthetic import saturating

EPOCHS, TRIALS = 6, 7
RISING = saturating(np.random.default_rng(0), TRIALS, EPOCHS)
SPACE = NASBench201Space()

Reports = list[tuple[int, float]]


def numbered(curves: np.ndarray) -> list[Reports]:
    return [list(enumerate(curve.tolist(), start=1)) for curve in curves]


def with_value(value: float) -> np.ndarray:
    """Every other curve breaks in the middle, some at once, and one is nothing else."""
    curves = RISING.copy()
    curves[1::2, EPOCHS // 2] = value
    curves[2::4, 0] = value
    curves[5] = value
    return curves


BAD: dict[str, list[Reports]] = {
    "nan": numbered(with_value(np.nan)),
    "infinity": numbered(with_value(np.inf)),
    "minus infinity": numbered(with_value(-np.inf)),
    "one point": [[(1, curve[-1])] for curve in RISING],
    "one point among whole curves": [c[:1] if k % 3 == 1 else c for k, c in enumerate(numbered(RISING))],
    "nothing": [[] for _ in RISING],
    "constant": numbered(np.repeat(RISING[:, -1:], EPOCHS, axis=1)),
    "all the same": numbered(np.full_like(RISING, 0.5)),
    "falling": numbered(RISING[:, ::-1]),
    "negative": numbered(RISING - 5.0),
    "huge": numbered(RISING * 1e300),
    "some huge": numbered(RISING * np.where(np.arange(TRIALS) % 3 == 1, 1e300, 1.0)[:, None]),
    "tiny": numbered(RISING * 1e-300),
    "reversed": [curve[::-1] for curve in numbered(RISING)],
    "more steps than the horizon": [[(3 * step, value) for step, value in curve] for curve in numbered(RISING)],
    "steps from 0": [[(step - 1, value) for step, value in curve] for curve in numbered(RISING)],
    "lengths of their own": [curve[: 1 + k % EPOCHS] for k, curve in enumerate(numbered(RISING))],
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    level = logging.getLogger("optuna").level
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(level)


def final(reports: Reports) -> float:
    """A training that reported nothing still has a value; one that is undefined has none, as Optuna wants it."""
    return float(reports[-1][1]) if reports else 0.5


@pytest.mark.parametrize(
    ("case", "direction"), [*((case, "maximize") for case in BAD), *((case, "minimize") for case in ("nan", "falling"))]
)
@pytest.mark.filterwarnings("ignore:The reported value is ignored", "ignore:overflow")
def test_no_study_breaks(case: str, direction: str) -> None:
    def objective(trial: optuna.Trial) -> float:
        SPACE.suggest(trial)
        for step, value in BAD[case][trial.number]:
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return final(BAD[case][trial.number])

    sampler = SMBOSampler(SPACE, predictor=GraphGP(random_state=0), n_startup_trials=4, thaw=True, seed=0)
    pruner = CurvePruner(horizon=EPOCHS, n_startup_trials=2, risk=0.5)
    study = optuna.create_study(direction=direction, sampler=sampler, pruner=pruner)
    study.optimize(objective, n_trials=TRIALS)
    assert len(study.trials) == TRIALS
    for trial in study.trials:  # Optuna fails what has no value: nothing else does
        assert trial.state.is_finished()
        assert (trial.state == TrialState.FAIL) <= bool(np.isnan(final(BAD[case][trial.number])))


@pytest.mark.parametrize("case", BAD)
def test_no_study_of_two_objectives_breaks(case: str) -> None:
    policy = StopPolicy(n_startup_trials=2)

    def objective(trial: optuna.Trial) -> tuple[float, float]:
        curve = TrialCurve(trial, horizon=3 * EPOCHS, policy=policy)
        for step, value in BAD[case][trial.number]:
            if step == 0:
                with pytest.raises(ValueError, match="`step` must be from 1"):
                    curve.report(value, step)
                continue
            curve.report(value, step)
            if curve.should_stop():
                raise optuna.TrialPruned
        return float(np.nan_to_num(final(BAD[case][trial.number]), posinf=1.0, neginf=0.0)), 0.0

    study = optuna.create_study(directions=["maximize", "minimize"])
    study.optimize(objective, n_trials=TRIALS)
    assert all(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in study.trials)
