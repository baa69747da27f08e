from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from predictors.architecture.calibration import Calibration
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.inputs import Described
from predictors.architecture.message_passing import LiveNodes, MessagePassingEnsemble
from predictors.architecture.ranking import pair_weights, pairwise_hinge
from predictors.encodings.dense import DenseEncoder, DenseGraphs
from predictors.graph import ArchGraph, GraphError
from tests.predictors.architecture.graphs import OPS, cell, random_cells, relabelled, values

ENCODER = DenseEncoder(OPS).fit(random_cells(5))


def network(seed: int = 0, members: int = 3) -> MessagePassingEnsemble:
    return MessagePassingEnsemble(
        members=members,
        n_features=ENCODER.n_features,
        hidden=16,
        rounds=3,
        n_columns=0,
        generator=torch.Generator().manual_seed(seed),
    )


def member_by_member(ensemble: MessagePassingEnsemble, batch: DenseGraphs) -> Tensor:
    """The same networks as the paper formula, one member, one graph and one node at a time."""
    scores = torch.zeros(len(ensemble.embedding), len(batch))
    for m, g in np.ndindex(*scores.shape):
        alive = [int(k) for k in batch.live[g].nonzero()[:, 0]]
        state = {k: batch.features[g, k] @ ensemble.embedding[m] for k in alive}
        for own, along, against, bias in zip(
            ensemble.own, ensemble.along, ensemble.against, ensemble.bias, strict=True
        ):
            new = {}
            for k in alive:
                out = state[k] @ own[m] + bias[m, 0]
                for i in alive:
                    out = out + batch.adjacency[g, i, k] * state[i] @ along[m]
                    out = out + batch.adjacency[g, k, i] * state[i] @ against[m]
                new[k] = state[k] + out.relu()
                new[k] = new[k] / (1.0 + new[k].square().mean()).sqrt()
            state = new
        scores[m, g] = sum((state[k] @ ensemble.head[m])[0] for k in alive)
    return scores


def test_the_batched_program_is_the_loop_over_members() -> None:
    double = cell("nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "none", "none").canonical()
    batch = ENCODER.transform([*random_cells(6), double, cell(*["none"] * 6)])
    ensemble = network()
    with torch.no_grad():
        for bias in ensemble.bias:
            bias.uniform_(-1.0, 1.0, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(
            ensemble(LiveNodes.of(batch)), member_by_member(ensemble, batch), rtol=1e-4, atol=1e-4
        )


def test_members_learn_as_if_alone() -> None:
    batch, ensemble = ENCODER.transform(random_cells(8)), network()
    weights = pair_weights(torch.arange(8.0), torch.zeros(8)).expand(3, 8, 8).clone()
    weights[1] = 0.0
    pairwise_hinge(ensemble(LiveNodes.of(batch)), weights, 0.2).backward()
    for parameter in ensemble.parameters():
        assert parameter.grad is not None
        assert not parameter.grad[1].any()
    assert ensemble.head.grad is not None
    assert ensemble.head.grad[0].any()
    assert ensemble.head.grad[2].any()


def test_relabelling_and_padding_change_nothing() -> None:
    graphs, ensemble = random_cells(12), network()
    long = ArchGraph(ops=("input", *["nor_conv_3x3"] * 12, "output"), edges=tuple((k, k + 1) for k in range(13)))
    with torch.no_grad():
        expected = ensemble(LiveNodes.of(ENCODER.transform(graphs)))
        assert expected.std(dim=1).min() > 0
        same = ensemble(LiveNodes.of(ENCODER.transform([relabelled(graph, 3) for graph in graphs])))
        torch.testing.assert_close(same, expected, rtol=1e-4, atol=1e-4)
        longer = ensemble(LiveNodes.of(ENCODER.transform([*graphs, long])))
        torch.testing.assert_close(longer[:, :12], expected, rtol=1e-4, atol=1e-4)


def test_where_nothing_carries_signal_there_is_no_score() -> None:
    scores = network()(LiveNodes.of(ENCODER.transform([cell(*["none"] * 6)] * 2)))
    assert scores.tolist() == [[0.0, 0.0]] * 3


def test_direction_matters() -> None:
    ops = ("input", "nor_conv_1x1", "nor_conv_3x3", "output")
    edges = ((0, 1), (1, 2), (2, 3))
    there, back = ArchGraph(ops=ops, edges=edges), ArchGraph(ops=(ops[0], ops[2], ops[1], ops[3]), edges=edges)
    with torch.no_grad():
        scores = network()(LiveNodes.of(ENCODER.transform([there, back])))
    assert (scores[:, 0] - scores[:, 1]).abs().min() > 1e-4


def test_pair_weights_are_how_sure_the_order_is() -> None:
    weights = pair_weights(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 2.0]))
    sure = 2.0 * norm.cdf(1.0 / 2.0) - 1.0
    np.testing.assert_allclose(weights, [[0.0, 1.0, sure], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], atol=1e-6)


