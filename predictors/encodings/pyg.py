"""Graphs as PyTorch Geometric data. Imports torch_geometric: import this module late."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from numpy.typing import ArrayLike
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.data.data import BaseData

from predictors.encodings.dense import DenseEncoder
from predictors.graph import ArchGraph


def to_data(graph: ArchGraph, encoder: DenseEncoder, y: float | None = None) -> Data:
    """One graph, without the nodes that carry no signal.

    Args:
        graph: The architecture, read as it is: pass `graph.canonical()` for what is equal for isomorphic graphs.
        encoder: A fitted encoder, which makes the features of the nodes.
        y: Its value, if known.

    Returns:
        `x` `(nodes, d)`; `edge_index` `(2, edges)`, each pair of nodes once; `edge_weight` `(edges,)`, how often it is
        there; `y` `(1,)`.

    Raises:
        GraphError: As `DenseEncoder.transform`.
    """
    batch = encoder.transform([graph])
    live = batch.live[0]
    adjacency = batch.adjacency[0][live][:, live]
    edge_index = adjacency.nonzero().T.contiguous()
    data = Data(x=batch.features[0][live], edge_index=edge_index, edge_weight=adjacency[edge_index[0], edge_index[1]])
    data.num_nodes = int(live.sum())  # a graph may be without any
    if y is not None:
        data.y = torch.tensor([y], dtype=torch.float32)
    return data


class ArchDataset(InMemoryDataset):
    """Architectures in canonical form, with their values, for PyTorch Geometric's loaders and models.

    Args:
        graphs: `n` architectures, at least one.
        y: Their values, `(n,)`; None where not known.
        encoder: A fitted encoder; by default one that is fitted on these graphs.

    Raises:
        ValueError: When the lengths differ.

    Attributes:
        encoder: The encoder.
    """

    def __init__(
        self, graphs: Sequence[ArchGraph], y: ArrayLike | None = None, *, encoder: DenseEncoder | None = None
    ) -> None:
        super().__init__(None)
        canonical = [graph.canonical() for graph in graphs]
        self.encoder = DenseEncoder().fit(canonical) if encoder is None else encoder
        values = [None] * len(canonical) if y is None else torch.as_tensor(y, dtype=torch.float64).tolist()
        if len(values) != len(canonical):
            raise ValueError(f"`y` must have one value for each of the {len(canonical)} graphs, but has {len(values)}.")
        data = [to_data(graph, self.encoder, value) for graph, value in zip(canonical, values, strict=True)]
        self.data, self.slices = self.collate(data)

    @classmethod
    def save(cls, data_list: Sequence[BaseData], path: str) -> None:
        """Writes tensors and their names, without the class that PyTorch Geometric adds."""
        data, slices = cls.collate(data_list)
        torch.save((data.to_dict(), slices), path)

    def load(self, path: str, data_cls: type[BaseData] = Data) -> None:
        """Reads what `save` wrote. PyTorch Geometric's own falls back to unpickling whatever the file holds.

        Raises:
            pickle.UnpicklingError: When the file holds anything but tensors and names.
        """
        data, self.slices = torch.load(path, weights_only=True)
        self.data = data_cls.from_dict(data)
