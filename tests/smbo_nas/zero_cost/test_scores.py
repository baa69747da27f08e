from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from predictors.architecture import GraphGP
from predictors.graph import ArchGraph
from smbo_nas.networks import count_flops, count_parameters
from smbo_nas.spaces.nasbench201 import NASBench201Space
from smbo_nas.zero_cost import SCORES, describe, zero_cost_scores
from tests.smbo_nas.networks.helpers import one_cell, seeded
from tests.smbo_nas.networks.test_spaces import SPACES, sizes

SMALL = {"skeleton": "nasbench201", "num_classes": 3, "channels": 4, "cells_per_stage": 1}
SPACE = NASBench201Space()


def minibatch(*shape: int, n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, *shape, generator=generator), torch.arange(n) % 3


def scores_of(graph: ArchGraph, seed: int = 0, **options) -> dict[str, float]:
    (described,) = describe([graph], *minibatch(3, 8, 8), seed=seed, **{**SMALL, **options})
    return dict(described.columns)


def build(**options):
    space = SPACES["nasbench201"]
    with seeded():
        graph = space.graph(space.sample(np.random.default_rng(5)))
        return space.build(graph, input_shape=(3, 8, 8), num_classes=3, channels=4, cells_per_stage=1, **options)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 7)], ids=str)
def test_every_space_has_finite_scores(name, shape) -> None:
    space = SPACES[name]
    rng = np.random.default_rng(1)
    graphs = [space.graph(space.sample(rng)) for _ in range(2)]
    for described in describe(
        graphs, *minibatch(*shape), skeleton=space.skeleton, num_classes=3, device="cpu", **sizes(space)
    ):
        assert {k for k, _ in described.columns} == set(SCORES)
        assert all(math.isfinite(value) for _, value in described.columns), described


def test_counts_are_those_of_the_network() -> None:
    network = build()
    scores = zero_cost_scores(network, *minibatch(3, 8, 8), names=["flops", "parameters"])
    assert scores == {"flops": count_flops(network, (3, 8, 8)), "parameters": count_parameters(network)}


def test_scores_come_alone_and_in_the_order_asked_for() -> None:
    network, batch = build(), minibatch(3, 8, 8)
    together = zero_cost_scores(network, *batch)
    assert list(together) == list(SCORES)
    for name in SCORES:
        assert zero_cost_scores(network, *batch, names=[name]) == {name: together[name]}


