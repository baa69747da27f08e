"""Graphs with their zero-cost scores as the numbers that ride along."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch import Tensor

from predictors.architecture.inputs import Described
from predictors.graph import ArchGraph
from smbo_nas.networks import build_network
from smbo_nas.training.rng import RunRandom
from smbo_nas.zero_cost.scores import SCORES, zero_cost_scores


def describe(
    graphs: Iterable[ArchGraph],
    images: Tensor,
    labels: Tensor,
    *,
    skeleton: str,
    num_classes: int,
    names: Collection[str] = tuple(SCORES),
    seed: int = 0,
    device: str = "auto",
    **sizes: Any,
) -> list[Described]:
    """Graphs with the scores of their untrained networks, ready for `fit` and `predict` of a predictor.

    A graph is built and scored in its canonical form, once, with the weights of `seed`: isomorphic graphs get the same
    scores, and operations that carry no signal count for nothing.

    Args:
        graphs: The architectures.
        images: `(b, c, h, w)`; see `zero_cost_scores`.
        labels: `(b,)`.
        skeleton: How the networks are stacked; see `smbo_nas.networks.build_network`.
        num_classes: Number of classes.
        names: Which of `SCORES` to compute.
        seed: Seed of the weights, and of what a score draws. Scores to be compared must have the same.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        **sizes: The skeleton's sizes, such as `channels`; small ones rank networks nearly as well as the paper's.

    Raises:
        GraphError: When a graph does not fit the skeleton.
        ValueError: As `zero_cost_scores`, or when a size is unknown to the skeleton.
    """
    known: dict[str, dict[str, float]] = {}
    described = []
    for graph in graphs:
        if graph.digest not in known:
            with RunRandom(seed, torch.device("cpu")).borrowed():
                network = build_network(
                    graph.canonical(),
                    skeleton=skeleton,
                    input_shape=images.shape[1:],
                    num_classes=num_classes,
                    **sizes,
                )
            known[graph.digest] = zero_cost_scores(network, images, labels, names=names, seed=seed, device=device)
        described.append(Described(graph, tuple(known[graph.digest].items())))
    return described
