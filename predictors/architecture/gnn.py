"""GNNEnsemble: directed graph networks that learn to rank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from math import ceil, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from predictors.architecture.base import ArchitecturePredictor, Array
from predictors.architecture.calibration import Calibration
from predictors.architecture.error_law import HeldOut
from predictors.architecture.inputs import Inputs
from predictors.architecture.message_passing import LiveNodes, MessagePassingEnsemble
from predictors.architecture.ranking import pair_weights, pairwise_hinge
from predictors.architecture.training import minimise
from predictors.encodings.dense import DenseEncoder, DenseGraphs
from predictors.graph import CONCAT, SUM
from predictors.threads import single_torch_thread

_MARGIN = 0.2
_CHUNK = {"cpu": 128, "cuda": 8192}
"""Graphs scored at once: what fits a CPU's cache, or fills a GPU."""


class GNNEnsemble(ArchitecturePredictor):
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
        random_state: Seed of the initial weights and of the shares left out.

    Attributes:
        network_: The trained `MessagePassingEnsemble`.
        encoder_: The fitted `DenseEncoder`.
        calibration_: The fitted `Calibration`.
    """

    network_: MessagePassingEnsemble
    encoder_: DenseEncoder
    calibration_: Calibration

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

    def _fit_scores(self, inputs: Inputs, scores: Array, noise: Array) -> HeldOut:
        self._require_at_least(members=2, hidden=1, rounds=0, steps=1, batch_size=2)
        rng = np.random.default_rng(self.random_state)
        # A canonical form may have sums and concatenations where those of `fit` have none.
        self.encoder_ = DenseEncoder((*self.ops, SUM, CONCAT)).fit([graph.canonical() for graph in inputs.graphs])
        self.network_ = MessagePassingEnsemble(
            members=self.members,
            n_features=self.encoder_.n_features,
            n_columns=inputs.columns.shape[1],
            hidden=self.hidden,
            rounds=self.rounds,
            generator=torch.Generator().manual_seed(int(rng.integers(2**63))),
        ).to(self.device)
        shares = rng.permutation(len(inputs)) % self.members
        held_out = shares == np.arange(self.members)[:, None]
        batch = self._encode(inputs)
        with single_torch_thread():
            self._train(batch, scores, noise, ~held_out, rng)
        raw = self._raw(batch)
        self.calibration_ = Calibration.fit(raw, held_out, scores, noise)
        return self.calibration_.held_out(raw, held_out)

    def _train(
        self,
        batch: tuple[DenseGraphs, Tensor],
        scores: Array,
        noise: Array,
        seen: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> None:
        def tensor(array: NDArray[np.generic]) -> Tensor:
            return torch.as_tensor(array, dtype=torch.float32, device=self.device)

        graphs, columns = batch[0].to(self.device), batch[1].to(self.device)
        target, deviation, seen_by = tensor(scores), tensor(noise), tensor(seen)
        n = len(target)
        steps = max(ceil(self.steps * sqrt(max(n / self.batch_size, 1.0))), 2)
        prepared: tuple[LiveNodes, Tensor, Tensor] | None = None

        def loss_of(rows: NDArray[np.intp]) -> Tensor:
            nonlocal prepared
            if prepared is None or len(rows) < n:  # a batch of everything is the same every time
                at = torch.as_tensor(rows, device=self.device)
                pairs = pair_weights(target[at], deviation[at])
                both = seen_by[:, at, None] * seen_by[:, None, at]
                prepared = LiveNodes.of(graphs[at]), columns[at], pairs * both
            live, beside, weights = prepared
            return pairwise_hinge(self.network_(live, beside), weights, _MARGIN)

        batches = islice(_minibatches(n, self.batch_size, rng), steps)
        minimise(self.network_, loss_of, batches, steps=steps, learning_rate=self.learning_rate)

    def _encode(self, inputs: Inputs) -> tuple[DenseGraphs, Tensor]:
        graphs = self.encoder_.transform([graph.canonical() for graph in inputs.graphs])
        return graphs, torch.as_tensor(inputs.columns, dtype=torch.float32)

    def _raw(self, batch: tuple[DenseGraphs, Tensor]) -> Array:
        """The members' scores as the loss left them, `(members, n)`."""
        graphs, columns = batch
        parts = []
        chunk = _CHUNK.get(torch.device(self.device).type, 1024)
        with single_torch_thread(), torch.no_grad():
            for start in range(0, len(columns), chunk):
                part = LiveNodes.of(graphs[start : start + chunk].to(self.device))
                beside = columns[start : start + chunk].to(self.device)
                parts.append(self.network_(part, beside).cpu().double().numpy())
        return np.concatenate(parts, axis=1)

    def _predict_scores(self, inputs: Inputs) -> tuple[Array, Array]:
        return self.calibration_.moments(self._raw(self._encode(inputs)))

    def _sample_scores(self, inputs: Inputs, n: int, rng: np.random.Generator) -> Array:
        return self.calibration_.sample(self._raw(self._encode(inputs)), inputs, n, rng)


def _minibatches(n: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Rows of one batch after another, without end: all rows where they fit, else shuffled anew at every pass."""
    while True:
        order = rng.permutation(n) if n > size else np.arange(n)
        for start in range(0, max(n - size, 0) + 1, size):
            yield order[start : start + size]
