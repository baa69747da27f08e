"""The continuous space of neural architecture optimization: graphs as states of LSTMs, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from predictors.architecture.inputs import Inputs
from predictors.architecture.nao_network import NAONetwork
from predictors.architecture.sequence_ensemble import SPELLINGS, absolute_error, spellings
from predictors.encodings.grammar import Place, TokenGrammar
from predictors.encodings.tokens import END, TokenBatch, TokenEncoder
from predictors.graph import CONCAT, SUM, ArchGraph
from predictors.threads import single_torch_thread

Array = NDArray[np.float64]

_DRAWN = 1024
"""Sequences of the layout, without a value, that the decoder learns from beside the observations."""


class GraphEmbedding:
    """Encoder, performance head and decoder, trained jointly on graphs as they are written.

    Args:
        members: Number of networks.
        hidden: Width of embeddings and states.
        ops: Operations to know besides those in `fit`.

    Attributes:
        encoder_: The fitted `TokenEncoder`.
        grammar_: The fitted `TokenGrammar`.
        network_: The trained members.
        length_: Tokens of the longest graph of `fit`.
    """

    encoder_: TokenEncoder
    grammar_: TokenGrammar
    network_: NAONetwork
    length_: int

    def __init__(self, *, members: int, hidden: int, ops: Sequence[str]) -> None:
        self.members = members
        self.hidden = hidden
        self.ops = ops

    def fit(
        self,
        inputs: Inputs,
        scores: Tensor,
        weights: Tensor,
        *,
        trade_off: float,
        train: Callable[[NAONetwork, Callable[[Tensor], Tensor]], None],
        rng: np.random.Generator,
    ) -> Self:
        """Learns to encode, score and decode.

        Args:
            inputs: The `n` observations.
            scores: Their normal scores, `(n,)`, on the device to train on.
            weights: What each counts for in each member, on average 1, `(members, n)`.
            trade_off: Weight of the prediction's loss against that of the reconstruction, between 0 and 1.
            train: Trains a network, given the loss of a minibatch as a function of its rows.
            rng: Source of all chance.
        """
        graphs, n, device = inputs.graphs, len(inputs), scores.device
        self.encoder_ = TokenEncoder((*self.ops, SUM, CONCAT)).fit(graphs)
        self.grammar_ = TokenGrammar(self.encoder_).fit(graphs)
        self.network_ = NAONetwork(
            self.encoder_,
            members=self.members,
            hidden=self.hidden,
            n_columns=inputs.columns.shape[1],
            generator=torch.Generator().manual_seed(int(rng.integers(2**63))),
        ).to(device)
        columns = self._tensor(inputs.columns)
        # First the observations in each spelling, then what is drawn; the decoder skips the spellings in between.
        spelled = [self.encoder_.encode(graph) for graph in spellings(graphs, rng)]
        texts = _batch([*spelled, *(self.grammar_.sample(rng) for _ in range(_DRAWN))]).to(device)
        self.length_ = max(map(len, spelled))

        def loss_of(rows: Tensor) -> Tensor:
            k = len(rows)
            read = rows + n * torch.from_numpy(rng.integers(SPELLINGS, size=k)).to(rows)
            written = torch.from_numpy(rng.integers(n + _DRAWN, size=k)).to(rows)
            written += (written >= n) * (SPELLINGS - 1) * n
            batch = texts[torch.cat([read, written])]
            states, present = self.network_.encode(batch)
            predicted = self.network_.score(states[:, :k], present[:k], columns[rows])
            error = absolute_error(predicted, scores[rows], weights[:, rows])
            reconstruction = self.network_.reconstruction_loss(batch.tokens[k:], states[:, k:], present[k:])
            return trade_off * error + (1.0 - trade_off) * reconstruction

        with single_torch_thread():
            train(self.network_, loss_of)
        return self

    def encode(self, graphs: Sequence[ArchGraph]) -> Array:
        """As `NAOPredictor.encode`."""
        if not graphs:
            return np.empty((0, self.members * self.length_ * self.hidden))
        batch = self.encoder_.transform(graphs)
        if batch.tokens.shape[1] > self.length_:
            raise ValueError(
                f"`graphs` must have at most {self.length_} tokens, as those of `fit`, but one has "
                f"{batch.tokens.shape[1]}."
            )
        with single_torch_thread(), torch.no_grad():
            states, _ = self.network_.encode(batch.to(self._device))
        return _flat(pad(states, (0, 0, 0, self.length_ - states.shape[2])))

    def decode(self, embeddings: Array) -> list[ArchGraph]:
        """As `NAOPredictor.decode`, whether they are members or not."""
        if not len(embeddings):
            return []
        states, present = self._states(embeddings)
        with single_torch_thread(), torch.no_grad():
            return [self.encoder_.decode(tokens) for tokens in self._write(states, present)]

    def climb(self, embeddings: Array, columns: Array, step: float) -> Array:
        """One step up each member's own prediction: the same for all states of a sequence, whose mean it reads."""
        states, present = self._states(embeddings)
        with single_torch_thread():
            states.requires_grad_()
            scores = self.network_.score(states, present, self._tensor(columns))
            (gradient,) = torch.autograd.grad(scores.sum(), states)
            with torch.no_grad():
                typical = states.norm(dim=-1).sum(dim=-1) / present.sum(dim=-1)
                uphill = gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-12)
                states = states + step * typical[..., None, None] * uphill * present[..., None]
        return _flat(states)

    def _write(self, states: Tensor, present: Tensor) -> list[list[int]]:
        sequences: list[list[int]] = [[] for _ in present]
        places = [Place() for _ in present]
        token = torch.full((len(present),), END, device=present.device)
        state, cell = self.network_.start(states, present)
        unfinished = list(range(len(present)))
        while unfinished:
            logits, state, cell = self.network_.write(token, state, cell, states, present)
            likely = logits.mean(dim=0).cpu().numpy()
            for k in unfinished:
                allowed = self.grammar_.allowed(places[k])
                chosen = allowed[int(np.argmax(likely[k, allowed]))]
                sequences[k].append(chosen)
                places[k] = self.grammar_.advance(places[k], chosen)
                token[k] = chosen
            unfinished = [k for k in unfinished if sequences[k][-1] != END]
        return sequences

    def _states(self, embeddings: Array) -> tuple[Tensor, Tensor]:
        """The members' states, `(members, n, length_, hidden)`, and which there are, `(n, length_)`."""
        shape = (self.members, self.length_, self.hidden)
        if embeddings.ndim != 2 or embeddings.shape[1] != np.prod(shape):
            raise ValueError(f"`embeddings` must be (n, {np.prod(shape)}), but have shape {embeddings.shape}.")
        states = self._tensor(embeddings).view(-1, *shape).transpose(0, 1)
        present = (states != 0).any(dim=3).any(dim=0)
        present[:, 0] = True
        return states, present

    @property
    def _device(self) -> torch.device:
        return next(self.network_.parameters()).device

    def _tensor(self, array: Array) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self._device)


def _batch(sequences: Sequence[Sequence[int]]) -> TokenBatch:
    tokens = pad_sequence([torch.tensor(tokens) for tokens in sequences], batch_first=True, padding_value=END)
    return TokenBatch(tokens, torch.tensor([len(tokens) for tokens in sequences]))


def _flat(states: Tensor) -> Array:
    """Embeddings `(n, d)` of states `(members, n, length, hidden)`."""
    return np.asarray(states.detach().transpose(0, 1).flatten(1).cpu().double().numpy())
