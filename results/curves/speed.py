"""How long a decision to stop takes, and how much faster the prior-fitted network is than MCMC. Writes `speed.md`.

python results/curves/speed.py > results/curves/speed.md

Made-up curves of 100 steps (exponential approaches with noise); processor time and wall time of one thread.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial

from predictors.curves.domhan import DomhanMCMCPredictor
from predictors.curves.parametric import ParametricCurvePredictor
from predictors.curves.pfn import PFNCurvePredictor
from predictors.threads import single_torch_thread
from smbo_nas.pruners import CurvePruner

STEPS, FINISHED, DECISIONS, PARTIAL, MCMC = 100, 500, 60, 1000, 3


def made_up(rng: np.random.Generator, n: int) -> np.ndarray:
    """Curves that rise to a level each, `(n, STEPS)`."""
    gap, pace = rng.uniform(0.1, 0.5, (n, 1)), rng.uniform(3, 40, (n, 1))
    return 0.9 - gap * np.exp(-np.arange(STEPS) / pace) + 0.01 * rng.standard_normal((n, STEPS))


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Processor and wall seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def decisions(rng: np.random.Generator) -> np.ndarray:
    """Milliseconds of processor and wall time of `prune()`, `(DECISIONS, 2)`, the first one with the fit it needs."""
    study = optuna.create_study(direction="maximize")
    for curve in made_up(rng, FINISHED):
        values = dict(enumerate(curve.tolist(), start=1))
        study.add_trial(create_trial(value=values[STEPS], intermediate_values=values))
    pruner, spent = CurvePruner(horizon=STEPS), []
    for curve in made_up(rng, DECISIONS):
        seen = dict(enumerate(curve[: rng.integers(2, STEPS)].tolist(), start=1))
        trial = create_trial(state=TrialState.RUNNING, intermediate_values=seen)
        spent.append(timed(lambda trial=trial: pruner.prune(study, trial)))  # type: ignore[misc]
    return 1e3 * np.array(spent)


def curves_each(rng: np.random.Generator) -> list[tuple[str, float, float, float]]:
    """Of each predictor: name, processor seconds of `fit` on 20 finished curves and of one curve, and wall seconds."""
    curves = made_up(rng, PARTIAL + 20)
    finished, begun = curves[:20], curves[20:].copy()
    begun[np.arange(STEPS) >= rng.integers(1, STEPS, PARTIAL)[:, None]] = np.nan
    rows = []
    for name, model, partial in (
        ("pfn, many lengths", PFNCurvePredictor(), begun),
        ("pfn, equal lengths", PFNCurvePredictor(), curves[20:, :30]),
        ("parametric", ParametricCurvePredictor(), begun),
        ("Domhan, MCMC", DomhanMCMCPredictor(random_state=0), curves[20 : 20 + MCMC, :30]),
    ):
        fit = timed(lambda model=model: model.fit(finished))[0]  # type: ignore[misc]
        each = timed(lambda model=model, partial=partial: model.predictive(partial))  # type: ignore[misc]
        rows.append((name, fit, each[0] / len(partial), each[1] / len(partial)))
    return rows


def main() -> None:
    """Writes both tables to the standard output."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = np.random.default_rng(0)
    with single_torch_thread():
        milliseconds, rows = decisions(rng), curves_each(rng)
    median, slow = np.median(milliseconds, axis=0), np.quantile(milliseconds, 0.9, axis=0)
    lines = [
        "# Speed of stopping",
        "",
        "`python results/curves/speed.py > results/curves/speed.md`; Linux x86_64, 2 CPU cores, no GPU, one thread.",
        "",
        f"`CurvePruner.prune()` beside {FINISHED} finished curves of {STEPS} steps, {DECISIONS} decisions at epochs",
        "drawn at random, by milliseconds of processor (wall) time:",
        f"median {median[0]:.1f} ({median[1]:.1f}), 90 % within {slow[0]:.1f} ({slow[1]:.1f});",
        f"the first one, with the fit that later ones share, {milliseconds[0, 0]:.0f} ({milliseconds[0, 1]:.0f}).",
        "",
        f"Predictions with 20 finished curves of {STEPS} steps, {PARTIAL} partial curves at once, {MCMC} for MCMC:",
        "",
        "| predictor | fit, CPU s | one curve, CPU s | wall s | curves a second (CPU) | times faster than MCMC |",
        "|---|---|---|---|---|---|",
    ]
    mcmc = rows[-1][2]
    for name, fit, processor, wall in rows:
        lines.append(
            f"| {name} | {fit:.2f} | {processor:.6f} | {wall:.6f} | {1 / processor:,.1f} | {mcmc / processor:,.0f} |"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
