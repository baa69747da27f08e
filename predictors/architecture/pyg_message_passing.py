"""The same ensemble as PyTorch Geometric layers. Imports torch_geometric: import this module late."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import MessagePassing

from predictors.architecture.message_passing import MessagePassingEnsemble


class DirectedConv(MessagePassing):
    """One round of messages along the edges and against them, for all members at once.

    Args:
        own: Weights of a node's own state, `(members, hidden, hidden)`.
        along: Weights of what comes along the edges, likewise.
        against: Weights of what comes against them, likewise.
        bias: `(members, 1, hidden)`.
    """

    def __init__(self, own: nn.Parameter, along: nn.Parameter, against: nn.Parameter, bias: nn.Parameter) -> None:
        super().__init__(aggr="add", node_dim=0)
        self.own, self.along, self.against, self.bias = own, along, against, bias

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor) -> Tensor:
        """New states, `(nodes, members, hidden)` from states of the same shape."""
        forth = self.propagate(edge_index, x=x, edge_weight=edge_weight)
        back = self.propagate(edge_index.flip(0), x=x, edge_weight=edge_weight)
        out = self.bias[:, 0]
        for state, weights in ((x, self.own), (forth, self.along), (back, self.against)):
            out = out + torch.einsum("nmh,mhk->nmk", state, weights)
        state = x + out.relu()
        return state * torch.rsqrt(state.square().mean(dim=-1, keepdim=True) + 1.0)

    def message(self, x_j: Tensor, edge_weight: Tensor) -> Tensor:
        """A repeated edge brings its state as often as it is there."""
        return x_j * edge_weight[:, None, None]


class PyGMessagePassingEnsemble(nn.Module):
    """`MessagePassingEnsemble` on sparse edges of any number of nodes, with the same weights and equal outputs.

    Args:
        ensemble: Where the weights are; they are shared, not copied.
    """

    def __init__(self, ensemble: MessagePassingEnsemble) -> None:
        super().__init__()
        self.ensemble = ensemble
        layers = zip(ensemble.own, ensemble.along, ensemble.against, ensemble.bias, strict=True)
        self.convs = nn.ModuleList(DirectedConv(*weights) for weights in layers)

    def forward(self, data: Data, columns: Tensor | None = None) -> Tensor:
        """Scores of a PyG batch of `n` graphs with `(n, n_columns)` numbers beside them, `(members, n)`."""
        x = torch.einsum("nd,mdh->nmh", data.x, self.ensemble.embedding)
        for conv in self.convs:
            x = conv(x, data.edge_index, data.edge_weight)
        each = torch.einsum("nmh,mh->mn", x, self.ensemble.head[..., 0])
        n = 1 if data.batch is None else data.num_graphs
        graph = torch.zeros(len(x), dtype=torch.long, device=x.device) if data.batch is None else data.batch
        scores = each.new_zeros(len(each), n).index_add(1, graph, each)
        return scores if columns is None else scores + self.ensemble.beside(columns)
