from __future__ import annotations

import pytest
import torch

from smbo_nas.training.data import Split, batches
from smbo_nas.training.data.augmentation import Compose, RandomShift
from smbo_nas.training.data.batches import evaluation_batches, fits_on, place, steps_per_epoch, training_batches
from tests.smbo_nas.training.tiny import tiny_data

CPU = torch.device("cpu")


def numbered(n: int) -> Split:
    """Image i is filled with i and has the label i."""
    return Split(torch.arange(float(n))[:, None, None, None].repeat(1, 1, 2, 2), torch.arange(n))


def epoch(split: Split, batch_size: int, seed: int = 0, augment: Compose | None = None) -> list[batches.Batch]:
    generator = torch.Generator().manual_seed(seed)
    return list(training_batches(split, batch_size, augment=augment or Compose(), generator=generator, device=CPU))


@pytest.mark.parametrize(("n", "batch_size"), [(10, 3), (10, 10), (10, 99), (1, 4), (65, 64), (7, 1)])
@pytest.mark.parametrize("group_bytes", [1, 200, 2**25])
def test_each_image_once_with_its_label_in_even_batches(
    monkeypatch: pytest.MonkeyPatch, n: int, batch_size: int, group_bytes: int
) -> None:
    monkeypatch.setattr(batches, "_GROUP_BYTES", group_bytes)
    parts = epoch(numbered(n), batch_size)
    assert len(parts) == steps_per_epoch(n, batch_size)
    sizes = [len(labels) for _, labels in parts]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert sorted(torch.cat([labels for _, labels in parts]).tolist()) == list(range(n))
    for images, labels in parts:
        assert torch.equal(images[:, 0, 0, 0].long(), labels)


def test_order_depends_on_the_generator() -> None:
    orders = [torch.cat([labels for _, labels in epoch(numbered(50), 8, seed)]).tolist() for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != list(range(50))


def test_images_are_augmented_and_the_split_is_not() -> None:
    split = numbered(50)
    before = split.images.clone()
    parts = epoch(split, 8, augment=Compose((RandomShift(1, fill=(-1.0,)),)))
    assert (torch.cat([images for images, _ in parts]) == -1).any()
    assert torch.equal(split.images, before)


def test_channels_last() -> None:
    split = Split(torch.randn(9, 3, 4, 4), torch.arange(9))
    for images, _ in training_batches(
        split,
        3,
        augment=Compose(),
        generator=torch.Generator(),
        device=CPU,
        memory_format=torch.channels_last,
    ):
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_evaluation_keeps_the_order() -> None:
    parts = list(evaluation_batches(numbered(10), 4, device=CPU))
    assert [labels.tolist() for _, labels in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_data_lives_on_the_gpu_only_if_it_fits_comfortably(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 8000))
    cuda = torch.device("cuda", 0)
    assert fits_on(cuda, 250)
    assert not fits_on(cuda, 251)
    data = tiny_data()
    assert data.train.nbytes == 60 * (64 * 4 + 8)
    assert place(data, cuda) == (data.train, data.validation)
    assert place(data, CPU)[0].images is data.train.images
