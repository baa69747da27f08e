"""Prints a proposal's CPU milliseconds, refits included, beside Optuna's GPSampler at 100 trials, for several seeds.

python results/search/overhead_seeds.py 6
"""

from __future__ import annotations

import sys

import numpy as np
import optuna

from smbo_nas.benchmarks.methods import known
from smbo_nas.benchmarks.overhead import measure

NAMES = ("smbo-gp", "tpe", "gp")


def main(seeds: int) -> None:
    """Writes one row for each seed of the trials, and their means, to standard output."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers = {name: known()[name] for name in NAMES}
    found = []
    for seed in range(seeds):
        rows = {row["sampler"]: row for row in measure(samplers, (100,), seed=seed)}
        ours, tpe, gp = (rows[name] for name in NAMES)
        found.append([ours["proposal_ms"], tpe["proposal_ms"], ours["with_refits_ms"], gp["with_refits_ms"]])
    for label, numbers in [*enumerate(found), ("mean", np.mean(found, axis=0))]:
        plain, tpe_ms, refits, gp_ms = numbers
        sys.stdout.write(
            f"{label}: smbo-gp {plain:.1f}, tpe {tpe_ms:.1f}; with refits {refits:.1f}, gp {gp_ms:.1f}, "
            f"{refits / gp_ms:.1%} of it\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
