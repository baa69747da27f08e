"""How many architectures a second the default predictor ranks, and what memory that takes.

python results/predictors/speed.py

AutoPredictor on 156 cells of NAS-Bench-201, CIFAR-100. "Encoded" are graphs whose features and tensors are there
already, all of them different; "graphs" are distinct `ArchGraph`s that no one has looked at; "JSON lines" is the
command `rank`.
Processor seconds of one thread.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from predictors.architecture import AutoPredictor, GNNEnsemble, GraphGP
from predictors.graph import ArchGraph
from predictors.persistence import save
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.spaces.nasbench201 import NASBench201Space

NODES = 8
LINES = (20_000, 200_000)


def rate(n: int, work: Callable[[], object], repeats: int = 5) -> float:
    """Items a second, the best of some repeats."""
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return n / min(spent)


def fresh(graph: ArchGraph) -> ArchGraph:
    """An equal graph of which nothing is known yet."""
    return ArchGraph.from_dict(graph.to_dict())


def ranked(folder: Path, lines: list[str], n: int) -> tuple[float, float]:
    """Lines a second of the command, start and loading apart, and its largest memory in MB."""
    many = folder / f"{n}.jsonl"
    drawn = np.random.default_rng(0).integers(len(lines), size=n)
    many.write_text("\n".join(lines[k] for k in drawn) + "\n")
    few = folder / "few.jsonl"
    few.write_text(lines[0] + "\n")
    spent, most = [], 0.0
    for candidates in (few, many):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "predictors", "rank", "--predictor", str(folder / "predictor")]
        command += ["--candidates", str(candidates), "--out", str(folder / "ranked.jsonl")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(command, check=True, capture_output=True, env=environment)  # noqa: S603 - a command of our own
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        most = after.ru_maxrss / 1024
    return n / (spent[1] - spent[0]), most


def main() -> None:
    """Writes the figures to standard output."""
    table, space = load_table("cifar100"), NASBench201Space()
    graphs = [space.graph(params) for params in space.enumerate()]
    order = np.random.default_rng(0).permutation(len(graphs))
    train, rest = order[:156], order[156:]
    began = time.process_time()
    auto = AutoPredictor(random_state=0).fit([graphs[k] for k in train], table.mean_val_acc[train])
    write = sys.stdout.write
    write(f"fit at 156 cells: {time.process_time() - began:.1f} s ({auto.chosen_})\n")

    forms = list(dict.fromkeys(graphs[k].canonical() for k in rest))
    full = [form for form in forms if form.n_nodes == NODES]
    parts = {}
    for predictor in auto.predictors_:
        if isinstance(predictor, GNNEnsemble):
            tensors = predictor.encoder_.transform(full)
            parts["networks"] = rate(len(full), lambda tensors=tensors, gnn=predictor: gnn._score(tensors))
        elif isinstance(predictor, GraphGP):
            features = predictor.encoder_.transform(full)
            parts["process"] = rate(len(full), lambda x=features, gp=predictor: gp.posterior_.posterior(x))
    both = 1.0 / sum(1.0 / part for part in parts.values())
    each = ", ".join(f"{name} {part:,.0f}" for name, part in parts.items())
    write(f"encoded graphs of {NODES} nodes a second: {both:,.0f} ({each}; {len(full)} graphs)\n")

    unseen = [[fresh(form) for form in forms] for _ in range(3)]
    write(f"distinct graphs a second: {rate(len(forms), lambda: auto.predict(unseen.pop()), 3):,.0f}\n")

    lines = [json.dumps({"graph": graph.to_dict()}) for graph in graphs]
    with tempfile.TemporaryDirectory() as name:
        save(auto, Path(name) / "predictor")
        for n in LINES:
            speed, memory = ranked(Path(name), lines, n)
            write(f"{n:,} JSON lines: {speed:,.0f} a second, {memory:.0f} MB\n")


if __name__ == "__main__":
    main()
