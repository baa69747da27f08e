"""The recurrent controller of NAS-RL and NASNet: a policy over the sequence of a space's choices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Controller(nn.Module):
    """An LSTM that decides one parameter after the other, each by a softmax of its own, and reads what it decided.

    Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, sec. 3.1 and 4.1 (weights uniform
    in +-0.08); one layer, as in NASNet (Zoph et al., CVPR 2018, sec. 3). Departure: logits are bounded as by Bello et
    al. ("Neural Combinatorial Optimization with Reinforcement Learning", 2017, sec. 5.1), so that no choice becomes
    impossible and what was drawn by another policy can be learned from.

    Args:
        sizes: Number of choices of each parameter, `(p,)`.
        hidden: Units of the LSTM.
        seed: Of the weights.
    """

    closed: Tensor
    """`(p, k)`: minus infinity where a parameter has no such choice, else 0."""

    def __init__(self, sizes: Sequence[int], *, hidden: int, seed: int) -> None:
        super().__init__()
        p, k = len(sizes), max(sizes)
        # Rows of the embedding: the begin of a sequence, then every choice of every parameter but the last.
        # Made without weights: PyTorch would draw them from the global random state.
        self.embedding = nn.Embedding(1 + sum(sizes[:-1]), hidden, device="meta").to_empty(device="cpu")
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True, device="meta").to_empty(device="cpu")
        self.weight = nn.Parameter(torch.empty(p, hidden, k))
        self.bias = nn.Parameter(torch.empty(p, k))
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.08, 0.08, generator=generator)
        self._first = np.cumsum([1, *sizes[:-1]])[:-1] if p > 1 else np.zeros(0, dtype=np.int64)
        allowed = torch.arange(k) < torch.tensor(list(sizes))[:, None]
        self.register_buffer("closed", torch.zeros(p, k).masked_fill(~allowed, -torch.inf))

    def log_probabilities(self, choices: NDArray[np.int64]) -> Tensor:
        """Of every choice of every parameter, given the choices before it.

        Args:
            choices: Sequences, `(n, p)`.

        Returns:
            `(n, p, k)`; minus infinity where a parameter has no such choice.
        """
        read = np.concatenate([np.zeros((len(choices), 1), dtype=np.int64), choices[:, :-1] + self._first], axis=1)
        states, _ = self.lstm(self.embedding(torch.from_numpy(read)))
        logits = _bounded(torch.einsum("nph,phk->npk", states, self.weight) + self.bias)
        return torch.log_softmax(logits + self.closed, dim=-1)

    @torch.no_grad()
    def sample(self, n: int, rng: np.random.Generator, *, temperature: float = 1.0) -> NDArray[np.int64]:
        """Draws `n` sequences, `(n, p)`, from the policy, its logits divided by `temperature`."""
        p = len(self.weight)
        choices = np.zeros((n, p), dtype=np.int64)
        read = torch.zeros(n, dtype=torch.int64)
        state = (torch.zeros(n, self.lstm.hidden_size), torch.zeros(n, self.lstm.hidden_size))
        weights = self.lstm.all_weights[0]
        for k in range(p):
            state = torch.lstm_cell(self.embedding(read), state, *weights)  # a step of `self.lstm` at half the cost
            logits = _bounded(state[0] @ self.weight[k] + self.bias[k]) / temperature + self.closed[k]
            cumulated = torch.softmax(logits.double(), dim=-1).cumsum(dim=-1).numpy()
            drawn = rng.random((n, 1)) * cumulated[:, -1:]
            choices[:, k] = (cumulated <= drawn).sum(axis=1)
            if k < p - 1:
                read = torch.from_numpy(choices[:, k] + self._first[k])
        return choices


def _bounded(logits: Tensor) -> Tensor:
    """Logits within `_BOUND` of 0."""
    return _BOUND * torch.tanh(logits / _BOUND)


_BOUND = 5.0
