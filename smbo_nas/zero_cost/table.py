"""Zero-cost scores as columns of a table of architectures."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from predictors.graph import ArchGraph
from predictors.table import read_chunks
from predictors.table_formats import check_format, write_records
from smbo_nas.spaces import SearchSpace, SpaceError
from smbo_nas.training import ImageData
from smbo_nas.zero_cost.columns import describe
from smbo_nas.zero_cost.scores import SCORES


def training_minibatch(data: ImageData, n_images: int, seed: int) -> tuple[Tensor, Tensor]:
    """Some of the images for training, `(n_images, c, h, w)`, and their labels `(n_images,)`.

    Raises:
        ValueError: When there are fewer.
    """
    if not 2 <= n_images <= len(data.train):
        raise ValueError(f"`images` must be from 2 to the {len(data.train)} images of {data.name}, but got {n_images}.")
    chosen = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(seed))[:n_images]
    return data.train.images[chosen], data.train.labels[chosen]


def add_scores(
    table: Path,
    out: Path,
    *,
    space: SearchSpace,
    data: ImageData,
    n_images: int = 16,
    names: Collection[str] = tuple(SCORES),
    seed: int = 0,
    device: str = "auto",
    sizes: Mapping[str, int] | None = None,
    progress: Callable[[list[ArchGraph]], Iterator[ArchGraph]] = iter,
) -> int:
    """Writes a table with a column for each score, beside all that its rows said before.

    Args:
        table: The architectures, in a format of `predictors.table`.
        out: The new table; its name says the format.
        space: How their networks are stacked.
        data: What they are to be trained on; a minibatch of its images for training is scored on.
        n_images: Size of the minibatch.
        names: Which of `SCORES` to compute.
        seed: Seed of the minibatch, the weights, and what a score draws. Tables to be used together must have the same.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        sizes: Sizes of the networks; those not given are the paper's.
        progress: Passes on the graphs, which are taken one at a time as they are scored.

    Returns:
        The number of rows.

    Raises:
        TableError: When the file is no table, or a name ends in none of the formats.
        SpaceError: When the space does not say how its networks are stacked.
        GraphError: When a graph is not of the space.
        ValueError: When another argument is out of range.
    """
    if space.skeleton is None:
        raise SpaceError(f"{space.name} does not say how its networks are stacked: set `skeleton`.")
    check_format(out)
    images, labels = training_minibatch(data, n_images, seed)
    rows = [row for chunk in read_chunks(table) for row in chunk.rows]
    described = describe(
        progress([row.graph for row in rows]),
        images,
        labels,
        skeleton=space.skeleton,
        num_classes=data.num_classes,
        names=names,
        seed=seed,
        device=device,
        **(sizes or {}),
    )
    write_records(
        out,
        [
            {
                "graph": row.graph.to_dict(),
                **row.fields,
                **{name: None if math.isnan(value) else value for name, value in scored.columns},
            }
            for row, scored in zip(rows, described, strict=True)
        ],
    )
    return len(rows)
