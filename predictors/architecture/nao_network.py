"""The encoders, performance heads and decoders of neural architecture optimization, as one batched program."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from predictors.architecture.sequence_models import EnsembleLinear, EnsembleLSTM, beside, lstm_step
from predictors.encodings.tokens import END, TokenBatch, TokenEncoder


class NAOScorer(nn.Module):
    """Members that encode a sequence as one state per token, and score the states' mean.

    Luo et al., "Neural Architecture Optimization", NeurIPS 2018, sec. 3.2.

    Args:
        encoder: The fitted encoder of the sequences.
        members: Number of networks.
        hidden: Width of states and embeddings.
        n_columns: Numbers beside a sequence, which the head reads.
        generator: Where initial weights come from.
    """

    def __init__(
        self, encoder: TokenEncoder, *, members: int, hidden: int, n_columns: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.reader = EnsembleLSTM(members=members, n_tokens=encoder.n_tokens, hidden=hidden, generator=generator)
        self.inner = EnsembleLinear(members, hidden + n_columns, hidden, generator)
        self.head = EnsembleLinear(members, hidden, 1, generator)

    def forward(self, batch: TokenBatch, columns: Tensor) -> Tensor:
        """Scores of `n` sequences with `(n, n_columns)` numbers beside them, `(members, n)`."""
        return self.score(*self.encode(batch), columns)

    def encode(self, batch: TokenBatch) -> tuple[Tensor, Tensor]:
        """States after each token, `(members, n, t, hidden)`, zero on padding, and which are none, bool `(n, t)`."""
        states = self.reader(batch.tokens)
        present = torch.arange(states.shape[2], device=states.device) < batch.lengths[:, None]
        return states * present[..., None], present

    def score(self, states: Tensor, present: Tensor, columns: Tensor) -> Tensor:
        """Scores `(members, n)` of states that are zero on padding."""
        mean = states.sum(dim=2) / present.sum(dim=1, keepdim=True)
        scores: Tensor = self.head(torch.relu(self.inner(beside(mean, columns))))
        return scores[..., 0]


class NAONetwork(NAOScorer):
    """Members that also decode the states.

    The decoder is an LSTM that starts in the encoder's last state; what it writes next depends on its state and on what
    that state attends to (dot products) among the encoder's.

    Args:
        encoder: As in `NAOScorer`, and so are the others.
        members: Number of networks.
        hidden: Width of states and embeddings.
        n_columns: Numbers beside a sequence.
        generator: Where initial weights come from.
    """

    def __init__(
        self, encoder: TokenEncoder, *, members: int, hidden: int, n_columns: int, generator: torch.Generator
    ) -> None:
        super().__init__(encoder, members=members, hidden=hidden, n_columns=n_columns, generator=generator)
        self.writer = EnsembleLSTM(members=members, n_tokens=encoder.n_tokens, hidden=hidden, generator=generator)
        self.output = EnsembleLinear(members, 2 * hidden, encoder.n_tokens, generator)

    def reconstruction_loss(self, tokens: Tensor, states: Tensor, present: Tensor) -> Tensor:
        """Mean cross entropy of each token given those before it and the encoding of all, summed over members.

        Args:
            tokens: `(n, t)`.
            states: What `encode` made of them, `(members, n, t, hidden)`.
            present: Which of the tokens are no padding, `(n, t)`.
        """
        shifted = torch.cat([torch.full_like(tokens[:, :1], END), tokens[:, :-1]], dim=1)
        written = self.writer(shifted, self.start(states, present))
        logits = self._logits(written, states, present)[:, present]
        target = tokens[present].expand(len(logits), -1)
        loss: Tensor = cross_entropy(logits.flatten(0, 1), target.flatten())
        return loss * len(logits)

    def start(self, states: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """The decoder's state and cell before it writes, `(members, n, hidden)` each."""
        rows = torch.arange(len(present), device=states.device)
        last = states[:, rows, present.sum(dim=1) - 1]
        return last, last

    def write(
        self, token: Tensor, state: Tensor, cell: Tensor, states: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What may follow a token: log probabilities `(members, n, n_tokens)`, and the next state and cell.

        Args:
            token: The token written last, `(n,)`; `END` at first.
            state: Of the decoder, `(members, n, hidden)`.
            cell: Of the decoder, `(members, n, hidden)`.
            states: Of the encoder, `(members, n, t, hidden)`.
            present: Which of these there are, `(n, t)`.
        """
        gates = torch.baddbmm(self.writer.table()[:, token], state, self.writer.of_state)
        state, cell = lstm_step(gates, cell)
        logits = self._logits(state[:, :, None], states, present)
        return logits[:, :, 0].log_softmax(dim=-1), state, cell

    def _logits(self, written: Tensor, states: Tensor, present: Tensor) -> Tensor:
        """From the decoder's states `(members, n, s, hidden)` and the encoder's, `(members, n, s, n_tokens)`."""
        attention = written @ states.transpose(2, 3)
        attention = attention.masked_fill(~present[:, None, :], -torch.inf).softmax(dim=-1)
        both = torch.cat([written, attention @ states], dim=-1)
        logits: Tensor = self.output(both.flatten(1, 2))
        return logits.view(*both.shape[:3], -1)
