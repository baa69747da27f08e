"""The members of a graph network ensemble as one batched program."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn

from predictors.encodings.dense import DenseGraphs


@dataclass(frozen=True)
class Arrivals:
    """What reaches each of some rows, the edges into one row side by side.

    Attributes:
        source: The row that each edge comes from, `(edges,)`.
        first: Each row's first edge, `(rows,)`.
        times: How often an edge is there, `(edges,)`.
    """

    source: Tensor
    first: Tensor
    times: Tensor

    @classmethod
    def of(cls, source: Tensor, target: Tensor, times: Tensor, rows: int) -> Arrivals:
        """Sorts edges by the row that they lead to."""
        order = target.argsort(stable=True)
        many = torch.bincount(target, minlength=rows)
        return cls(source[order], many.cumsum(0) - many, times[order])

    def sum(self, states: Tensor) -> Tensor:
        """The sum of what reaches each row, of the shape of `states`, `(rows, ...)`."""
        # Faster than a sparse product, forwards and backwards: nothing is set to zero first.
        flat = states.flatten(1)
        return nn.functional.embedding_bag(
            self.source, flat, self.first, mode="sum", per_sample_weights=self.times
        ).view_as(states)


@dataclass(frozen=True)
class LiveNodes:
    """The nodes of `n` graphs that carry signal, in one row each.

    Attributes:
        features: `(rows, d)`.
        graph: Each row's graph, `(rows,)`.
        forth: What reaches each row along the edges.
        back: What reaches it against them.
        n: Number of graphs.
    """

    features: Tensor
    graph: Tensor
    forth: Arrivals
    back: Arrivals
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
        return cls(
            features=batch.features.flatten(0, 1)[place],
            graph=place // v,
            forth=Arrivals.of(tail, head, times, rows),
            back=Arrivals.of(head, tail, times, rows),
            n=n,
        )


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
        # States are (rows, members, hidden) in memory: one sum brings the messages of all members.
        state = (live.features @ self.embedding.transpose(0, 1).flatten(1)).view(-1, members, hidden)
        sent = live.features[:, None]  # the first states are linear in the features, which all members share
        # Where no gradient asks for earlier states, each takes the place of the one before: new memory costs time.
        place = None if torch.is_grad_enabled() else state
        for k, bias in enumerate(self.bias):
            own, along, against = (
                self.embedding @ each[0] if k == 0 else each[k] for each in (self.own, self.along, self.against)
            )
            out = torch.baddbmm(bias, _by_member(sent, members), own)
            for arrivals, weights in ((live.forth, along), (live.back, against)):
                out.baddbmm_(_by_member(arrivals.sum(sent), members), weights)
            state = torch.add(state, out.relu_().transpose(0, 1), out=place)
            scale = torch.rsqrt(torch.linalg.vector_norm(state, dim=-1, keepdim=True).square() / hidden + 1.0)
            state = torch.mul(state, scale, out=place)
            sent = state
        pooled = state.new_zeros(live.n, members * hidden).index_add(0, live.graph, state.flatten(1))
        scores = torch.bmm(pooled.view(live.n, members, hidden).transpose(0, 1), self.head)[..., 0]
        return scores if columns is None else scores + self.beside(columns)

    def beside(self, columns: Tensor) -> Tensor:
        """What the numbers beside `n` graphs add to their scores, `(members, n)`."""
        if not columns.shape[1]:
            return columns.new_zeros(len(self.embedding), len(columns))
        curve = torch.relu(columns @ self.columns + self.columns_bias) @ self.columns_head
        return (curve + columns @ self.columns_line)[..., 0]


def _by_member(rows: Tensor, members: int) -> Tensor:
    """`(members, rows, d)` of `(rows, members, d)`, or of `(rows, 1, d)` that the members share."""
    return rows.expand(-1, members, -1).transpose(0, 1)
