"""Ensembles of networks that read token sequences, each ensemble one batched program."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from predictors.encodings.tokens import END, TokenBatch, TokenEncoder


def uniform(members: int, *shape: int, bound: float, generator: torch.Generator) -> nn.Parameter:
    """Weights of every member, uniform between plus and minus `bound`, `(members, *shape)`."""
    return nn.Parameter((2.0 * torch.rand(members, *shape, generator=generator) - 1.0) * bound)


class EnsembleLinear(nn.Module):
    """A linear layer of every member."""

    def __init__(self, members: int, n_in: int, n_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = uniform(members, n_in, n_out, bound=max(n_in, 1) ** -0.5, generator=generator)
        self.bias = nn.Parameter(torch.zeros(members, 1, n_out))

    def forward(self, x: Tensor) -> Tensor:
        """`(members, n, n_in)`, or `(n, n_in)` shared by all, to `(members, n, n_out)`."""
        return x @ self.weight + self.bias


class EnsembleLSTM(nn.Module):
    """The LSTM (Hochreiter and Schmidhuber, 1997) of every member; all read the same sequences.

    A token's embedding is looked up after it was multiplied with the input weights: there are few tokens in the
    vocabulary and many in a batch.

    Args:
        members: Number of networks.
        n_tokens: Size of the vocabulary; a greater token reads as its last one.
        hidden: Width of the state and of the embeddings.
        generator: Where initial weights come from.
    """

    def __init__(self, *, members: int, n_tokens: int, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = hidden**-0.5
        self.embedding = uniform(members, n_tokens, hidden, bound=1.0, generator=generator)
        self.of_input = uniform(members, hidden, 4 * hidden, bound=bound, generator=generator)
        self.of_state = uniform(members, hidden, 4 * hidden, bound=bound, generator=generator)
        bias = torch.zeros(members, 1, 4 * hidden)
        bias[..., :hidden] = 1.0  # gates that forget start open: what was read first counts at the end
        self.bias = nn.Parameter(bias)

    def table(self) -> Tensor:
        """What each token adds to the gates, `(members, n_tokens, 4 hidden)`."""
        return torch.baddbmm(self.bias, self.embedding, self.of_input)

    def forward(self, tokens: Tensor, start: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """States after each token, `(members, n, t, hidden)`.

        Args:
            tokens: `(n, t)`.
            start: State and cell before the first token, `(members, n, hidden)`; zero by default.
        """
        table = self.table()
        read = table[:, tokens.clamp(max=table.shape[1] - 1).T]  # (members, t, n, 4 hidden)
        zeros = read.new_zeros(*read[:, 0, :, 0].shape, read.shape[-1] // 4)
        state, cell = start or (zeros, zeros)
        states = []
        for gates in read.unbind(1):
            state, cell = lstm_step(torch.baddbmm(gates, state, self.of_state), cell)
            states.append(state)
        return torch.stack(states, dim=2)


def lstm_step(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """The next state and cell from the four gates before their nonlinearities, `(..., 4 hidden)`."""
    hidden = cell.shape[-1]
    opened = torch.sigmoid(gates[..., : 3 * hidden])
    forget, write, show = opened.chunk(3, dim=-1)
    cell = forget * cell + write * torch.tanh(gates[..., 3 * hidden :])
    return show * torch.tanh(cell), cell


class LSTMScorer(nn.Module):
    """A score from the LSTM's last state and the numbers beside a sequence."""

    def __init__(
        self, encoder: TokenEncoder, *, members: int, hidden: int, n_columns: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.lstm = EnsembleLSTM(members=members, n_tokens=encoder.n_tokens, hidden=hidden, generator=generator)
        self.head = EnsembleLinear(members, hidden + n_columns, 1, generator)

    def forward(self, batch: TokenBatch, columns: Tensor) -> Tensor:
        """Scores of `n` sequences with `(n, n_columns)` numbers beside them, `(members, n)`."""
        states = self.lstm(batch.tokens)
        last = states[:, torch.arange(len(batch), device=states.device), batch.lengths - 1]
        scores: Tensor = self.head(beside(last, columns))
        return scores[..., 0]


class MLPScorer(nn.Module):
    """A score from the mean embedding of what nodes are, that of what they take, and the numbers beside a sequence."""

    def __init__(
        self, encoder: TokenEncoder, *, members: int, hidden: int, n_columns: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.first_reference = encoder.first_reference
        self.embedding = uniform(members, encoder.n_tokens, hidden, bound=1.0, generator=generator)
        self.inner = EnsembleLinear(members, 2 * hidden + n_columns, hidden, generator)
        self.head = EnsembleLinear(members, hidden, 1, generator)

    def forward(self, batch: TokenBatch, columns: Tensor) -> Tensor:
        """Scores of `n` sequences with `(n, n_columns)` numbers beside them, `(members, n)`."""
        vocabulary = self.embedding.shape[1]
        tokens = batch.tokens.clamp(max=vocabulary - 1)
        counts = self.embedding.new_zeros(len(batch), vocabulary)
        counts.scatter_add_(1, tokens, counts.new_ones(()).expand(tokens.shape))
        means = []
        for kind in (slice(END + 1, self.first_reference), slice(self.first_reference, None)):
            share = counts[:, kind] / counts[:, kind].sum(dim=1, keepdim=True).clamp_min(1.0)
            means.append(share @ self.embedding[:, kind])
        inner = self.inner(beside(torch.cat(means, dim=-1), columns))
        scores: Tensor = self.head(torch.relu(inner))
        return scores[..., 0]


_REACH = 3.0
"""Normal scores that a column is read up to: far outside the numbers of `fit`, networks know nothing."""


def beside(features: Tensor, columns: Tensor) -> Tensor:
    """Features of each member `(members, n, d)` with the numbers `(n, k)` that all share, on the scale of scores."""
    columns = columns.clamp(-_REACH, _REACH)
    return torch.cat([features, columns.expand(len(features), -1, -1)], dim=-1)
