"""Domhan et al.'s posterior by the collapsed sampler and by MCMC, on real curves; writes `domhan.md`'s table.

    python results/curves/domhan.py [--curves 8] [--observed 10] [--steps 3000]

Of each curve, every fourth of the table's first cells: mean and standard deviation of the value at the last epoch, and
the geometric mean of the noise, by 2,000 sets (the default), by 32,000, and by emcee. Its chains start at draws of the
latter, without burn-in, and their second half counts: if those draws were wrong, they would have been left behind.
"""
# ruff: noqa: T201 - a script that reports

from __future__ import annotations

import argparse
import time

import numpy as np

from predictors.curves.domhan_model import CurveCombination
from predictors.curves.domhan_samplers import CollapsedSampler, ensemble_draws
from predictors.curves.scaling import common_scale
from predictors.threads import single_blas_thread
from smbo_nas.benchmarks.fashion201 import load_fashion201


def main() -> None:
    """Writes the table to the standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=8)
    parser.add_argument("--observed", type=int, default=10)
    parser.add_argument("--steps", type=int, default=3000)
    arguments = parser.parse_args()
    curves = load_fashion201().val_accuracy
    horizon = curves.shape[1]
    chosen = common_scale(curves).apply(curves)[::4][: arguments.curves, : arguments.observed]
    model, x = CurveCombination(horizon), np.arange(1.0, arguments.observed + 1.0)
    last = np.array([float(horizon)])

    def summary(z: np.ndarray) -> np.ndarray:
        values = model.values(z, last)
        return np.array([values.mean(), values.std(), np.exp(np.log(model.sigma(z)).mean())])

    print("| curve | sets 2,000 | sets 32,000 | emcee | means differ by (std) | stds by | CPU seconds of emcee |")
    print("|---|---|---|---|---|---|---|", flush=True)
    started = time.process_time()
    default = list(CollapsedSampler(model, 2000, seed=0).draw(x, chosen, 2000))
    seconds = time.process_time() - started
    many = list(CollapsedSampler(model, 32_000, seed=1).draw(x, chosen, 5120))
    gaps = []
    for row, (few, more) in enumerate(zip(default, many, strict=True)):
        started = time.process_time()
        start = more[np.random.default_rng(row).permutation(len(more))[:128]]
        chain = ensemble_draws(model, x, chosen[row], n=6400, walkers=128, steps=arguments.steps, seed=row, start=start)
        own, fine, reference = summary(few), summary(more), summary(chain[len(chain) // 2 :])
        gaps.append([abs(own[0] - reference[0]) / reference[1], own[1] / reference[1] - 1])
        cells = [" / ".join(f"{number:.4f}" for number in each) for each in (own, fine, reference)]
        spent = time.process_time() - started
        print(f"| {4 * row} | {' | '.join(cells)} | {gaps[-1][0]:.2f} | {gaps[-1][1]:+.0%} | {spent:.0f} |", flush=True)
    worst = np.abs(gaps).max(0)
    print(f"\nAt most {worst[0]:.2f} standard deviations and {worst[1]:.0%} apart. The default took {seconds:.2f} CPU")
    print(f"seconds for all {len(chosen)} curves.")


if __name__ == "__main__":
    with single_blas_thread():
        main()
