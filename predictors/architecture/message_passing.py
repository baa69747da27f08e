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
        forth: Sparse `(rows, rows)`: what reaches each row along the edges; a repeated edge counts as often as it is
            there.
        back: The same against them.
        n: Number of graphs.
    """

    features: Tensor
    graph: Tensor
    forth: Tensor
    back: Tensor
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
        by_head = head.argsort(stable=True)
        return cls(
            features=batch.features.flatten(0, 1)[place],
            graph=place // v,
            forth=_sorted_sparse(head[by_head], tail[by_head], times[by_head], rows),
            back=_sorted_sparse(tail, head, times, rows),
            n=n,
        )


def _sorted_sparse(i: Tensor, j: Tensor, values: Tensor, n: int) -> Tensor:
    """A sparse matrix `(n, n)` of entries that are unique and sorted already."""
    indices = torch.stack([i, j])
    return torch.sparse_coo_tensor(indices, values, (n, n), is_coalesced=True, check_invariants=False)


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
        # States are (rows, members, hidden) in memory: one sparse product brings the messages of all members.
        state = (live.features @ self.embedding).transpose(0, 1).contiguous()
        sent = live.features[:, None]  # the first states are linear in the features, which all members share
        for k, bias in enumerate(self.bias):
            own, along, against = (
                self.embedding @ each[0] if k == 0 else each[k] for each in (self.own, self.along, self.against)
            )
            out = torch.baddbmm(bias, _by_member(sent, members), own)
            for edges, weights in ((live.forth, along), (live.back, against)):
                received = torch.sparse.mm(edges, sent.flatten(1)).view_as(sent)
                out.baddbmm_(_by_member(received, members), weights)
            state = state + out.relu_().transpose(0, 1)
            state = state * torch.rsqrt(torch.linalg.vector_norm(state, dim=-1, keepdim=True).square() / hidden + 1.0)
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
