from __future__ import annotations

import torch
from torch_geometric.loader import DataLoader

from predictors.architecture.message_passing import LiveNodes, MessagePassingEnsemble
from predictors.architecture.pyg_message_passing import PyGMessagePassingEnsemble
from predictors.encodings.dense import DenseEncoder
from predictors.encodings.pyg import ArchDataset
from predictors.graph import ArchGraph
from tests.predictors.architecture.graphs import OPS, cell, random_cells

CHAIN = ArchGraph(ops=("input", *["nor_conv_3x3"] * 300, "output"), edges=tuple((k, k + 1) for k in range(301)))
DOUBLE = cell("nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "none", "none")
DEAD = cell(*["none"] * 6)
TWO_CELLS = ArchGraph(
    ops=("input", "nor_conv_1x1", "output", "input", "avg_pool_3x3", "output"),
    edges=((0, 1), (1, 2), (3, 4), (3, 5), (4, 5)),
    cell=(0, 0, 0, 1, 1, 1),
)


def ensemble(encoder: DenseEncoder, n_columns: int = 0) -> MessagePassingEnsemble:
    made = MessagePassingEnsemble(
        members=3,
        n_features=encoder.n_features,
        hidden=16,
        rounds=3,
        n_columns=n_columns,
        generator=torch.Generator().manual_seed(0),
    )
    with torch.no_grad():
        for bias in made.bias:
            bias.uniform_(-1.0, 1.0, generator=torch.Generator().manual_seed(1))
    return made


def test_outputs_and_gradients_equal_those_of_the_dense_program() -> None:
    graphs = [*random_cells(12), DOUBLE, DEAD, CHAIN, TWO_CELLS]
    canonical = [graph.canonical() for graph in graphs]
    encoder = DenseEncoder((*OPS, "add")).fit(canonical)
    dense, columns = ensemble(encoder, 2), torch.randn(16, 2, generator=torch.Generator().manual_seed(2))
    batch = next(iter(DataLoader(ArchDataset(graphs, encoder=encoder), batch_size=16)))
    expected = dense(LiveNodes.of(encoder.transform(canonical)), columns)
    found = PyGMessagePassingEnsemble(dense)(batch, columns)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    weights = torch.linspace(-1.0, 1.0, 16)
    gradients = [torch.autograd.grad((weights * out).sum(), list(dense.parameters())) for out in (expected, found)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_one_graph_needs_no_batch_and_weights_are_shared() -> None:
    dataset = ArchDataset([DOUBLE])
    dense = ensemble(dataset.encoder)
    sparse = PyGMessagePassingEnsemble(dense)
    before = sparse(dataset[0])
    assert before.shape == (3, 1)
    with torch.no_grad():
        dense.head.mul_(2.0)
    torch.testing.assert_close(sparse(dataset[0]), 2.0 * before)
