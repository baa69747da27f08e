"""Makes the table of `smbo_nas.benchmarks.fashion201`: trains its cells, then packs their curves into one file.

    nice -n 19 python -m smbo_nas.benchmarks.make_fashion201 train --out runs/fashion201 --workers 2
    python -m smbo_nas.benchmarks.make_fashion201 pack --out runs/fashion201

Every cell that is done leaves one small file, so that the first command goes on where it was stopped, however it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch.nn.functional import avg_pool2d

from predictors.files import write_whole
from predictors.processes import run_each
from smbo_nas.benchmarks.fashion201 import DATA_FILE, params_at, write_table
from smbo_nas.benchmarks.nasbench201 import BenchmarkError, load_table
from smbo_nas.spaces.nasbench201 import NASBench201Space
from smbo_nas.training.config import TrainingConfig
from smbo_nas.training.data import ImageData, RawData, as_arrays, augmentation_for, prepare
from smbo_nas.training.data.raw import Arrays
from smbo_nas.training.data.sources.idx import fashion_mnist
from smbo_nas.training.evaluation import evaluate
from smbo_nas.training.trainer import Trainer

COMMAND = "nice -n 19 python -m smbo_nas.benchmarks.make_fashion201 train --out runs/fashion201 --workers 2"

SEED = 0
"""Of the choice of cells, their order, the choice of images and, with a cell's row, of its training."""

CONFIG = TrainingConfig(epochs=30, batch_size=100, learning_rate=0.2, augment="shift+flip", channels_last=True)
"""A high learning rate and a cosine to 0 make early epochs noisy: cells that look good then need not be good."""

SIZES = {"channels": 16, "cells_per_stage": 1, "stages": 1}
"""Of the skeleton of NAS-Bench-201: a training takes seconds, and no residual block makes up for a bad cell."""

IMAGES = {"train": 1000, "validation": 2000, "test": 2000}
"""Few to train on, so that the curves cross; more to score on, so that they do so for a reason."""

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class Choice:
    """A cell to train.

    Attributes:
        row: Its row in `NASBench201Table`; of its isomorphism class, the first.
        part: Which part of the sample it is from: `uniform`, `best` or `worst`.
    """

    row: int
    part: str


def choose_cells(*, uniform: int = 500, extreme: int = 50, seed: int = SEED) -> list[Choice]:
    """Isomorphism classes of NAS-Bench-201 to train, in random order, so that any first part of them is a fair sample.

    Classes are ranked by CIFAR-10 validation accuracy after 200 epochs, the mean over seeds and then over the class.

    Args:
        uniform: How many to draw from the classes that are neither among the best nor among the worst.
        extreme: How many of the best to take, and as many of the worst.
        seed: Of the draw and of the order.
    """
    accuracy = load_table("cifar10").mean_val_acc
    members: dict[str, list[int]] = {}
    space = NASBench201Space()
    for row, params in enumerate(space.enumerate()):
        members.setdefault(space.graph(params).digest, []).append(row)
    ranked = sorted(members.values(), key=lambda rows: (accuracy[rows].mean(), rows[0]))
    rng = np.random.default_rng(seed)
    others = [rows[0] for rows in ranked[extreme : len(ranked) - extreme]]
    chosen = [Choice(int(row), "uniform") for row in rng.choice(others, size=uniform, replace=False)]
    chosen += [Choice(rows[0], "worst") for rows in ranked[:extreme]]
    chosen += [Choice(rows[0], "best") for rows in ranked[len(ranked) - extreme :]]
    return [chosen[k] for k in rng.permutation(len(chosen))]


def fashion_images() -> ImageData:
    """Fashion-MNIST in 8 x 8 pixels, `IMAGES` of them drawn at random; the test images are from the test file.

    Raises:
        DataError: When Fashion-MNIST is not installed.
    """
    raw = fashion_mnist()
    if raw.test is None:
        raise BenchmarkError("Fashion-MNIST's test images are missing.")
    rng = np.random.default_rng(SEED)
    train, validation = np.split(
        rng.permutation(len(raw.train.labels))[: IMAGES["train"] + IMAGES["validation"]], [IMAGES["train"]]
    )
    test = rng.permutation(len(raw.test.labels))[: IMAGES["test"]]
    return prepare(
        RawData(
            "fashion-mnist 8x8",
            _shrunk(raw.train, train),
            validation=_shrunk(raw.train, validation),
            test=_shrunk(raw.test, test),
        )
    )


def _shrunk(arrays: Arrays, chosen: NDArray[np.int64]) -> Arrays:
    """The chosen images without their margin of 2 pixels, means over 3 x 3 of the 24 x 24 left."""
    pixels = torch.from_numpy(arrays.images[chosen]).float()
    return as_arrays(avg_pool2d(pixels[:, :, 2:26, 2:26], 3).numpy(), arrays.labels[chosen], where="fashion-mnist 8x8")


