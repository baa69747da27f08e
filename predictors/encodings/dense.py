"""Padded batch tensors of graphs, for dense message passing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from predictors.encodings.flow import FLOW, flow
from predictors.graph import CONCAT, IDENTITY_OPS, NONE_OPS, OUTPUT, ArchGraph, GraphError, is_input


@dataclass(frozen=True)
class DenseGraphs:
    """A batch of `n` graphs, padded to the `v` nodes of the largest.

    Attributes:
        features: One-hot operation, one-hot cell index, standardised attributes and place in the flow
            (`predictors.encodings.flow`, up to about 1) of each node, float32 `(n, v, d)`; zero on nodes that carry no
            signal.
        adjacency: Number of edges from node i to node j, float32 `(n, v, v)`.
        live: Which nodes carry signal (`ArchGraph.live`), bool `(n, v)`.
        nodes: Which nodes are not padding, bool `(n, v)`.
    """

    features: Tensor
    adjacency: Tensor
    live: Tensor
    nodes: Tensor

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice | Tensor) -> DenseGraphs:
        """The graphs at a slice or at an index tensor."""
        return DenseGraphs(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self, device: str | torch.device) -> DenseGraphs:
        """The batch on a device."""
        return DenseGraphs(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


class DenseEncoder:
    """Turns graphs into `DenseGraphs`.

    Args:
        ops: Operations to know besides those in the graphs of `fit`.

    Attributes:
        ops_: The operations known, sorted; each is a column of the features.
        n_cells_: Cells of the graphs of `fit`; a column each where there are several.
        attributes_: Name, mean and standard deviation of each attribute over the nodes of `fit`, sorted by name.
        flow_: Largest value of each feature of `flow` in `fit`.
    """

    ops_: tuple[str, ...]
    n_cells_: int
    attributes_: tuple[tuple[str, float, float], ...]
    flow_: tuple[float, ...]

    def __init__(self, ops: Sequence[str] = ()) -> None:
        self.ops = ops

    def fit(self, graphs: Sequence[ArchGraph]) -> Self:
        """Learns the vocabulary and the scale of attributes and of the flow.

        Raises:
            GraphError: When there is no graph, or some but not all have an attribute.
        """
        self.fit_transform(graphs)
        return self

    def fit_transform(self, graphs: Sequence[ArchGraph]) -> DenseGraphs:
        """Learns from graphs, as `fit`, and encodes them."""
        if not graphs:
            raise GraphError("an encoder needs at least one graph, but got none.")
        self.ops_ = tuple(sorted({*self.ops, *chain.from_iterable(graph.ops for graph in graphs)}))
        self.n_cells_ = 1 + max(graph.cells[-1] for graph in graphs)
        names = sorted({name for graph in graphs for name, _ in graph.attributes})
        scaled = []
        for name in names:
            values = np.concatenate([_attribute(graph, name) for graph in graphs])
            scaled.append((name, float(values.mean()), float(values.std()) or 1.0))
        self.attributes_ = tuple(scaled)
        self.flow_ = (1.0,) * len(FLOW)
        batch = self.transform(graphs)
        flow_features = batch.features[..., -len(FLOW) :]
        self.flow_ = tuple(float(x) or 1.0 for x in flow_features.amax(dim=(0, 1)))
        flow_features /= torch.tensor(self.flow_)
        return batch

    @property
    def n_features(self) -> int:
        """Number of features of a node."""
        return len(self.ops_) + (self.n_cells_ if self.n_cells_ > 1 else 0) + len(self.attributes_) + len(FLOW)

    def transform(self, graphs: Sequence[ArchGraph]) -> DenseGraphs:
        """Encodes graphs, on the CPU.

        Raises:
            GraphError: Naming an operation that `fit` has not seen, a missing attribute, or a cell too many.
        """
        sizes = np.fromiter((len(graph.ops) for graph in graphs), dtype=np.intp, count=len(graphs))
        n, v = len(graphs), int(sizes.max(initial=0))
        nodes = np.arange(v) < sizes[:, None]
        ops = np.zeros((n, v), dtype=np.intp)
        ops[nodes] = self._op_indices(graphs)
        adjacency = _adjacency(graphs, v)
        live = nodes & self._live(ops, nodes, adjacency)
        features = np.zeros((n, v, self.n_features), dtype=np.float32)
        np.put_along_axis(features, ops[..., None], 1.0, axis=2)
        self._put_cells_and_attributes(features, graphs, nodes)
        features[..., -len(FLOW) :] = self._flow(ops, adjacency, live) / np.array(self.flow_, dtype=np.float32)
        features *= live[..., None]
        arrays = (features, adjacency, live, nodes)
        return DenseGraphs(*map(torch.from_numpy, arrays))

    def _op_indices(self, graphs: Sequence[ArchGraph]) -> list[int]:
        index = {op: k for k, op in enumerate(self.ops_)}
        try:
            return [index[op] for graph in graphs for op in graph.ops]
        except KeyError as error:
            known = ", ".join(self.ops_)
            raise GraphError(f"unknown operation {error.args[0]!r}; the encoder was fitted on: {known}.") from None

    def _put_cells_and_attributes(
        self, features: NDArray[np.float32], graphs: Sequence[ArchGraph], nodes: NDArray[np.bool_]
    ) -> None:
        column = len(self.ops_)
        cells = np.fromiter(chain.from_iterable(graph.cells for graph in graphs), dtype=np.intp)
        if cells.max(initial=0) >= self.n_cells_:
            raise GraphError(f"a graph has {cells.max() + 1} cells, but the encoder was fitted on {self.n_cells_}.")
        if self.n_cells_ > 1:
            features[(*np.nonzero(nodes), column + cells)] = 1.0
            column += self.n_cells_
        for name, mean, scale in self.attributes_:
            values = np.concatenate([_attribute(graph, name) for graph in graphs]) if graphs else np.empty(0)
            features[nodes, column] = (values - mean) / scale
            column += 1

    def _flow(
        self, ops: NDArray[np.intp], adjacency: NDArray[np.float32], live: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        inputs = np.array([is_input(op) for op in self.ops_])[ops]
        outputs = np.array([op == OUTPUT for op in self.ops_])[ops]
        silent = np.array([op in IDENTITY_OPS or op == CONCAT for op in self.ops_])[ops]
        return flow(adjacency, live, ~(inputs | outputs | silent), inputs, outputs)

    def _live(
        self, ops: NDArray[np.intp], nodes: NDArray[np.bool_], adjacency: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """`ArchGraph.live` of a whole batch: one step per node instead of one per node and graph."""

        def where(flags: list[bool]) -> NDArray[np.bool_]:
            return np.asarray(np.array(flags)[ops] & nodes)

        passes = where([op not in NONE_OPS for op in self.ops_])
        forward, backward = where([is_input(op) for op in self.ops_]), where([op == OUTPUT for op in self.ops_])
        linked = adjacency > 0
        v = ops.shape[1]
        for k in range(v):
            forward[:, k] |= passes[:, k] & (forward & linked[:, :, k]).any(axis=1)
        for k in reversed(range(v)):
            backward[:, k] |= passes[:, k] & (backward & linked[:, k, :]).any(axis=1)
        return np.asarray(forward & backward)


def _adjacency(graphs: Sequence[ArchGraph], v: int) -> NDArray[np.float32]:
    owners = np.repeat(np.arange(len(graphs)), [len(graph.edges) for graph in graphs])
    ends: NDArray[Any] = np.fromiter(
        chain.from_iterable(chain.from_iterable(graph.edges for graph in graphs)), dtype=np.intp
    ).reshape(-1, 2)
    flat = (owners * v + ends[:, 0]) * v + ends[:, 1]
    counts = np.bincount(flat, minlength=len(graphs) * v * v)
    return counts.reshape(len(graphs), v, v).astype(np.float32)


def _attribute(graph: ArchGraph, name: str) -> tuple[float, ...]:
    values = graph.attribute(name)
    if values is None:
        raise GraphError(f"a graph lacks the attribute {name!r}, which others have.")
    return values
