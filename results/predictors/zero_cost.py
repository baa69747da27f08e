"""Measures the zero-cost scores: do they rank as published ones do, what do they cost, do they help predictors?

Run from the root of the repository; each command writes a Markdown table:

    python results/predictors/zero_cost.py agreement --published FILE --cells FILE
    python results/predictors/zero_cost.py score --out runs/zero_cost_classes.jsonl
    python results/predictors/zero_cost.py benefit --scores runs/zero_cost_classes.jsonl
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from torch import Tensor
from torch.nn.functional import interpolate

from predictors.architecture import ArchitecturePredictor, AutoPredictor, GraphGP
from predictors.architecture.inputs import Described
from predictors.graph import NONE_OPS, ArchGraph
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.spaces import NASBench201Space
from smbo_nas.training import load_data
from smbo_nas.zero_cost import describe

Array = NDArray[np.float64]

PUBLISHED_NAME = {"parameters": "params", "naswot": "nwot"}
"""Names in NASLib's table that differ from ours."""


@dataclass(frozen=True)
class Setting:
    """What the scores are computed with: skeleton sizes and a minibatch of scikit-learn's digits, scaled up."""

    channels: int
    cells: int
    images: int
    pixels: int
    seed: int = 0
    noise: bool = False

    def __str__(self) -> str:
        kind = ", Gaussian images" if self.noise else ""
        seed = f", seed {self.seed}" if self.seed else ""
        return f"C={self.channels}, N={self.cells}, {self.images} x {self.pixels}²{kind}{seed}"

    def minibatch(self) -> tuple[Tensor, Tensor]:
        """Images in three channels, and labels."""
        generator = torch.Generator().manual_seed(1)
        train = load_data("digits").train
        chosen = torch.randperm(len(train), generator=generator)[: self.images]
        images = interpolate(train.images[chosen], size=(self.pixels, self.pixels), mode="bilinear")
        if self.noise:
            images = torch.randn(images.shape, generator=generator)
        return images.expand(-1, 3, -1, -1).contiguous(), train.labels[chosen]

    def describe(self, graphs: Iterable[ArchGraph]) -> Iterator[tuple[dict[str, float], float]]:
        """Scores of each graph, and the seconds of processor time that they took."""
        images, labels = self.minibatch()
        for graph in graphs:
            start = time.process_time()
            (described,) = describe(
                [graph],
                images,
                labels,
                skeleton="nasbench201",
                num_classes=10,
                seed=self.seed,
                device="cpu",
                channels=self.channels,
                cells_per_stage=self.cells,
            )
            yield dict(described.columns), time.process_time() - start


