"""NAOPredictor: architectures in a continuous space, where a better one is a step up the gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from predictors.architecture.base import Array
from predictors.architecture.inputs import Inputs, Rows
from predictors.architecture.nao_embedding import GraphEmbedding
from predictors.architecture.nao_network import NAOScorer
from predictors.architecture.sequence_ensemble import SequenceEnsemble
from predictors.graph import ArchGraph

IsMember = Callable[[ArchGraph], bool]


@dataclass(frozen=True)
class Improved:
    """What `NAOPredictor.improve` found.

    Attributes:
        graphs: For each architecture it began with, the new one that is predicted best among those decoded on the way
            up; where none is new, the best that is valid, and None where none is.
        valid: Share of all that was decoded that is a member of the space.
        new: Share of `graphs` that are isomorphic neither to an observation nor to each other.
    """

    graphs: list[ArchGraph | None]
    valid: float
    new: float


class NAOPredictor(SequenceEnsemble):
    """Encoder, performance head and decoder of NAO, trained jointly; a predictor and a way to move through the space.

    Luo et al., "Neural Architecture Optimization", NeurIPS 2018, sec. 3. An LSTM encodes a sequence as its states; a
    network on their mean predicts the value; an LSTM that attends to them writes the sequence again. The loss is
    `trade_off` times the prediction's plus `1 - trade_off` times the reconstruction's, as in eq. 4. Symmetric
    architectures share a value (sec. 3.3): each observation is read in several orders of its nodes.

    Departures: the members are an ensemble that each leave out their share of the observations, and they decode
    together, from all their states. `predict` asks encoders and heads of their own, which learn from canonical forms
    and without a decoder: how graphs are written, which the decoder has to know, does not count. Targets are normal
    scores, and the loss is the absolute error. The decoder learns from sequences drawn at random from the layout too,
    since these need no value, and writes only what has the layout of the graphs of `fit` (`TokenGrammar`). `improve`
    takes steps of one length, for the gradient's length says little.

    Args:
        members: Number of networks, at least 2.
        hidden: Width of embeddings and states.
        steps: Steps of the optimiser, on minibatches of 32 or, with many observations, an eighth of them up to 512;
            more where ten passes over the observations take more.
        trade_off: Weight of the prediction's loss, between 0 and 1.
        learning_rate: Highest learning rate of the cycle.
        ops: Operations to expect in `predict` besides those in `fit`; what they are worth is then a guess.
        device: Where to train and predict.
        random_state: Seed of all that is drawn.

    Attributes:
        embedding_: The fitted `GraphEmbedding`: jointly trained encoders, heads and decoders.
        digests_: Digests of the graphs of `fit`, sorted.
    """

    network_: NAOScorer
    embedding_: GraphEmbedding
    digests_: tuple[str, ...]

    def __init__(
        self,
        *,
        members: int = 3,
        hidden: int = 64,
        steps: int = 400,
        trade_off: float = 0.9,
        learning_rate: float = 0.01,
        ops: Sequence[str] = (),
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.members = members
        self.hidden = hidden
        self.steps = steps
        self.trade_off = trade_off
        self.learning_rate = learning_rate
        self.ops = ops
        self.device = device
        self.random_state = random_state

    def _fit_members(
        self, inputs: Inputs, scores: Array, noise: Array, seen: NDArray[np.bool_], rng: np.random.Generator
    ) -> Array:
        if not 0 <= self.trade_off <= 1:
            raise ValueError(f"`trade_off` must be between 0 and 1, but got {self.trade_off}.")
        raw = super()._fit_members(inputs, scores, noise, seen, rng)
        self.digests_ = tuple(sorted({graph.digest for graph in inputs.graphs}))
        self.embedding_ = GraphEmbedding(members=self.members, hidden=self.hidden, ops=self.ops).fit(
            inputs,
            self._tensor(scores),
            self._weights(seen, noise),
            trade_off=self.trade_off,
            train=lambda network, loss_of: self._minimise(network, loss_of, len(inputs), rng),
            rng=rng,
        )
        return raw

    def _network(self, n_columns: int, generator: torch.Generator) -> NAOScorer:
        return NAOScorer(
            self.encoder_, members=self.members, hidden=self.hidden, n_columns=n_columns, generator=generator
        )

    def encode(self, graphs: Sequence[ArchGraph]) -> Array:
        """The continuous embeddings of graphs, as they are written and not in canonical form.

        Returns:
            `(n, d)`, `d = members * t * hidden`, `t` the tokens of the longest graph of `fit`: each member's states,
            zero past the end of a sequence.

        Raises:
            GraphError: Naming an operation that `fit` has not seen.
            ValueError: When a graph is longer than any of `fit`.
        """
        check_is_fitted(self, "embedding_")
        return self.embedding_.encode(graphs)

    def decode(self, embeddings: Array, *, is_member: IsMember | None = None) -> list[ArchGraph | None]:
        """The graphs that the members together think most likely, token by token.

        Args:
            embeddings: `(n, d)`, as from `encode`.
            is_member: Whether a graph is a member of the space, where that takes more than the layout.

        Returns:
            `n` graphs, each of the layout of the graphs of `fit`; None where `is_member` says no.

        Raises:
            ValueError: When the embeddings are not of this predictor's shape.
        """
        check_is_fitted(self, "embedding_")
        graphs = self.embedding_.decode(embeddings)
        return [graph if is_member is None or is_member(graph) else None for graph in graphs]

    def improve(self, X: Rows, *, step: float = 0.2, steps: int = 10, is_member: IsMember | None = None) -> Improved:
        """Climbs from each architecture in the embedding, and decodes after each step.

        Args:
            X: Architectures to begin with; numbers that ride along stay as they are.
            step: Length of a step, against the typical length of a state.
            steps: Number of steps.
            is_member: As in `decode`.

        Raises:
            GraphError: Naming an operation that `fit` has not seen.
            ValueError: When a graph is longer than any of `fit`, or there is no step to take.
        """
        check_is_fitted(self, "embedding_")
        if steps < 1 or not step > 0:
            raise ValueError(f"`steps` must be at least 1 and `step` positive, but got {steps} and {step}.")
        inputs = self._read(X)
        if not len(inputs):
            return Improved([], 0.0, 0.0)
        found: list[list[ArchGraph | None]] = []
        embeddings = self.encode(inputs.graphs)
        for _ in range(steps):
            embeddings = self.embedding_.climb(embeddings, inputs.columns, step)
            found.append(self.decode(embeddings, is_member=is_member))
        paths = [list(dict.fromkeys(g for g in path if g is not None)) for path in zip(*found, strict=True)]
        owners = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
        candidates = Inputs([graph for path in paths for graph in path], inputs.columns[owners])
        scores = self._predict_scores(candidates)[0] if len(candidates) else np.empty(0)
        graphs, n_new = self._choose(candidates.graphs, owners, scores, len(paths))
        valid = sum(graph is not None for decoded in found for graph in decoded)
        return Improved(graphs, valid / (steps * len(paths)), n_new / len(paths))

    def _choose(
        self, candidates: list[ArchGraph], owners: NDArray[np.intp], scores: Array, n: int
    ) -> tuple[list[ArchGraph | None], int]:
        """For each of `n` architectures the best candidate, new where there is one; and how many are new."""
        taken = set(self.digests_)
        chosen: list[ArchGraph | None] = [None] * n
        fallback: list[ArchGraph | None] = [None] * n
        for k in np.argsort(-scores, kind="stable"):
            owner, graph = int(owners[k]), candidates[k]
            if fallback[owner] is None:
                fallback[owner] = graph
            if chosen[owner] is None and graph.digest not in taken:
                chosen[owner] = graph
                taken.add(graph.digest)
        n_new = sum(graph is not None for graph in chosen)
        return [new or old for new, old in zip(chosen, fallback, strict=True)], n_new