@cache
def _loaded(load: Callable[[], ImageData]) -> ImageData:
    return load()


def train_cell(row: int, data: ImageData, config: TrainingConfig = CONFIG, *, seed: int = SEED) -> dict[str, list[Any]]:
    """The curve of one cell; nothing but the arguments decides it, on one machine.

    Args:
        row: Of the cell in `NASBench201Table`.
        data: What to train, validate and test on.
        config: How to train.
        seed: With the row, of weights, order and augmentation.

    Returns:
        For every epoch: `train_loss`, the numbers of validation and test images classified correctly (`val_correct`,
        `test_correct`), and `seconds` of CPU time for training and validation; the test is not counted.

    Raises:
        Diverged: When a loss is no number.
    """
    space = NASBench201Space()
    graph = space.graph(params_at(row))
    trainer = Trainer(
        lambda: space.build(graph, input_shape=data.input_shape, num_classes=data.num_classes, **SIZES),
        data.train,
        data.num_classes,
        config,
        augment=augmentation_for(data, config.augment),
        seed=int(np.random.SeedSequence((seed, row)).generate_state(1)[0]),
        device=torch.device("cpu"),
    )
    curve: dict[str, list[Any]] = {"train_loss": [], "val_correct": [], "test_correct": [], "seconds": []}
    for _ in range(config.epochs):
        started = time.process_time()
        curve["train_loss"].append(trainer.train_epoch().loss)
        validation = evaluate(trainer.network, data.validation, batch_size=500)
        curve["seconds"].append(time.process_time() - started)
        test = evaluate(trainer.network, data.test, batch_size=500)
        curve["val_correct"].append(round(validation.accuracy * len(data.validation)))
        curve["test_correct"].append(round(test.accuracy * len(data.test)))
    return curve


def train_cells(
    folder: Path,
    choices: Sequence[Choice],
    *,
    load: Callable[[], ImageData] = fashion_images,
    config: TrainingConfig = CONFIG,
    workers: int = 1,
) -> Iterator[Choice]:
    """Trains the cells that have no record in the folder yet, and yields each one that then has one.

    Args:
        folder: Where the records are.
        choices: The cells.
        load: Returns the images; called once in each process.
        config: How to train.
        workers: Number of processes, each on one thread.
    """
    missing = []
    for choice in choices:
        if _record_file(folder, choice.row).exists():
            yield choice
        else:
            missing.append((folder, choice, load, config))
    yield from run_each(_train_and_record, missing, workers)


def _record_file(folder: Path, row: int) -> Path:
    return folder / f"{row:05d}.json"


def _train_and_record(folder: Path, choice: Choice, load: Callable[[], ImageData], config: TrainingConfig) -> Choice:
    data = _loaded(load)
    record = {**asdict(choice), "settings": _settings(data, config), **train_cell(choice.row, data, config)}
    write_whole(_record_file(folder, choice.row), json.dumps(record))
    return choice


def _settings(data: ImageData, config: TrainingConfig) -> dict[str, Any]:
    """What all cells of a table have in common."""
    return {
        "seed": SEED,
        "data": f"{data.name} ({data.fingerprint})",
        "images": {part: len(split) for part, split in data.splits.items()},
        "network": SIZES,
        "training": config.to_dict(),
        "torch": torch.__version__,
    }


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The records of a folder in the order of their rows.

    Raises:
        BenchmarkError: When there are none, or two were trained in different ways.
    """
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("[0-9]*.json"))]
    if not records:
        raise BenchmarkError(f"no cell is trained in {folder} yet.")
    for record in records:
        for name, value in records[0]["settings"].items():
            if record["settings"].get(name) != value:
                raise BenchmarkError(
                    f"{folder}: cell {record['row']} was trained with another `{name}` than cell {records[0]['row']}: "
                    f"{record['settings'].get(name)!r} and {value!r}."
                )
    return records


Folder = Annotated[Path, typer.Option(help="Folder of the records, one file a cell.")]


@app.command()
def train(out: Folder, workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2) -> None:
    """Trains the cells that are not trained yet."""
    from rich.progress import track

    choices = choose_cells()
    for _ in track(train_cells(out, choices, workers=workers), "cells", total=len(choices)):
        pass


@app.command()
def pack(
    out: Folder,
    machine: Annotated[str, typer.Option(help="Where the cells were trained, for the header.")],
    file: Annotated[Path, typer.Option(help="The table's file.")] = DATA_FILE,
) -> None:
    """Writes the cells that are trained as a table."""
    records = read_records(out)
    write_table(file, records, {**records[0]["settings"], "command": COMMAND, "machine": machine})


if __name__ == "__main__":
    app()
