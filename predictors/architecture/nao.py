"""NAOPredictor: architectures in a continuous space, where a better one is a step up the gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from predictors.architecture.base import Array
from predictors.architecture.inputs import Inputs, Rows
from predictors.architecture.nao_network import NAONetwork
from predictors.architecture.sequence_ensemble import SequenceEnsemble, absolute_error
from predictors.encodings.grammar import Place, TokenGrammar
from predictors.encodings.tokens import END
from predictors.graph import OUTPUT, ArchGraph, is_input
from predictors.threads import single_torch_thread

_SPELLINGS = 4
"""Orders of its nodes in which each observation is read, the user's own among them."""
_DRAWN = 1024
"""Sequences of the layout, without a value, that the decoder learns from beside the observations."""

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
    together, from all their states. A prediction is made from the canonical form, so isomorphic graphs get the same
    one, and in normal scores, with the absolute error for loss. The decoder learns from sequences drawn at random from
    the layout too, since these need no value, and writes only what has the layout of the graphs of `fit`
    (`TokenGrammar`). `improve` takes steps of one length, for the gradient's length says little.

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
        grammar_: The fitted `TokenGrammar`.
        length_: Tokens of the longest graph of `fit`.
        digests_: Digests of the graphs of `fit`, sorted.
    """

    grammar_: TokenGrammar
    length_: int
    digests_: tuple[str, ...]
    network_: NAONetwork

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
        self.digests_ = tuple(sorted({graph.digest for graph in inputs.graphs}))
        return super()._fit_members(inputs, scores, noise, seen, rng)

    def _vocabulary(self, inputs: Inputs) -> list[ArchGraph]:
        return [*super()._vocabulary(inputs), *inputs.graphs]

    def _network(self, n_columns: int, generator: torch.Generator) -> NAONetwork:
        return NAONetwork(
            self.encoder_, members=self.members, hidden=self.hidden, n_columns=n_columns, generator=generator
        )

    def _objective(
        self, inputs: Inputs, scores: Tensor, weights: Tensor, rng: np.random.Generator
    ) -> Callable[[Tensor], Tensor]:
        self.grammar_ = TokenGrammar(self.encoder_).fit(inputs.graphs)
        canonical, columns = self._encode(inputs)
        spelled = [
            inputs.graphs if k == 0 else [reordered(graph, rng) for graph in inputs.graphs] for k in range(_SPELLINGS)
        ]
        spellings = self.encoder_.transform([graph for graphs in spelled for graph in graphs]).to(self.device)
        drawn = [self.encoder_.decode(self.grammar_.sample(rng)) for _ in range(_DRAWN)]
        written = self.encoder_.transform([*inputs.graphs, *drawn]).to(self.device)
        self.length_ = int(spellings.lengths.max())

        def loss_of(rows: Tensor) -> Tensor:
            def drawn_rows(below: int) -> Tensor:
                return torch.from_numpy(rng.integers(below, size=len(rows))).to(rows)

            spelling = spellings[rows + len(inputs) * drawn_rows(_SPELLINGS)]
            errors = [
                absolute_error(self.network_(batch, columns[rows]), scores[rows], weights[:, rows])
                for batch in (canonical[rows], spelling)
            ]
            reconstruction = self.network_.reconstruction_loss(written[drawn_rows(len(written))])
            return self.trade_off * torch.stack(errors).mean() + (1.0 - self.trade_off) * reconstruction

        return loss_of

    def encode(self, graphs: Sequence[ArchGraph]) -> Array:
        """The continuous embeddings of graphs, as they are written and not in canonical form.

        Returns:
            `(n, d)`, `d = members * length_ * hidden`: each member's states, zero past the end of a sequence.

        Raises:
            GraphError: Naming an operation that `fit` has not seen.
            ValueError: When a graph is longer than any of `fit`.
        """
        check_is_fitted(self, "network_")
        if not graphs:
            return np.empty((0, self.members * self.length_ * self.hidden))
        batch = self.encoder_.transform(graphs).to(self.device)
        if batch.tokens.shape[1] > self.length_:
            raise ValueError(
                f"`graphs` must have at most {self.length_} tokens, as those of `fit`, but one has "
                f"{batch.tokens.shape[1]}."
            )
        with single_torch_thread(), torch.no_grad():
            states, _ = self.network_.encode(batch)
        return _flat(torch.nn.functional.pad(states, (0, 0, 0, self.length_ - states.shape[2])))

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
        check_is_fitted(self, "network_")
        if not len(embeddings):
            return []
        states, present = self._states(embeddings)
        with single_torch_thread(), torch.no_grad():
            graphs = [self.encoder_.decode(tokens) for tokens in self._write(states, present)]
        return [graph if is_member is None or is_member(graph) else None for graph in graphs]

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
        check_is_fitted(self, "network_")
        if steps < 1 or not step > 0:
            raise ValueError(f"`steps` must be at least 1 and `step` positive, but got {steps} and {step}.")
        inputs = self._read(X)
        if not len(inputs):
            return Improved([], 0.0, 0.0)
        found: list[list[ArchGraph | None]] = []
        embeddings = self.encode(inputs.graphs)
        for _ in range(steps):
            embeddings = self._climb(embeddings, inputs.columns, step)
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

    def _climb(self, embeddings: Array, columns: Array, step: float) -> Array:
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

    def _states(self, embeddings: Array) -> tuple[Tensor, Tensor]:
        """The members' states, `(members, n, length_, hidden)`, and which there are, `(n, length_)`."""
        shape = (self.members, self.length_, self.hidden)
        if embeddings.ndim != 2 or embeddings.shape[1] != np.prod(shape):
            raise ValueError(f"`embeddings` must be (n, {np.prod(shape)}), but have shape {embeddings.shape}.")
        states = self._tensor(embeddings).view(-1, *shape).transpose(0, 1)
        present = (states != 0).any(dim=3).any(dim=0)
        present[:, 0] = True
        return states, present


def _flat(states: Tensor) -> Array:
    """Embeddings `(n, d)` of states `(members, n, length, hidden)`."""
    return np.asarray(states.detach().transpose(0, 1).flatten(1).cpu().double().numpy())


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
