"""What the ensembles of sequence networks share: reading canonical forms, and training on minibatches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from predictors.architecture.base import Array
from predictors.architecture.ensemble import CalibratedEnsemble
from predictors.architecture.inputs import Inputs
from predictors.architecture.training import enough_steps, minimise
from predictors.encodings.tokens import TokenBatch, TokenEncoder
from predictors.graph import CONCAT, OUTPUT, SUM, ArchGraph, is_input
from predictors.threads import single_torch_thread

_LEAST, _MOST = 32, 512
"""Sequences of a minibatch: an eighth of them, within these bounds."""
SPELLINGS = 4
"""Orders of its nodes in which each observation is read in training."""
_CHUNK = {"cpu": 512, "cuda": 8192}
"""Sequences scored at once."""


class SequenceEnsemble(CalibratedEnsemble):
    """Base of the ensembles of networks that read an architecture's canonical form as a sequence of tokens.

    All members train as one batched program, by AdamW (Loshchilov and Hutter, ICLR 2019) on minibatches with a
    one-cycle learning rate (Smith and Topin, 2019).

    The loss is the absolute error of normal scores. In training a form is read in several orders of its nodes, after
    Luo et al., "Neural Architecture Optimization", NeurIPS 2018, sec. 3.3; in prediction, in its own. A subclass
    implements `_network`, and stores the arguments named here.

    Attributes:
        network_: The trained members; called with a `TokenBatch` and numbers `(n, k)` beside it, it gives scores
            `(members, n)`.
        encoder_: The fitted `TokenEncoder`.
    """

    hidden: int
    steps: int
    learning_rate: float
    ops: Sequence[str]
    device: str
    network_: nn.Module
    encoder_: TokenEncoder

    @abstractmethod
    def _network(self, n_columns: int, generator: torch.Generator) -> nn.Module:
        """The untrained members."""

    def _fit_members(
        self, inputs: Inputs, scores: Array, noise: Array, seen: NDArray[np.bool_], rng: np.random.Generator
    ) -> Array:
        self._require_at_least(hidden=1, steps=1)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        # A canonical form may have sums and concatenations where those of `fit` have none.
        read = spellings([graph.canonical() for graph in inputs.graphs], rng)
        self.encoder_ = TokenEncoder((*self.ops, SUM, CONCAT)).fit(read)
        self.network_ = self._network(inputs.columns.shape[1], generator).to(self.device)
        sequences, columns = self.encoder_.transform(read).to(self.device), self._tensor(inputs.columns)
        targets, weights = self._tensor(scores), self._weights(seen, noise)
        n = len(inputs)

        def loss_of(rows: Tensor) -> Tensor:
            spelling = torch.from_numpy(rng.integers(SPELLINGS, size=len(rows))).to(rows)
            predicted = self.network_(sequences[rows + n * spelling], columns[rows])
            return absolute_error(predicted, targets[rows], weights[:, rows])

        self._minimise(self.network_, loss_of, n, rng)
        return self._raw(inputs)

    def _weights(self, seen: NDArray[np.bool_], noise: Array) -> Tensor:
        """What each observation counts for in each member, on average 1, `(members, n)`."""
        weights = seen / (1.0 + noise**2)
        return self._tensor(weights / np.maximum(weights.mean(axis=1, keepdims=True), 1e-12))

    def _minimise(
        self, network: nn.Module, loss_of: Callable[[Tensor], Tensor], n: int, rng: np.random.Generator
    ) -> None:
        """Trains a network, given the loss of a minibatch of the `n` observations as a function of its rows."""
        size = max(_LEAST, min(n // 8, _MOST))
        with single_torch_thread():
            minimise(
                network,
                loss_of,
                n,
                batch_size=size,
                steps=enough_steps(self.steps, n, size),
                learning_rate=self.learning_rate,
                rng=rng,
            )

    def _tensor(self, array: Array) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    def _encode(self, inputs: Inputs) -> tuple[TokenBatch, Tensor]:
        sequences = self.encoder_.transform([graph.canonical() for graph in inputs.graphs])
        return sequences.to(self.device), self._tensor(inputs.columns)

    def _raw(self, inputs: Inputs) -> Array:
        """The members' scores as the loss left them, `(members, n)`."""
        sequences, columns = self._encode(inputs)
        chunk = _CHUNK.get(torch.device(self.device).type, 1024)
        parts = []
        with single_torch_thread(), torch.no_grad():
            for start in range(0, len(sequences), chunk):
                rows = slice(start, start + chunk)
                parts.append(self.network_(sequences[rows], columns[rows]).cpu().double().numpy())
        return np.concatenate(parts, axis=1)


def absolute_error(predicted: Tensor, scores: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean absolute error of each member, `(members, n)`, summed over members: each learns as if alone."""
    return (weights * (predicted - scores).abs()).mean(dim=1).sum()


def spellings(graphs: list[ArchGraph], rng: np.random.Generator) -> list[ArchGraph]:
    """The graphs as they are, then all of them in another order, and so on: symmetric architectures share a value."""
    return graphs + [reordered(graph, rng) for _ in range(SPELLINGS - 1) for graph in graphs]


def reordered(graph: ArchGraph, rng: np.random.Generator) -> ArchGraph:
    """The same graph with its operations in a random order that is valid too; inputs and outputs keep their places."""
    before, cells = graph.predecessors(), graph.cells
    inner = [k for k, op in enumerate(graph.ops) if op != OUTPUT and not is_input(op)]
    position = {k: k for k in range(graph.n_nodes) if k not in inner}
    for slot in inner:
        ready = [
            k for k in inner if k not in position and cells[k] == cells[slot] and all(i in position for i in before[k])
        ]
        position[ready[rng.integers(len(ready))]] = slot
    order = sorted(position, key=position.__getitem__)
    return ArchGraph(
        ops=tuple(graph.ops[k] for k in order),
        edges=tuple((position[i], position[j]) for i, j in graph.edges),
        attributes=tuple((name, tuple(column[k] for k in order)) for name, column in graph.attributes),
        cell=graph.cell,
    )
