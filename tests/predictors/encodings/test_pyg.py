from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import InMemoryDataset
from torch_geometric.loader import DataLoader
from torch_geometric.utils import contains_isolated_nodes, is_undirected

from predictors.encodings.dense import DenseEncoder
from predictors.encodings.pyg import ArchDataset, to_data
from predictors.graph import ArchGraph
from tests.predictors.architecture.graphs import OPS, cell, random_cells

TWICE = ArchGraph(ops=("input", "a", "b", "none", "output"), edges=((0, 1), (0, 2), (1, 4), (1, 4), (2, 3), (3, 4)))


def test_only_live_nodes_and_repeated_edges_once_with_their_weight() -> None:
    data = to_data(TWICE, DenseEncoder().fit([TWICE]), y=2.5)
    data.validate(raise_on_error=True)
    assert data.num_nodes == 3
    assert data.edge_index.tolist() == [[0, 1], [1, 2]]
    assert data.edge_weight.tolist() == [1.0, 2.0]
    assert data.y.tolist() == [2.5]
    assert not is_undirected(data.edge_index)
    assert not contains_isolated_nodes(data.edge_index, data.num_nodes)


def test_it_is_an_in_memory_dataset() -> None:
    graphs = random_cells(10)
    y = np.arange(10.0)
    dataset = ArchDataset(graphs, y, encoder=DenseEncoder((*OPS, "add")).fit([g.canonical() for g in graphs]))
    assert isinstance(dataset, InMemoryDataset)
    assert len(dataset) == 10
    assert dataset.num_features == dataset.encoder.n_features
    assert [float(data.y) for data in dataset] == y.tolist()
    assert len(dataset[[1, 3]]) == 2
    batch = next(iter(DataLoader(dataset, batch_size=10)))
    assert batch.num_graphs == 10
    assert batch.num_nodes == sum(sum(graph.canonical().live) for graph in graphs)
    again = to_data(graphs[4].canonical(), dataset.encoder, 4.0)
    for key, value in again.to_dict().items():
        assert torch.equal(torch.as_tensor(dataset[4][key]), torch.as_tensor(value))


def test_a_graph_without_signal_has_no_nodes() -> None:
    dataset = ArchDataset([cell(*["none"] * 6), *random_cells(2)])
    batch = next(iter(DataLoader(dataset, batch_size=3)))
    assert dataset[0].num_nodes == 0
    assert batch.num_graphs == 3


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="`y` must have one value for each of the 2 graphs, but has 3"):
        ArchDataset(random_cells(2), [1.0, 2.0, 3.0])


def test_a_saved_dataset_comes_back(tmp_path: Path) -> None:
    graphs, file = random_cells(5), str(tmp_path / "cells.pt")
    dataset, other = ArchDataset(graphs, np.arange(5.0)), ArchDataset(graphs[:1])
    ArchDataset.save(list(dataset), file)
    other.load(file)
    assert len(other) == 5
    for found, expected in zip(other, dataset, strict=True):
        assert found.to_dict().keys() == expected.to_dict().keys()
        assert all(torch.equal(torch.as_tensor(found[key]), torch.as_tensor(expected[key])) for key in found.to_dict())


class Touches:
    """Something that makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_file_from_elsewhere_runs_nothing(tmp_path: Path) -> None:
    dataset, mark = ArchDataset(random_cells(2)), tmp_path / "mark"
    torch.save((Touches(mark), {}), tmp_path / "forged.pt")
    with pytest.raises(pickle.UnpicklingError):
        dataset.load(str(tmp_path / "forged.pt"))
    assert not mark.exists()
    torch.load(tmp_path / "forged.pt", weights_only=False)
    assert mark.exists()  # the file does what a careless reader would let it do
