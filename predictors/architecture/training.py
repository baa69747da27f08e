"""How the ensembles of networks are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor, nn

_WEIGHT_DECAY = 0.01

Batch = TypeVar("Batch")


def minimise(
    network: nn.Module,
    loss_of: Callable[[Batch], Tensor],
    batches: Iterable[Batch],
    *,
    steps: int,
    learning_rate: float,
) -> None:
    """Takes a step for each batch, by AdamW with a one-cycle learning rate.

    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019; Smith and Topin, "Super-convergence",
    2019.

    Args:
        network: What is trained.
        loss_of: The loss of a batch.
        batches: One for each step.
        steps: Length of the cycle, at least 2 and at least the number of batches.
        learning_rate: Highest of the cycle.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=_WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=learning_rate, total_steps=steps)
    for batch in batches:
        optimizer.zero_grad()
        loss_of(batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
