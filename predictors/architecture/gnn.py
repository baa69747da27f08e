"""GNNEnsemble: directed graph networks that learn to rank."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from predictors.architecture.base import Array
from predictors.architecture.ensemble import CalibratedEnsemble
from predictors.architecture.inputs import Inputs
from predictors.architecture.message_passing import LiveNodes, MessagePassingEnsemble
from predictors.architecture.ranking import pair_weights, pairwise_hinge
from predictors.architecture.training import minimise
from predictors.encodings.dense import DenseEncoder, DenseGraphs
from predictors.graph import CONCAT, SUM
from predictors.threads import single_torch_thread

_MARGIN = 0.2
_ROWS = {"cpu": 2048, "cuda": 65536}
"""Nodes scored at once: what fits a CPU's cache, or fills a GPU."""
_CELLS = 1 << 22
"""Of adjacency matrices that are encoded at once."""


class GNNEnsemble(CalibratedEnsemble):
    """An ensemble of directed message passing networks, trained to rank and calibrated on what it has not seen.

    Graphs are read in canonical form, so isomorphic ones get the same prediction. All members train as one batched
    program, on the pairs of large batches: a pairwise hinge on the order of the values, AdamW (Loshchilov and Hutter,
    ICLR 2019) and a one-cycle learning rate (Smith and Topin, 2019). Each member leaves out its share of the
    observations. What the members say about those gives the scores, which a ranking loss leaves without scale, a mean
    and, with their disagreement, a standard deviation.

    Args:
        members: Number of networks, at least 2.
        hidden: Width of a node's state.
        rounds: Rounds of messages.
        steps: Steps of the optimiser on one batch of observations; on `b` batches, `sqrt(b)` times as many.
        batch_size: Observations whose pairs a step compares.
        learning_rate: Highest learning rate of the cycle.
        ops: Operations to expect in `predict` besides those in `fit`; what they are worth is then a guess.
        device: Where to train and predict.
        random_state: Seed of the initial weights, of the shares left out and of the minibatches.

    Attributes:
        network_: The trained `MessagePassingEnsemble`.
        encoder_: The fitted `DenseEncoder`.
    """

    network_: MessagePassingEnsemble
    encoder_: DenseEncoder

    def __init__(
        self,
        *,
        members: int = 10,
        hidden: int = 32,
        rounds: int = 3,
        steps: int = 200,
        batch_size: int = 512,
        learning_rate: float = 1e-2,
        ops: Sequence[str] = (),
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.members = members
        self.hidden = hidden
        self.rounds = rounds
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.ops = ops
        self.device = device
        self.random_state = random_state

    def _fit_members(
        self, inputs: Inputs, scores: Array, noise: Array, seen: NDArray[np.bool_], rng: np.random.Generator
    ) -> Array:
        self._require_at_least(hidden=1, rounds=0, steps=1, batch_size=2)
        # A canonical form may have sums and concatenations where those of `fit` have none.
        self.encoder_ = DenseEncoder((*self.ops, SUM, CONCAT))
        graphs = self.encoder_.fit_transform([graph.canonical() for graph in inputs.graphs])
        self.network_ = MessagePassingEnsemble(
            members=self.members,
            n_features=self.encoder_.n_features,
            n_columns=inputs.columns.shape[1],
            hidden=self.hidden,
            rounds=self.rounds,
            generator=torch.Generator().manual_seed(int(rng.integers(2**63))),
        ).to(self.device)
        columns = self._tensor(inputs.columns)
        with single_torch_thread():
            self._train(graphs, columns, self._tensor(scores), self._tensor(noise), self._tensor(seen), rng)
            return self._score(graphs) + self._beside(columns)

    def _train(
        self,
        graphs: DenseGraphs,
        columns: Tensor,
        scores: Tensor,
        noise: Tensor,
        seen: Tensor,
        rng: np.random.Generator,
    ) -> None:
        n = len(scores)
        graphs = graphs.to(self.device)
        prepared: tuple[LiveNodes, Tensor, Tensor] | None = None

        def loss_of(rows: Tensor) -> Tensor:
            nonlocal prepared
            if prepared is None or len(rows) < n:  # a batch of everything is the same every time
                both = seen[:, rows, None] * seen[:, None, rows]
                pairs = pair_weights(scores[rows], noise[rows]) * both
                prepared = LiveNodes.of(graphs[rows]), columns[rows], pairs
            live, beside, pairs = prepared
            return pairwise_hinge(self.network_(live, beside), pairs, _MARGIN)

        minimise(
            self.network_,
            loss_of,
            n,
            batch_size=self.batch_size,
            steps=ceil(self.steps * sqrt(max(n / self.batch_size, 1.0))),
            learning_rate=self.learning_rate,
            rng=rng,
        )

    def _raw(self, inputs: Inputs) -> Array:
        # Isomorphic graphs share a canonical form, which is scored once. Large graphs are encoded with large ones.
        forms = {graph.canonical(): 0 for graph in inputs.graphs}
        graphs = sorted(forms, key=lambda graph: -graph.n_nodes)
        forms.update(zip(graphs, range(len(graphs)), strict=True))
        scores = np.empty((self.members, len(graphs)))
        start = 0
        with single_torch_thread():
            while start < len(graphs):
                rows = slice(start, start + max(1, _CELLS // graphs[start].n_nodes ** 2))
                scores[:, rows] = self._score(self.encoder_.transform(graphs[rows]))
                start = rows.stop
            beside = self._beside(self._tensor(inputs.columns))
        return scores[:, [forms[graph.canonical()] for graph in inputs.graphs]] + beside

    @torch.no_grad()
    def _score(self, graphs: DenseGraphs) -> Array:
        """What the members make of encoded graphs alone, `(members, n)`."""
        at_once = max(1, _ROWS.get(torch.device(self.device).type, 8192) // graphs.nodes.shape[1])
        parts = [
            self.network_(LiveNodes.of(graphs[start : start + at_once].to(self.device))).cpu().double().numpy()
            for start in range(0, len(graphs), at_once)
        ]
        return np.concatenate(parts, axis=1)

    @torch.no_grad()
    def _beside(self, columns: Tensor) -> Array:
        """What the members make of the numbers beside graphs, `(members, n)`."""
        return np.asarray(self.network_.beside(columns).cpu().double().numpy())

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)
