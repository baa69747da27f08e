from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from smbo_nas.training import DataError, load_data
from smbo_nas.training.data.sources.folder import image_folder

Image = pytest.importorskip("PIL.Image")


def save(path: Path, *, mode: str = "RGB", size: tuple[int, int] = (8, 6), seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def fill(root: Path, n: int = 10, mode: str = "RGB", start: int = 0) -> Path:
    for label, name in enumerate(("cat", "dog")):
        for i in range(n):
            save(root / name / f"{i}.png", mode=mode, seed=start + label * n + i)
    return root


def test_one_subfolder_per_class(tmp_path: Path) -> None:
    data = load_data(str(fill(tmp_path / "pets")))
    assert data.name == "pets"
    assert data.class_names == ("cat", "dog")
    assert data.input_shape == (3, 6, 8)
    assert [len(split) for split in data.splits.values()] == [12, 4, 4]


def test_pixels_and_labels(tmp_path: Path) -> None:
    raw = image_folder(fill(tmp_path))
    expected = np.random.default_rng(10).integers(256, size=(6, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(raw.train.images[10], np.moveaxis(expected, 2, 0))
    assert raw.train.labels.tolist() == ["cat"] * 10 + ["dog"] * 10


def test_own_splits(tmp_path: Path) -> None:
    for start, part in enumerate(("train", "val", "test")):
        fill(tmp_path / part, n=5 - start, start=100 * start)
    assert [len(split) for split in load_data(str(tmp_path)).splits.values()] == [10, 8, 6]


def test_grey_unless_one_is_in_colour(tmp_path: Path) -> None:
    fill(tmp_path, mode="L")
    assert image_folder(tmp_path).train.images.shape == (20, 1, 6, 8)
    save(tmp_path / "cat" / "0.png", mode="P")
    assert image_folder(tmp_path).train.images.shape == (20, 3, 6, 8)


def test_tiny_images_are_not_misread(tmp_path: Path) -> None:
    for i in range(8):
        save(tmp_path / "ab"[i % 2] / f"{i}.png", mode="L", size=(3, 9), seed=i)
    assert image_folder(tmp_path).train.images.shape == (8, 1, 9, 3)


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "cat" / "notes.txt").write_text("x")
    (tmp_path / "cat" / "._0.png").write_text("x")
    (tmp_path / ".cache").mkdir()
    assert len(image_folder(tmp_path).train.images) == 20


def test_sizes(tmp_path: Path) -> None:
    fill(tmp_path)
    save(tmp_path / "dog" / "x.png", size=(9, 7))
    with pytest.raises(DataError, match=r"x\.png has 9 x 7 pixels, but .*0\.png has 8 x 6: set `image_size`"):
        load_data(str(tmp_path))
    assert load_data(str(tmp_path), image_size=5).input_shape == (3, 5, 5)
    with pytest.raises(ValueError, match="`image_size` must be at least 1, but got 0"):
        load_data(str(tmp_path), image_size=0)


def test_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one subfolder of images per class, but has none"):
        load_data(str(tmp_path))
    fill(tmp_path)
    (tmp_path / "fox").mkdir()
    with pytest.raises(DataError, match="fox has no images"):
        load_data(str(tmp_path))


def test_one_class(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "0.png")
    with pytest.raises(DataError, match="at least 2 classes are needed, but all images have the label 'cat'"):
        load_data(str(tmp_path))


def test_broken_images(tmp_path: Path) -> None:
    fill(tmp_path)
    path = tmp_path / "dog" / "3.png"
    content = path.read_bytes()
    for broken in (b"", b"text", content[:60]):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=r"3\.png cannot be read"):
            load_data(str(tmp_path))


def test_pixels_of_more_than_eight_bits(tmp_path: Path) -> None:
    fill(tmp_path)
    Image.fromarray(np.full((6, 8), 40_000, np.uint16)).save(tmp_path / "dog" / "3.png")
    with pytest.raises(DataError, match=r"3\.png has pixels of mode I;16"):
        load_data(str(tmp_path))


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r"pip install smbo-nas\[images\]"):
        load_data(str(tmp_path))
