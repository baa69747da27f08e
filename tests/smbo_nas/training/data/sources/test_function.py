from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from smbo_nas.training import DataError, load_data
from smbo_nas.training.data import RawData
from smbo_nas.training.data.sources.function import as_raw
from tests.smbo_nas.training.tiny import tiny_data

MODULE = __name__


def pair(n: int = 30) -> tuple[Any, Any]:
    return np.random.default_rng(n).random((n, 8, 8)), np.arange(n) % 3


def lists(n: int) -> tuple[Any, Any]:
    images, labels = pair(n)
    return images, labels.tolist()


def dataset(n: int = 30) -> TensorDataset:
    images, labels = pair(n)
    return TensorDataset(torch.tensor(images), torch.tensor(labels))


def fails() -> None:
    raise RuntimeError("no network")


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        (pair(30), (30, None, None)),
        (lists(30), (30, None, None)),
        (dataset(30), (30, None, None)),
        ([(image, label) for image, label in dataset(30)], (30, None, None)),
        ((pair(30), pair(9)), (30, None, 9)),
        ((dataset(30), dataset(9)), (30, None, 9)),
        ((dataset(30), dataset(12), dataset(9)), (30, 12, 9)),
        ({"train": pair(30), "test": dataset(9)}, (30, None, 9)),
        ({"train": pair(30), "validation": dataset(9)}, (30, 9, None)),
    ],
)
def test_what_may_be_returned(value: Any, sizes: tuple[int | None, ...]) -> None:
    raw = as_raw(value, name="x")
    assert isinstance(raw, RawData)
    found = [None if part is None else len(part.images) for part in (raw.train, raw.validation, raw.test)]
    assert tuple(found) == sizes
    np.testing.assert_allclose(raw.train.images[:, 0], pair(30)[0], rtol=1e-6)
    np.testing.assert_array_equal(raw.train.labels, pair(30)[1])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "must return an ImageData, a pair .* but got a NoneType"),
        (3, "but got a int"),
        ({"train": pair(), "valid": pair()}, r"the dict has \['train', 'valid'\]"),
        ({"test": pair()}, r"the dict has \['test'\]"),
        ([1, 2, 3], r"must be pairs \(image, label\)"),
        ((np.zeros((5, 8, 8)), np.zeros(4)), "5 images and 4 labels"),
        (iter([]), "but got a list_iterator"),
    ],
)
def test_what_may_not(value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_raw(value, name="x")


def test_module_and_function() -> None:
    data = load_data(f"{MODULE}:pair")
    assert data.name == f"{MODULE}:pair"
    assert [len(split) for split in data.splits.values()] == [18, 6, 6]
    made = load_data("tests.smbo_nas.training.tiny:tiny_data")
    assert made.fingerprint == tiny_data().fingerprint


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("no_such_module:f", "no_such_module cannot be imported"),
        (f"{MODULE}:nothing", "has no function 'nothing'"),
        (f"{MODULE}:MODULE", "has no function 'MODULE'"),
        (f"{MODULE}:fails", "raised RuntimeError: no network"),
        (":f", "cannot be imported"),
        ("nowhere.py:f", "nowhere.py cannot be imported"),
    ],
)
def test_functions_that_are_not_there_or_fail(spec: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_data(spec)


_CODE = "import numpy as np\ndef mine():\n    return np.random.default_rng(0).random((30, 8, 8)), np.arange(30) % 3\n"


@pytest.mark.parametrize(
    "spec_in", [lambda folder: "my_data_module:mine", lambda folder: f"{folder / 'my_data_module.py'}:mine"]
)
def test_files_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec_in: Callable[[Path], str]
) -> None:
    (tmp_path / "my_data_module.py").write_text(_CODE)
    monkeypatch.chdir(tmp_path)
    assert len(load_data(spec_in(tmp_path)).train) == 18
