from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smbo_nas.training import DataError, load_data
from smbo_nas.training.data.sources import idx
from smbo_nas.training.data.sources.idx import fashion_mnist, idx_folder, read_idx

_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def encode(array: NDArray[np.generic]) -> bytes:
    code = _CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for part, n in (("train", 60), ("t10k", 20)):
        images = rng.integers(256, size=(n, 8, 8), dtype=np.uint8)
        labels = (np.arange(n) % 4).astype(np.uint8)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(encode(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(encode(labels)))
    return tmp_path


@pytest.mark.parametrize("dtype", list(_CODES))
@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_round_trip(tmp_path: Path, dtype: str, name: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    content = encode(array)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    result = read_idx(tmp_path / name)
    np.testing.assert_array_equal(result, array)
    assert result.dtype == array.dtype


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"PK\3\4hello", "not an IDX file"),
        (b"\0\0\7\1\0\0\0\1x", "not an IDX file"),
        (b"\0\0\10\3\0\0", "ends inside its header"),
        (encode(np.zeros((2, 3), np.uint8))[:-1], r"should hold 6 bytes for shape \(2, 3\), but holds 5"),
        (encode(np.zeros((2, 3), np.uint8)) + b"x", "but holds 7"),
    ],
)
def test_broken_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path)


def test_broken_compression(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    whole = gzip.compress(encode(np.random.default_rng(0).random((50, 3))))
    for content in (b"no gzip", whole[:-20], whole[:30] + b"\xff" * 30 + whole[60:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read"):
            read_idx(path)


@pytest.mark.parametrize("spec", ["{}", "fashion-mnist:{}"])
def test_a_folder_with_its_own_test_split(folder: Path, spec: str) -> None:
    data = load_data(spec.format(folder))
    assert data.name == ("fashion-mnist" if ":" in spec else folder.name)
    assert [len(split) for split in data.splits.values()] == [48, 12, 20]


def test_the_environment_names_the_folder_of_fashion_mnist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMBO_NAS_FASHION_MNIST", str(folder))
    assert len(load_data("fashion-mnist").test) == 20


def test_the_debian_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMBO_NAS_FASHION_MNIST", raising=False)
    monkeypatch.setattr(idx, "FASHION_MNIST_FOLDER", folder / "none")
    with pytest.raises(DataError, match=r"no IDX files in .*none.*dataset-fashion-mnist.*fashion-mnist:FOLDER"):
        fashion_mnist()
    monkeypatch.setattr(idx, "FASHION_MNIST_FOLDER", folder)
    assert len(fashion_mnist().train.images) == 60


def test_other_spellings_and_no_test_split(folder: Path) -> None:
    for path in folder.glob("t10k*"):
        path.unlink()
    for path in folder.glob("train*"):
        path.with_name(path.name.replace("-idx", ".idx").removesuffix(".gz")).write_bytes(
            gzip.decompress(path.read_bytes())
        )
        path.unlink()
    raw = idx_folder(folder, name="x")
    assert len(raw.train.images) == 60
    assert raw.test is None


def test_missing_and_mismatched_labels(folder: Path) -> None:
    labels = folder / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(encode(np.zeros(59, np.uint8))))
    with pytest.raises(DataError, match="60 images and 59 labels"):
        load_data(str(folder))
    labels.unlink()
    with pytest.raises(DataError, match=r"train-labels-idx.* is missing"):
        load_data(str(folder))