@pytest.mark.parametrize("mode", [True, False])
def test_the_network_and_global_random_state_are_untouched(mode) -> None:
    network = build()
    network.train(mode)
    network.stem.train(not mode)
    next(network.parameters()).requires_grad_(requires_grad=False)
    modes = [module.training for module in network.modules()]
    frozen = [parameter.requires_grad for parameter in network.parameters()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images, labels = minibatch(3, 8, 8)
    kept = images.clone()
    with seeded():
        state = torch.random.get_rng_state()
        zero_cost_scores(network, images, labels)
        scores_of(one_cell("input", "conv_3x3", "output", edges=[(0, 1), (1, 2)]))
        assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(images, kept)
    assert [module.training for module in network.modules()] == modes
    assert [parameter.requires_grad for parameter in network.parameters()] == frozen
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_modes_come_back_when_a_network_fails() -> None:
    network = build().eval()
    with pytest.raises(RuntimeError):
        zero_cost_scores(network, *minibatch(2, 8, 8), names=["naswot"])
    assert not any(module.training for module in network.modules())


def test_dropout_is_off_and_training_mode_does_not_matter() -> None:
    sizes_ = {"skeleton": "nasnet", "layers": 3, "channels": 4, "num_classes": 3}
    graph = SPACES["darts"].graph(SPACES["darts"].sample(np.random.default_rng(0)))
    plain, dropping = (describe([graph], *minibatch(3, 8, 8), **sizes_, drop_path=p)[0] for p in (0.0, 0.9))
    assert plain.columns == dropping.columns
    network = build()
    batch = minibatch(3, 8, 8)
    assert zero_cost_scores(network.train(), *batch) == zero_cost_scores(network.eval(), *batch)


def test_a_seed_fixes_the_scores_whatever_the_number_of_threads() -> None:
    graph = SPACE.graph(SPACE.sample(np.random.default_rng(2)))
    first = scores_of(graph)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with seeded(99):
            torch.rand(3)
            assert scores_of(graph) == first
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    other = scores_of(graph, seed=1)
    assert other["parameters"] == first["parameters"]
    assert all(other[name] != first[name] for name in ("naswot", "synflow", "zen", "grad_norm", "snip"))


def test_isomorphic_graphs_have_equal_scores() -> None:
    """Two edges swapped between the inner nodes, and an operation that carries no signal."""
    edges = {"edge_0_1": "nor_conv_3x3", "edge_0_2": "skip_connect", "edge_1_2": "none", "edge_0_3": "none"}
    one = SPACE.graph(edges | {"edge_1_3": "skip_connect", "edge_2_3": "avg_pool_3x3"})
    other = SPACE.graph(
        edges
        | {"edge_0_1": "skip_connect", "edge_0_2": "nor_conv_3x3", "edge_1_3": "avg_pool_3x3", "edge_2_3": "none"}
        | {"edge_0_3": "none", "edge_2_3": "skip_connect"}
    )
    assert one.digest == other.digest
    assert one != other
    described = describe([one, other], *minibatch(3, 8, 8), **SMALL)
    assert [d.graph for d in described] == [one, other]
    assert described[0].columns == described[1].columns
    assert scores_of(one) == scores_of(other)


def test_a_network_without_a_path_lacks_what_has_no_logarithm() -> None:
    for graph in (SPACE.graph(dict.fromkeys(SPACE.choices, "none")), one_cell("input", "output", edges=[])):
        scores = scores_of(graph)
        assert {name for name, value in scores.items() if math.isnan(value)} == {"naswot", "synflow", "zen"}
        assert scores["grad_norm"] == scores["snip"] == 0.0


def test_identity_only_networks_have_scores() -> None:
    scores = scores_of(SPACE.graph(dict.fromkeys(SPACE.choices, "skip_connect")))
    assert all(map(math.isfinite, scores.values()))


def test_images_that_cannot_be_told_apart_have_no_naswot() -> None:
    images, labels = minibatch(3, 8, 8)
    scores = zero_cost_scores(build(), images[[0, 0, 1]], labels[:3])
    assert [name for name, value in scores.items() if math.isnan(value)] == ["naswot"]


def test_predictors_read_them_missing_ones_too() -> None:
    rng = np.random.default_rng(0)
    graphs = [SPACE.graph(SPACE.sample(rng)) for _ in range(8)]
    graphs.append(SPACE.graph(dict.fromkeys(SPACE.choices, "none")))
    described = describe(graphs, *minibatch(3, 8, 8), names=["synflow", "naswot"], **SMALL)
    predictor = GraphGP().fit(described, rng.random(9))
    assert predictor.column_names_ == ("naswot", "synflow")
    assert np.isfinite(predictor.predict(described)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["nonsense"]}, "`names` must be among parameters, flops, .*'nonsense'"),
        ({"images": torch.zeros(1, 3, 8, 8)}, "`images` must be .* at least 2"),
        ({"images": torch.zeros(6, 8, 8)}, "`images` must be"),
        ({"labels": torch.zeros(5, dtype=torch.int64)}, "`labels` must be one for each of the 6 images"),
        ({"device": "gpu"}, "`device` must be"),
    ],
)
def test_bad_arguments(change, message) -> None:
    images, labels = minibatch(3, 8, 8)
    arguments = {"images": images, "labels": labels, **change}
    with pytest.raises(ValueError, match=message):
        zero_cost_scores(nn.Linear(1, 1), **arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees() -> None:
    network, batch = build(), minibatch(3, 8, 8)
    cpu, gpu = (zero_cost_scores(network, *batch, device=device) for device in ("cpu", "cuda"))
    for name, value in cpu.items():
        assert gpu[name] == pytest.approx(value, rel=0.02), name
    assert all(p.device.type == "cpu" for p in network.parameters())
