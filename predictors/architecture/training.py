"""How the ensembles of networks are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import numpy as np
import torch
from torch import Tensor, nn

_WEIGHT_DECAY = 0.01
_PASSES = 10


def minimise(
    network: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    n: int,
    *,
    batch_size: int,
    steps: int,
    learning_rate: float,
    rng: np.random.Generator,
) -> None:
    """Takes steps on minibatches of `n` observations, by AdamW with a one-cycle learning rate.

    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019; Smith and Topin, "Super-convergence",
    2019.

    Args:
        network: What is trained.
        loss_of: The loss of the observations at some rows, `(batch_size,)`.
        n: Number of observations.
        batch_size: Observations of a step.
        steps: Number of steps; a cycle has two at least.
        learning_rate: Highest of the cycle.
        rng: Shuffles the observations.
    """
    steps = max(steps, 2)
    device = next(network.parameters()).device
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=_WEIGHT_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=learning_rate, total_steps=steps)
    for rows in minibatches(n, batch_size, steps, rng):
        optimizer.zero_grad()
        loss_of(rows.to(device)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


def minibatches(n: int, size: int, steps: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """Rows of each step: shuffles of all `n`, one after the other, cut into equal parts.

    Where all fit into one minibatch, it is the same one every time, in their own order.
    """
    if n <= size:
        yield from [torch.arange(n)] * steps
        return
    queue = rng.permutation(n)
    for _ in range(steps):
        if len(queue) < size:
            queue = np.append(queue, rng.permutation(n))
        yield torch.from_numpy(queue[:size])
        queue = queue[size:]


def enough_steps(least: int, n: int, batch_size: int) -> int:
    """The `least` number of steps, or more where ten passes over `n` observations take more."""
    return max(least, ceil(_PASSES * n / batch_size))
