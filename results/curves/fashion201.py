"""What the curves of Fashion201 are like. Writes `fashion201.md` beside this file.

Run from the root of the repository: `python results/curves/fashion201.py` (needs `pip install smbo-nas[bench]`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from smbo_nas.benchmarks.fashion201 import DATA_FILE, PARTS, Fashion201Table, load_fashion201
from smbo_nas.benchmarks.nasbench201 import load_table

Array = NDArray[np.float64]

EPOCHS = (1, 2, 3, 5, 8, 10, 12, 15, 20, 25, 28)


def reversed_share(early: Array, final: Array) -> float:
    """Share of the pairs of cells whose order at the end is the reverse of their early one; equal values are no order.

    Args:
        early: `(n,)`.
        final: `(n,)`.
    """
    first, second = np.triu_indices(len(final), 1)
    order = np.sign(early[first] - early[second]) * np.sign(final[first] - final[second])
    return float((order < 0).sum() / (order != 0).sum())


def crossing_share(curves: Array, start: int) -> float:
    """Share of the pairs of cells whose order changes at least once from epoch `start`, counted from 1, to the end."""
    first, second = np.triu_indices(len(curves), 1)
    difference = curves[first, start - 1 :] - curves[second, start - 1 :]
    return float(np.mean((difference > 0).any(axis=1) & (difference < 0).any(axis=1)))


def spread(name: str, values: Array) -> str:
    """One row: the distribution of final accuracies in percent."""
    numbers = [values.std(ddof=1), values.min(), *np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)), values.max()]
    return f"| {name} | {len(values)} | " + " | ".join(f"{100 * number:.2f}" for number in numbers) + " |"


def by_epoch(table: Fashion201Table, epoch: int, uniform: NDArray[np.bool_]) -> str:
    """One row: how well an epoch tells the end."""
    early, final = table.val_accuracy[:, epoch - 1], table.final_val_accuracy
    top = set(np.argsort(-final, kind="stable")[:10]) & set(np.argsort(-early, kind="stable")[:10])
    rank = int((early > early[table.best]).sum()) + 1
    numbers = (
        f"{spearmanr(early, final).statistic:.3f}",
        f"{kendalltau(early, final).statistic:.3f}",
        f"{spearmanr(early[uniform], final[uniform]).statistic:.3f}",
        f"{reversed_share(early, final):.1%}",
        f"{len(top)}",
        f"{rank}",
    )
    return f"| {epoch} | " + " | ".join(numbers) + " |"


def main() -> None:
    """Measures and writes the page."""
    table = load_fashion201()
    parts = np.array(table.parts)
    final, test, header = table.final_val_accuracy, table.test_accuracy[:, -1], table.header
    images, training = header["images"], header["training"]
    seconds = table.seconds.sum(axis=1)
    accuracy = load_table("cifar10").mean_val_acc[table.nasbench201_rows]
    uniform = parts == "uniform"
    near, close = (int((final > final.max() - points / 100 - 1e-9).sum()) for points in (0.1, 0.5))
    counts = ", ".join(f"{(parts == part).sum()} {part}" for part in PARTS)
    page = [
        "# Fashion201: real learning curves of our own",
        "",
        f"`smbo_nas.benchmarks.fashion201.load_fashion201()`: {len(table)} cells of NAS-Bench-201, no two isomorphic, "
        f"each trained once for {table.n_epochs} epochs; training loss, validation and test accuracy and CPU seconds "
        f"of every epoch. {DATA_FILE.stat().st_size / 1e3:.0f} kB in the package. This page: "
        "`python results/curves/fashion201.py`; nothing in it is random.",
        "",
        "## How it was made",
        "",
        f"- `{header['command']}`, then `python -m smbo_nas.benchmarks.make_fashion201 pack --out runs/fashion201 "
        "--machine '...'`. Training goes on where it was stopped. "
        "Fashion-MNIST is from Debian's `dataset-fashion-mnist`.",
        f"- Cells ({counts}): isomorphism classes ranked by NAS-Bench-201's CIFAR-10 validation accuracy after 200 "
        "epochs (mean over seeds and class); the best, the worst, and a uniform draw from the rest; each "
        f"class by its first cell; trained in random order (seed {header['seed']}).",
        f"- Images: {header['data']}; {images['train']:,} for training and {images['validation']:,} for validation "
        f"from the training file, {images['test']:,} for testing from the test file, drawn with the same seed; 28 x 28 "
        "without a margin of 2 pixels, means over 3 x 3.",
        f"- Networks: the project's NAS-Bench-201 skeleton with {header['network']}: stem, one cell, head.",
        f"- Training: SGD, momentum {training['momentum']}, learning rate {training['learning_rate']} along a cosine "
        f"to 0, batches of {training['batch_size']}, weight decay {training['weight_decay']}, shifts of 1 pixel and "
        "flips; its random numbers depend on the seed and the cell's row only, so a cell trains to the same curve in "
        "whatever process and order (bit for bit on one machine).",
        f"- Machine: {header['machine']}; PyTorch {header['torch']}, one thread a process.",
        f"- Time: {np.median(seconds):.1f} CPU seconds a cell (median; {seconds.min():.1f} to {seconds.max():.1f}) "
        f"for training and validation, {seconds.sum() / 60:.0f} minutes in all; the seconds hold what other work on "
        "the same cores made slower.",
        "",
        "## Final validation accuracy (%)",
        "",
        "| cells | number | std | min | 5 % | 25 % | median | 75 % | 95 % | max |",
        "|---|---|---|---|---|---|---|---|---|---|",
        spread("all", final),
        *(spread(part, final[parts == part]) for part in PARTS if (parts == part).sum() > 1),
        "",
        f"The best cell is row {table.nasbench201_rows[table.best]} of NAS-Bench-201 ({parts[table.best]}); "
        f"{near - 1} others are within 0.1 points of it, {close - 1} within 0.5. "
        f"One image is {100 / images['validation']:.2f} points; the standard error "
        f"of an accuracy from the finite number of images is about "
        f"{100 * np.sqrt(np.median(final) * (1 - np.median(final)) / images['validation']):.1f} points. Spearman "
        f"correlation of final validation with final test accuracy: {spearmanr(final, test).statistic:.3f} "
        f"({spearmanr(final[uniform], test[uniform]).statistic:.3f} in the uniform part); with NAS-Bench-201's "
        f"CIFAR-10: {spearmanr(final, accuracy).statistic:.3f} "
        f"({spearmanr(final[uniform], accuracy[uniform]).statistic:.3f}).",
        "",
        "## How well an epoch tells the end",
        "",
        "*Reversed*: share of the pairs of cells whose order at the end is the reverse. *Of the top 10*: how many of "
        "the ten best at the end are among the ten best now. *Rank of the best*: now, of the best at the end.",
        "",
        "| epoch | Spearman | Kendall | Spearman, uniform part | reversed | of the top 10 | rank of the best |",
        "|---|---|---|---|---|---|---|",
        *(by_epoch(table, epoch, uniform) for epoch in EPOCHS if epoch < table.n_epochs),
        "",
        "Share of the pairs of cells whose curves cross at least once from an epoch to the end: "
        + ", ".join(f"{crossing_share(table.val_accuracy, e):.0%} from epoch {e}" for e in (3, 10, 15, 20, 25))
        + ".",
        "",
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(page))


if __name__ == "__main__":
    main()
