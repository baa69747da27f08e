"""The members of a graph network ensemble as one batched program."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from predictors.encodings.dense import DenseGraphs


@dataclass(frozen=True)
class LiveNodes:
    """The nodes of a batch that carry signal, in one row each.

    Attributes:
        features: `(rows, d)`.
        place: Each row's place among the `n * v` nodes of the batch, `(rows,)`.
        graph: Each row's graph, `(rows,)`.
        messages: `(n, 2v, v)`: the adjacency, for messages along the edges, on top of its transpose.
    """

    features: Tensor
    place: Tensor
    graph: Tensor
    messages: Tensor

    @classmethod
    def of(cls, batch: DenseGraphs) -> LiveNodes:
        """Gathers the live nodes of a batch."""
        place = batch.live.flatten().nonzero()[:, 0]
        adjacency = batch.adjacency
        return cls(
            features=batch.features.flatten(0, 1)[place],
            place=place,
            graph=place // batch.live.shape[1],
            messages=torch.cat([adjacency.transpose(1, 2), adjacency], dim=1),
        )


class MessagePassingEnsemble(nn.Module):
    """Directed message passing networks that share their inputs and nothing else.

    Every weight has a leading axis, one slice per member, so that all members run as one program. A round adds to each
    node's state `relu(state W + sum over predecessors V + sum over successors U + b)`: separate weights for the node
    itself, with the edges and against them. Only nodes that carry signal have a state. The score of a graph is a
    linear function of the sum of its nodes' states.

    Args:
        members: Number of networks.
        n_features: Features of a node.
        hidden: Width of a node's state.
        rounds: Rounds of messages.
        n_columns: Numbers that ride along with a graph.
        generator: Where initial weights come from.
    """

    def __init__(
        self, *, members: int, n_features: int, hidden: int, rounds: int, n_columns: int, generator: torch.Generator
    ) -> None:
        super().__init__()

        def weights(*shape: int, fan_in: int) -> nn.Parameter:
            drawn = torch.rand(members, *shape, generator=generator)
            return nn.Parameter((2.0 * drawn - 1.0) * sqrt(1.0 / fan_in))

        self.hidden = hidden
        self.embedding = weights(n_features, hidden, fan_in=1)
        self.own = nn.ParameterList(weights(hidden, hidden, fan_in=hidden) for _ in range(rounds))
        self.along = nn.ParameterList(weights(hidden, hidden, fan_in=hidden) for _ in range(rounds))
        self.against = nn.ParameterList(weights(hidden, hidden, fan_in=hidden) for _ in range(rounds))
        self.bias = nn.ParameterList(nn.Parameter(torch.zeros(members, 1, hidden)) for _ in range(rounds))
        self.head = weights(hidden, 1, fan_in=hidden)
        if n_columns:
            self.columns = weights(n_columns, hidden, fan_in=n_columns)
            self.columns_bias = nn.Parameter(torch.zeros(members, 1, hidden))
            self.columns_head = weights(hidden, 1, fan_in=hidden)
            self.columns_line = nn.Parameter(torch.zeros(members, n_columns, 1))

    def forward(self, live: LiveNodes, columns: Tensor | None = None) -> Tensor:
        """Scores of `n` graphs with `(n, n_columns)` numbers beside them, `(members, n)`."""
        n, v = live.messages.shape[0], live.messages.shape[2]
        members = len(self.embedding)
        rows = len(live.place)
        # (rows, members, hidden) in memory: one matrix product per graph serves all members.
        state = torch.einsum("rd,mdh->rmh", live.features, self.embedding)
        above = live.place + v * live.graph  # rows of `messages` go n x 2v
        for own, along, against, bias in zip(self.own, self.along, self.against, self.bias, strict=True):
            padded = state.new_zeros(n * v, members * self.hidden).index_copy(0, live.place, state.flatten(1))
            received = (live.messages @ padded.view(n, v, -1)).flatten(0, 1)
            forth = received[above].view(rows, members, self.hidden).transpose(0, 1)
            back = received[above + v].view(rows, members, self.hidden).transpose(0, 1)
            out = torch.baddbmm(bias, state.transpose(0, 1), own)
            out = torch.baddbmm(out, forth, along)
            out = torch.baddbmm(out, back, against)
            state = state + out.relu().transpose(0, 1)
        each = torch.bmm(state.transpose(0, 1), self.head)[..., 0]
        scores = each.new_zeros(members, n).index_add(1, live.graph, each)
        if columns is not None and columns.shape[1]:
            beside = torch.relu(columns @ self.columns + self.columns_bias) @ self.columns_head
            scores = scores + (beside + columns @ self.columns_line)[..., 0]
        return scores
