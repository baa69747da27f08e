"""Searches on Fashion201's real curves with a simulated clock: epochs until the best network is found.

python results/curves/search.py run --out results/curves/search.jsonl --seeds 50
python results/curves/search.py table results/curves/search.jsonl

A search ends when an architecture within 0.1 points of the best final validation accuracy of the table has been trained
to its end, or after as many epochs as half the table. Every method starts from the same ten random architectures of a
seed. Optuna's samplers choose among all 15,625 settings; a setting that the table lacks stands for the one that it has
that differs least, and what was trained once is never paid for again.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from predictors.architecture import GraphGP
from predictors.processes import run_each
from smbo_nas import CurvePruner, NASBench201Space, SMBOSampler
from smbo_nas.benchmarks.fashion201 import load_fashion201
from smbo_nas.benchmarks.tabular import EPOCHS_KEY, TabularObjective
from smbo_nas.spaces.listed import ListedSpace

CLOSE = 0.001
STARTS = 10


def smbo(space: ListedSpace, seed: int, *, thaw: bool = False) -> BaseSampler:
    """Our sampler with the Gaussian process alone."""
    return SMBOSampler(space, predictor=GraphGP(random_state=seed), n_startup_trials=STARTS, thaw=thaw, seed=seed)


Method = Callable[[ListedSpace, int, int], tuple[BaseSampler, BasePruner]]


def tpe(pruner: Callable[[int], BasePruner]) -> Method:
    """Optuna's sampler with one of its pruners, made for the number of epochs."""
    return lambda _, seed, epochs: (TPESampler(seed=seed), pruner(epochs))


METHODS: dict[str, Method] = {
    "smbo": lambda space, seed, _: (smbo(space, seed), NopPruner()),
    "smbo, curve": lambda space, seed, epochs: (smbo(space, seed), CurvePruner(horizon=epochs)),
    "smbo, curve, thaw": lambda space, seed, epochs: (smbo(space, seed, thaw=True), CurvePruner(horizon=epochs)),
    "tpe": tpe(lambda _: NopPruner()),
    "tpe, median": tpe(lambda _: MedianPruner()),
    "tpe, hyperband": tpe(lambda epochs: HyperbandPruner(max_resource=epochs)),
    "tpe, halving": tpe(lambda _: SuccessiveHalvingPruner()),
    "random": lambda _, seed, __: (RandomSampler(seed=seed), NopPruner()),
}


def search(name: str, seed: int) -> dict[str, Any]:
    """One search: epochs until the best is found (null if it is not), and what else may be of interest."""
    optuna.logging.set_verbosity(logging.ERROR)
    table = load_fashion201()
    space = ListedSpace(NASBench201Space(), table.cells)
    curves = table.val_accuracy
    final = curves[:, -1]
    good = set(np.flatnonzero(final >= final.max() - CLOSE).tolist())
    objective = TabularObjective(space, curves, nearest=not name.startswith("smbo"))
    sampler, pruner = METHODS[name](space, seed, curves.shape[1])
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    rng = np.random.default_rng(seed)
    for k in rng.permutation(len(space))[:STARTS]:
        study.enqueue_trial(table.cells[k])
    spent, found, began, trials = 0, None, time.perf_counter(), 0
    while spent < curves.size // 2 and found is None and trials < 3 * len(space):
        trial = study.ask()
        trials += 1
        try:
            study.tell(trial, objective(trial))
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
        frozen = study.trials[trial.number]
        spent += frozen.user_attrs.get(EPOCHS_KEY, 0)
        if frozen.state == TrialState.COMPLETE and frozen.user_attrs["cell"] in good:
            found = spent
    best = int(np.argmax(final))
    return {
        "method": name,
        "seed": seed,
        "epochs": found,
        "spent": spent,
        "trials": trials,
        "best_stopped": bool(0 < objective.trained[best] < curves.shape[1]),
        "seconds": round(time.perf_counter() - began, 2),
    }


def run(out: Path, methods: Iterable[str], seeds: Iterable[int], jobs: int) -> None:
    """Runs what is not in `out` yet, and appends it there."""
    done = set()
    if out.exists():
        done = {(r["method"], r["seed"]) for r in map(json.loads, out.read_text().splitlines())}
    todo = [(method, seed) for seed in seeds for method in methods if (method, seed) not in done]
    with out.open("a") as file:
        for result in run_each(search, todo, jobs):
            file.write(json.dumps(result) + "\n")
            file.flush()


def summarise(source: Path) -> None:
    """Prints a Markdown table."""
    results = [json.loads(line) for line in source.read_text().splitlines()]
    write = sys.stdout.write
    write("| method | seeds | solved | epochs, mean (95 % interval) | median | quartiles | best stopped for good |\n")
    write("|---|---|---|---|---|---|---|\n")
    for method in METHODS:
        runs = [r for r in results if r["method"] == method]
        if not runs:
            continue
        epochs = np.array([r["spent"] if r["epochs"] is None else r["epochs"] for r in runs], dtype=float)
        half = 1.96 * epochs.std(ddof=1) / np.sqrt(len(epochs)) if len(epochs) > 1 else float("nan")
        low, middle, high = np.percentile(epochs, [25, 50, 75])
        solved = np.mean([r["epochs"] is not None for r in runs])
        lost = np.mean([r["best_stopped"] and r["epochs"] is None for r in runs])
        write(
            f"| {method} | {len(runs)} | {solved:.0%} | {epochs.mean():.0f} ± {half:.0f} | {middle:.0f} | "
            f"{low:.0f} to {high:.0f} | {lost:.0%} |\n"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("--out", type=Path, required=True)
    running.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    running.add_argument("--first", type=int, default=0)
    running.add_argument("--seeds", type=int, default=50)
    running.add_argument("--jobs", type=int, default=1)
    table = commands.add_parser("table")
    table.add_argument("source", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "run":
        seeds = range(arguments.first, arguments.first + arguments.seeds)
        run(arguments.out, arguments.methods, seeds, arguments.jobs)
    else:
        summarise(arguments.source)


if __name__ == "__main__":
    main()
