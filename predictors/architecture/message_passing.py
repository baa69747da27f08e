"""The members of a graph network ensemble as one batched program."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from predictors.encodings.dense import DenseGraphs


@dataclass(frozen=True)
class LiveNodes:
    """The nodes of `n` graphs that carry signal, in one row each.

    Attributes:
        features: `(rows, d)`.
        graph: Each row's graph, `(rows,)`.
        messages: Sparse `(2 * rows, rows)`: what reaches each row along the edges, on top of what reaches it against
            them; a repeated edge counts as often as it is there.
        n: Number of graphs.
    """

    features: Tensor
    graph: Tensor
    messages: Tensor
    n: int

    @classmethod
    def of(cls, batch: DenseGraphs) -> LiveNodes:
        """Gathers the live nodes of a batch."""
        n, v = batch.live.shape
        place = batch.live.flatten().nonzero()[:, 0]
        rows = len(place)
        row = place.new_full((n * v,), -1)
        row[place] = torch.arange(rows, device=place.device)
        graph, tail, head = batch.adjacency.nonzero().unbind(1)
        times = batch.adjacency[graph, tail, head]
        tail, head = row[graph * v + tail], row[graph * v + head]
        kept = (tail >= 0) & (head >= 0)
        tail, head, times = tail[kept], head[kept], times[kept]
        messages = torch.sparse_coo_tensor(
            torch.stack([torch.cat([head, tail + rows]), torch.cat([tail, head])]),
            torch.cat([times, times]),
            (2 * rows, rows),
            check_invariants=False,
        ).coalesce()
        return cls(features=batch.features.flatten(0, 1)[place], graph=place // v, messages=messages, n=n)


class MessagePassingEnsemble(nn.Module):
    """Directed message passing networks that share their inputs and nothing else.

    Every weight has a leading axis, one slice per member, so that all members run as one program. A round adds to each
    node's state `relu(state W + sum over predecessors V + sum over successors U + b)`: separate weights for the node
    itself, with the edges and against them. The state is then scaled down to a root mean square below 1, so that a
    node with many neighbours does not outshout the rest. Only nodes that carry signal have a state. The score of a
    graph is a linear function of the sum of its nodes' states, plus a small network of the numbers beside it.

    Args:
        members: Number of networks.
        n_features: Features of a node.
        hidden: Width of a node's state.
        rounds: Rounds of messages.
        n_columns: Numbers that ride along with a graph.
        generator: Where initial weights come from.
    """

    def __init__(
        self,
        *,
        members: int,
        n_features: int,
        hidden: int,
        rounds: int,
        n_columns: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()

        def weights(*shape: int, fan_in: int) -> nn.Parameter:
            drawn = torch.rand(members, *shape, generator=generator)
            return nn.Parameter((2.0 * drawn - 1.0) * sqrt(1.0 / fan_in))

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
        members, _, hidden = self.embedding.shape
        rows = len(live.features)
        # (rows, members, hidden) in memory: one sparse product brings the messages of all members.
        state = torch.einsum("rd,mdh->rmh", live.features, self.embedding)
        for own, along, against, bias in zip(self.own, self.along, self.against, self.bias, strict=True):
            received = torch.sparse.mm(live.messages, state.flatten(1)).view(2, rows, members, hidden).transpose(1, 2)
            out = torch.baddbmm(bias, state.transpose(0, 1), own)
            out = torch.baddbmm(out, received[0], along)
            out = torch.baddbmm(out, received[1], against)
            state = state + out.relu().transpose(0, 1)
            state = state * torch.rsqrt(state.square().mean(dim=-1, keepdim=True) + 1.0)
        each = torch.bmm(state.transpose(0, 1), self.head)[..., 0]
        scores = each.new_zeros(members, live.n).index_add(1, live.graph, each)
        return scores if columns is None else scores + self.beside(columns)

    def beside(self, columns: Tensor) -> Tensor:
        """What the numbers beside `n` graphs add to their scores, `(members, n)`."""
        if not columns.shape[1]:
            return columns.new_zeros(len(self.embedding), len(columns))
        curve = torch.relu(columns @ self.columns + self.columns_bias) @ self.columns_head
        return (curve + columns @ self.columns_line)[..., 0]
