"""Shared by the tests of networks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from predictors.graph import ArchGraph


@contextmanager
def seeded(seed: int = 0) -> Iterator[torch.Generator]:
    """The global generator, seeded, and back as it was afterwards; yields a generator of its own, too."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)


def one_cell(*ops: str, edges: list[tuple[int, int]]) -> ArchGraph:
    return ArchGraph(ops=ops, edges=tuple(edges))


def train_step(network: nn.Module, images: Tensor, num_classes: int) -> Tensor:
    """One step of SGD; returns the loss before it."""
    labels = torch.arange(len(images)) % num_classes
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    out = network.train()(images)
    outputs = out if isinstance(out, tuple) else (out,)
    loss = sum(nn.functional.cross_entropy(logits, labels) for logits in outputs)
    assert isinstance(loss, Tensor)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()
