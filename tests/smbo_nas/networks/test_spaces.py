"""Every space's graphs become networks that train, on images of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from predictors.graph import NONE_OPS
from smbo_nas.networks import count_flops, count_parameters, known_operations
from smbo_nas.spaces.base import SearchSpace
from smbo_nas.spaces.block_qnn import BlockQNNSpace
from smbo_nas.spaces.cell import CellSpace
from smbo_nas.spaces.chain import ChainSpace
from smbo_nas.spaces.darts import DARTSSpace
from smbo_nas.spaces.dpp_net import DPPNetSpace
from smbo_nas.spaces.genet import GeNetSpace
from smbo_nas.spaces.mnasnet import MNASNetSpace
from smbo_nas.spaces.nasbench101 import NASBench101Space
from smbo_nas.spaces.nasbench201 import NASBench201Space
from smbo_nas.spaces.pnas import PNASSpace
from tests.smbo_nas.networks.helpers import seeded, train_step

SIZES = {
    "nasbench201": {"channels": 4, "cells_per_stage": 1},
    "nasbench101": {"channels": 8, "cells_per_stack": 1},
    "nasnet": {"channels": 4, "layers": 3},
    "chain": {"channels": 4},
    "condensenet": {"channels": 4, "cells_per_stage": 1},
    "mnasnet": {"channels": 4, "reductions": 2, "features": 8},
    "blockqnn": {"channels": 4, "blocks_per_stage": 1},
}
SPACES = {
    "nasbench201": NASBench201Space(),
    "nasbench101": NASBench101Space(),
    "darts": DARTSSpace(),
    "pnas": PNASSpace(blocks=3),
    "nasnet": PNASSpace(blocks=4, combine=("add", "concat")),
    "chain": ChainSpace(),
    "chain-concat": ChainSpace(layers=5, merge="concat"),
    "genet": GeNetSpace(),
    "mnasnet": MNASNetSpace(),
    "blockqnn": BlockQNNSpace(),
    "dppnet": DPPNetSpace(),
    "cell": CellSpace(nodes=4, ops=[op for op in known_operations() if op not in ("zero", "factorized_reduce")]),
}
SHAPES = [(1, 8, 8), (3, 17, 23), (1, 28, 28), (3, 32, 32), (2, 1, 3)]


def sizes(space: SearchSpace) -> dict[str, int]:
    assert space.skeleton is not None
    return SIZES[space.skeleton]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SPACES)
def test_random_networks_train(name, seed) -> None:
    space, shape = SPACES[name], SHAPES[seed]
    graph = space.graph(space.sample(np.random.default_rng(seed)))
    with seeded(seed):
        images = torch.randn(4, *shape)
        for form in (graph, graph.canonical()):
            network = space.build(form, input_shape=shape, num_classes=3, **sizes(space))
            assert torch.isfinite(train_step(network, images, 3))
            assert all(torch.isfinite(p).all() for p in network.parameters())
            with torch.no_grad():
                logits = network.eval()(images)
                assert logits.shape == (4, 3)
                assert torch.equal(logits, network(images))
                torch.testing.assert_close(
                    logits,
                    network.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last)),
                    rtol=1e-3,
                    atol=1e-4,
                )


@pytest.mark.parametrize("name", SPACES)
def test_every_operation_of_every_space_trains(name) -> None:
    """One operation everywhere."""
    space = SPACES[name]
    point = space.sample(np.random.default_rng(0))
    operations = {c for parameter, choices in space.choices.items() for c in choices if c in known_operations()}
    operations -= {"none"} if name != "nasbench201" else set()
    for operation in sorted(operations):
        params = {p: operation if operation in space.choices[p] else point[p] for p in point}
        if space.why_invalid(params) is not None:
            params = {p: operation if p.startswith("op") else point[p] for p in point}
        graph = space.graph(params)
        assert operation in NONE_OPS or any(op == operation for op in graph.ops)
        with seeded():
            network = space.build(graph, input_shape=(1, 8, 8), num_classes=3, **sizes(space))
            before = {name: p.detach().clone() for name, p in network.named_parameters()}
            train_step(network, torch.randn(6, 1, 8, 8), 3)
        changed = {name for name, p in network.named_parameters() if not torch.equal(p, before[name])}
        assert "head.linear.bias" in changed
        if operation not in NONE_OPS:
            assert {"head.linear.weight", "stem.conv.weight"} <= changed


@pytest.mark.parametrize("name", SPACES)
def test_mixed_precision(name) -> None:
    space = SPACES[name]
    dead = [dict.fromkeys(space.choices, "none")] if name == "nasbench201" else []
    for params in [space.sample(np.random.default_rng(3)), *dead]:
        with seeded():
            network = space.build(space.graph(params), input_shape=(1, 8, 8), num_classes=3, **sizes(space))
            images = torch.randn(4, 1, 8, 8)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(images)
        assert logits.dtype == torch.bfloat16
        logits.float().square().sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", SPACES)
def test_state_dict_round_trip(name) -> None:
    space = SPACES[name]
    graph = space.graph(space.sample(np.random.default_rng(7)))
    with seeded():
        first, second = (
            space.build(graph, input_shape=(1, 8, 8), num_classes=3, **sizes(space)).eval() for _ in range(2)
        )
        images = torch.randn(3, 1, 8, 8)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(images), second(images))


@pytest.mark.parametrize("name", SPACES)
def test_canonical_networks_cost_no_more(name) -> None:
    """What the canonical form drops is dead; what it contracts is free in a normal cell and a reduction in another."""
    space = SPACES[name]
    for seed in range(3):
        graph = space.graph(space.sample(np.random.default_rng(seed)))
        with torch.device("meta"):
            given, canonical = (
                space.build(form, input_shape=(1, 8, 8), num_classes=3, **sizes(space))
                for form in (graph, graph.canonical())
            )
        if name in ("nasbench201", "darts", "pnas"):
            assert count_parameters(canonical) <= count_parameters(given)
        if name == "nasbench201":
            assert count_flops(canonical, (1, 8, 8)) == count_flops(given, (1, 8, 8))