def test_the_hinge_is_the_mean_shortfall_of_pairs() -> None:
    predicted = torch.tensor([[0.5, 0.4, 0.0], [0.0, 0.0, 0.0]])
    weights = pair_weights(torch.tensor([3.0, 2.0, 1.0]), torch.zeros(3)).expand(2, 3, 3)
    assert pairwise_hinge(predicted, weights, 0.2).item() == pytest.approx(0.1 / 3 + 0.2)


def test_calibration_recovers_a_noisy_line() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    predicted = 10.0 * (truth + 0.3 * rng.normal(size=(5, 4000))) + 3.0
    held_out = np.arange(4000) % 5 == np.arange(5)[:, None]
    mean, std = Calibration.fit(predicted, held_out, truth, np.zeros(4000)).moments(predicted)
    assert np.corrcoef(mean, truth)[0, 1] > 0.98
    assert mean.std() == pytest.approx(1.0, abs=0.1)
    assert 0.10 < std.mean() < 0.45  # the five members' mean errs by 0.13, one member by 0.3


def test_an_operation_it_has_not_seen_must_be_expected() -> None:
    graphs = [graph for graph in random_cells(60) if "nor_conv_3x3" not in graph.ops]
    new = [cell(*["nor_conv_3x3"] * 6)]
    with pytest.raises(GraphError, match="unknown operation 'nor_conv_3x3'"):
        GNNEnsemble(steps=5, random_state=0).fit(graphs, values(graphs)).predict(new)
    gnn = GNNEnsemble(steps=5, ops=OPS, random_state=0).fit(graphs, values(graphs))
    assert np.isfinite(gnn.predict(new)).all()


def test_what_is_scored_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = random_cells(40)
    found = GNNEnsemble(steps=5, random_state=0).fit(graphs, values(graphs))
    expected = found.predict_scores(graphs)
    monkeypatch.setattr("predictors.architecture.gnn._CELLS", 100)
    monkeypatch.setattr("predictors.architecture.gnn._ROWS", {"cpu": 1})
    np.testing.assert_allclose(found.predict_scores(graphs), expected, rtol=1e-4, atol=1e-5)


def test_an_architecture_is_scored_once_whatever_stands_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = random_cells(20)
    rows = [Described(graph, (("size", float(k)),)) for k, graph in enumerate(graphs)]
    found = GNNEnsemble(steps=5, random_state=0).fit(rows, values(graphs))
    encoded: list[ArchGraph] = []

    def spy(self: DenseEncoder, graphs: Sequence[ArchGraph]) -> DenseGraphs:
        encoded.extend(graphs)
        return transform(self, graphs)

    transform = DenseEncoder.transform
    monkeypatch.setattr(DenseEncoder, "transform", spy)
    twice = [rows[0], Described(relabelled(graphs[0], 1), rows[0].columns), Described(graphs[0], (("size", 9.0),))]
    scores, _ = found.predict_scores(twice)
    assert encoded == [graphs[0].canonical()]
    assert scores[0] == scores[1] != scores[2]


def test_sums_and_concatenations_are_always_known() -> None:
    def merged(*edges: tuple[int, int]) -> ArchGraph:
        ops = ("input_0", "input_1", "a", "b", "add", "concat", "output")
        return ArchGraph(ops=ops, edges=(*edges, (0, 2), (1, 3), (5, 6)))

    plain = [merged((2, 5)), merged((3, 5))]  # the concatenation of one thing, contracted in the canonical form
    gnn = GNNEnsemble(steps=5, random_state=0).fit([*plain, merged((2, 5), (3, 5))], [1.0, 2.0, 3.0])
    assert np.isfinite(gnn.predict([merged((2, 4), (3, 4), (4, 5), (2, 5))])).all()


@pytest.mark.parametrize(("name", "lowest"), [("members", 2), ("hidden", 1), ("rounds", 0), ("steps", 1)])
def test_bad_arguments_are_named(name: str, lowest: int) -> None:
    graphs = random_cells(4)
    with pytest.raises(ValueError, match=f"`{name}` must be at least {lowest}, but got {lowest - 1}"):
        GNNEnsemble(**{name: lowest - 1}).fit(graphs, values(graphs))


def test_the_least_arguments_work() -> None:
    graphs = random_cells(6)
    gnn = GNNEnsemble(members=2, hidden=1, rounds=0, steps=1, ops=OPS, random_state=0).fit(graphs, values(graphs))
    assert np.isfinite(gnn.predict(graphs)).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_predicts_what_the_cpu_does() -> None:
    graphs = random_cells(30)
    cpu = GNNEnsemble(steps=20, random_state=0).fit(graphs, values(graphs))
    gpu = GNNEnsemble(steps=20, random_state=0, device="cuda").fit(graphs, values(graphs))
    np.testing.assert_allclose(gpu.predict_scores(graphs)[0], cpu.predict_scores(graphs)[0], atol=0.05)
