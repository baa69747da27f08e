from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from smbo_nas.training import DataError
from smbo_nas.training.data import as_arrays

LABELS = np.arange(5)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 8, 9), (5, 1, 8, 9)),
        ((5, 3, 8, 9), (5, 3, 8, 9)),
        ((5, 8, 9, 3), (5, 3, 8, 9)),
        ((5, 8, 9, 1), (5, 1, 8, 9)),
        ((5, 7, 8, 9), (5, 7, 8, 9)),
        ((5, 3, 2, 2), (5, 3, 2, 2)),
    ],
)
def test_layouts(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    images = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    arrays = as_arrays(images, LABELS, where="x")
    assert arrays.images.shape == expected
    assert arrays.images.dtype == np.float32
    if shape[-1] <= 3 < shape[1]:
        np.testing.assert_array_equal(arrays.images, np.moveaxis(images, 3, 1))
    else:
        np.testing.assert_array_equal(arrays.images.ravel(), images.ravel())


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([[1], [2], [1], [2], [3]], [1, 2, 1, 2, 3]),
        ([1.0, 2.0, 1.0, 2.0, 3.0], [1, 2, 1, 2, 3]),
        (["b", "a", "b", "a", "c"], ["b", "a", "b", "a", "c"]),
        ([True, False, True, False, True], [True, False, True, False, True]),
    ],
)
def test_labels(labels: list[Any], expected: list[Any]) -> None:
    assert as_arrays(np.zeros((5, 4, 4), np.uint8), labels, where="x").labels.tolist() == expected


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((5, 4)), LABELS, r"x: images must have shape .* but have shape \(5, 4\)"),
        (np.zeros((5, 4, 4)), LABELS[1:], "there are 5 images and 4 labels"),
        (np.zeros((0, 4, 4)), LABELS[:0], "there are no images"),
        (np.full((5, 4, 4), np.nan), LABELS, "NaN or infinite"),
        (np.full((5, 4, 4), 1e300), LABELS, "NaN or infinite"),
        (np.full((5, 4, 4), "a"), LABELS, "images must be numbers"),
        ([np.zeros((4, 4)), np.zeros((4, 5))], [0, 1], "images cannot be read as one array"),
        (np.zeros((5, 4, 4)), np.eye(5), r"labels must have shape \(n,\), but have shape \(5, 5\)"),
        (np.zeros((5, 4, 4)), LABELS + 0.5, "whole numbers or strings"),
        (np.zeros((5, 4, 4)), LABELS * np.nan, "whole numbers or strings"),
        (np.zeros((5, 4, 4)), [None] * 5, "integers or strings, but are object"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_bad_arrays(images: Any, labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_arrays(images, labels, where="x")