FULL = Setting(channels=16, cells=5, images=32, pixels=32)
CHEAP = Setting(channels=8, cells=1, images=16, pixels=16)
OTHERS = (
    Setting(channels=8, cells=2, images=16, pixels=16),
    Setting(channels=16, cells=1, images=16, pixels=16),
    Setting(channels=4, cells=1, images=16, pixels=16),
    Setting(channels=8, cells=1, images=32, pixels=16),
    Setting(channels=8, cells=1, images=16, pixels=8),
    Setting(channels=8, cells=1, images=16, pixels=16, seed=1),
    Setting(channels=8, cells=1, images=16, pixels=16, noise=True),
)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a gzipped CSV file."""
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def all_live(graph: ArchGraph) -> bool:
    """Whether every operation of a cell carries signal."""
    return all(live or op in NONE_OPS for op, live in zip(graph.ops, graph.live, strict=True))


def agreement(published: Path, cells: Path, n: int) -> Iterator[str]:
    """Spearman's rank correlation of each score with NASLib's, for each setting."""
    space = NASBench201Space()
    strings = {row["index"]: row["arch"] for row in read_csv(cells)}
    rows = [row for row in read_csv(published) if row["dataset"] == "cifar10"]
    chosen = [rows[k] for k in np.random.default_rng(7).permutation(len(rows))[:n]]
    graphs = [space.graph(space.from_arch_string(strings[row["index"]])) for row in chosen]
    live = np.array([all_live(graph) for graph in graphs])
    header = ""
    for setting in (FULL, CHEAP, *OTHERS):
        scores, seconds = zip(*setting.describe(graphs), strict=True)
        if not header:
            header = "| setting | cells | ms | " + " | ".join(scores[0]) + " |"
            yield from (header, "|---" * (3 + len(scores[0])) + "|")
        for what, kept in (("all", np.ones(n, dtype=bool)), ("no dead operation", live)):
            line = [str(setting), f"{what} ({kept.sum()})", f"{1000 * np.median(seconds):.0f}"]
            for name in scores[0]:
                ours = np.array([score[name] for score in scores])
                ours = np.where(np.isnan(ours), -math.inf, ours)
                theirs = np.array([float(row[PUBLISHED_NAME.get(name, name)] or "nan") for row in chosen])
                line.append(f"{spearmanr(ours[kept], theirs[kept], nan_policy='omit').statistic:.3f}")
            yield "| " + " | ".join(line) + " |"


def score(out: Path) -> Iterator[str]:
    """Appends the scores of every class that `out` lacks, in a random order, a line each."""
    classes = NASBench201Space().classes
    out.parent.mkdir(parents=True, exist_ok=True)
    done = set(read_scores(out)) if out.exists() else set()
    digests = [digest for digest in sorted(classes) if digest not in done]
    digests = [digests[k] for k in np.random.default_rng(0).permutation(len(digests))]
    total = 0.0
    with out.open("a") as file:
        scored = CHEAP.describe(classes[digest].graph for digest in digests)
        for digest, (columns, seconds) in zip(digests, scored, strict=True):
            file.write(json.dumps({"digest": digest, "columns": columns}) + "\n")
            file.flush()
            total += seconds
    yield f"{len(digests)} classes at {CHEAP}: {1000 * total / max(len(digests), 1):.0f} ms of processor time each"


def read_scores(path: Path) -> dict[str, dict[str, float]]:
    """Scores of each class by its digest."""
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return {line["digest"]: line["columns"] for line in lines}


def benefit(
    scores: Path, dataset: str, models: Sequence[str], sizes: Sequence[int], seeds: Sequence[int]
) -> Iterator[str]:
    """Kendall's tau on all cells not trained on, with and without scores as columns."""
    space = NASBench201Space()
    graphs = [space.graph(params) for params in space.enumerate()]
    columns = read_scores(scores)
    values = load_table(dataset).mean_val_acc
    known = np.flatnonzero([graph.digest in columns for graph in graphs])
    graphs, values = [graphs[k] for k in known], values[known]
    yield f"{dataset}, {len(graphs)} cells scored, split seeds {seeds[0]} to {seeds[-1]}, mean (std over seeds) of tau"
    yield "| model | columns | " + " | ".join(map(str, sizes)) + " |"
    yield "|---" * (2 + len(sizes)) + "|"
    every = tuple(sorted(next(iter(columns.values()))))
    for model in models:
        for names in ((), every, *[(name,) for name in every]):
            rows: Sequence[ArchGraph] | Sequence[Described] = graphs
            if names:
                rows = [Described(g, tuple((name, columns[g.digest][name]) for name in names)) for g in graphs]
            line = [model, "all" if names == every else ", ".join(names) or "none"]
            for size in sizes:
                taus = [tau_of_split(model, rows, values, size, seed) for seed in seeds]
                line.append(f"{np.mean(taus):.4f} ({np.std(taus):.3f})")
            yield "| " + " | ".join(line) + " |"


def tau_of_split(
    model: str, rows: Sequence[ArchGraph] | Sequence[Described], values: Array, size: int, seed: int
) -> float:
    """Kendall's tau of predictions and values of the cells that a random split does not train on."""
    order = np.random.default_rng(seed).permutation(len(rows))
    train, test = order[:size], order[size:]
    predictor: ArchitecturePredictor = GraphGP() if model == "gp" else AutoPredictor(random_state=seed)
    predictor.fit([rows[k] for k in train], values[train])  # type: ignore[arg-type]
    return float(kendalltau(predictor.predict([rows[k] for k in test]), values[test]).statistic)  # type: ignore[arg-type]


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("agreement")
    command.add_argument("--published", type=Path, required=True, help="NASLib's scores: index, dataset, a column each")
    command.add_argument(
        "--cells", type=Path, required=True, help="index and arch (NAS-Bench-201's string) of each cell"
    )
    command.add_argument("--n", type=int, default=160)
    command = commands.add_parser("score")
    command.add_argument("--out", type=Path, required=True)
    command = commands.add_parser("benefit")
    command.add_argument("--scores", type=Path, required=True)
    command.add_argument("--dataset", default="cifar100")
    command.add_argument("--models", nargs="+", default=["gp", "auto"])
    command.add_argument("--sizes", nargs="+", type=int, default=[78, 156, 469])
    command.add_argument("--seeds", nargs="+", type=int, default=list(range(100, 105)))
    arguments = vars(parser.parse_args())
    torch.set_num_threads(1)
    lines = {"agreement": agreement, "score": score, "benefit": benefit}[arguments.pop("command")](**arguments)
    for line in lines:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
