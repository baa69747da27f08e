from __future__ import annotations

import copy
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks import (
    Blueprint,
    blueprint_of,
    build_network,
    default_sizes,
    known_skeletons,
    register_skeleton,
)
from smbo_nas.networks.build import _SKELETONS
from smbo_nas.spaces.nasbench201 import NASBench201Space
from tests.smbo_nas.networks.helpers import one_cell, seeded

GRAPH = one_cell("input", "conv_3x3", "output", edges=[(0, 1), (1, 2)])
GOOD = {"skeleton": "nasbench201", "input_shape": (1, 8, 8), "num_classes": 3, "channels": 4, "cells_per_stage": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"skeleton": "resnet"}, f"unknown skeleton 'resnet'; known skeletons: {', '.join(sorted(known_skeletons()))}"),
        ({"input_shape": (8, 8)}, r"`input_shape` must be \(channels, height, width\), but got \(8, 8\)"),
        ({"input_shape": 8}, r"`input_shape` must be \(channels, height, width\), but got 8"),
        ({"input_shape": (1, 0, 8)}, "the height of `input_shape` must be an integer, at least 1, but got 0"),
        ({"input_shape": (1, 8, 7.5)}, "the width of `input_shape` must be an integer, at least 1, but got 7.5"),
        ({"num_classes": 0}, "`num_classes` must be an integer, at least 1, but got 0"),
        ({"num_classes": "ten"}, "`num_classes` must be an integer, at least 1, but got 'ten'"),
        ({"channels": 0}, "`channels` must be an integer, at least 1, but got 0"),
        ({"channels": True}, "`channels` must be an integer, at least 1, but got True"),
        ({"width": 3}, "'nasbench201' has no size 'width'; it has channels, cells_per_stage, stages"),
    ],
)
def test_arguments_out_of_range(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        build_network(GRAPH, **(GOOD | change))


def test_switches_and_probabilities() -> None:
    nasnet = {"skeleton": "nasnet", "input_shape": (1, 8, 8), "num_classes": 3}
    with pytest.raises(ValueError, match="`auxiliary` must be true or false, but got 1"):
        build_network(GRAPH, **nasnet, auxiliary=1)
    for value in (1.0, -0.1, "much", True):
        with pytest.raises(ValueError, match=r"`drop_path` must be in \[0, 1\), but got"):
            build_network(GRAPH, **nasnet, drop_path=value)


def test_unknown_operation_is_named_with_the_known_ones() -> None:
    graph = one_cell("input", "conv_9x9", "output", edges=[(0, 1), (1, 2)])
    with pytest.raises(GraphError, match=r"unknown operation 'conv_9x9' at node 1; known operations: .*conv_3x3"):
        build_network(graph, **GOOD)


def test_numpy_sizes_and_torch_sizes_will_do() -> None:
    shape = torch.zeros(1, 8, 8).shape
    network = build_network(GRAPH, **(GOOD | {"input_shape": shape, "channels": np.int64(4), "stages": None}))
    json.dumps(blueprint_of(network).to_dict())
    assert blueprint_of(network).sizes == {"channels": 4, "cells_per_stage": 1, "stages": 3}
    assert blueprint_of(network).input_shape == (1, 8, 8)


def test_default_sizes_are_the_papers() -> None:
    assert default_sizes("nasbench201") == {"channels": 16, "cells_per_stage": 5, "stages": 3}
    assert default_sizes("nasbench101") == {"channels": 128, "cells_per_stack": 3, "stacks": 3}
    assert default_sizes("nasnet").items() >= {"channels": 36, "layers": 20, "auxiliary": False}.items()


def test_weights_come_from_the_global_generator() -> None:
    networks = []
    for seed in (0, 0, 1):
        with seeded(seed):
            networks.append(build_network(GRAPH, **GOOD))
    first, again, other = (network.stem.conv.weight for network in networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_blueprint_round_trip_and_what_the_network_remembers() -> None:
    space = NASBench201Space()
    graph = space.graph(space.sample(np.random.default_rng(0)))
    network = space.build(graph, input_shape=(3, 8, 8), num_classes=7, channels=4)
    blueprint = blueprint_of(network)
    assert blueprint.graph == graph
    assert dict(blueprint.sizes) == {"channels": 4, "cells_per_stage": 5, "stages": 3}
    again = Blueprint.from_dict(json.loads(json.dumps(blueprint.to_dict())))
    assert again == blueprint
    compiled = nn.Module()
    compiled._orig_mod = network  # as torch.compile wraps it
    for wrapped in (nn.DataParallel(network), compiled, copy.deepcopy(network)):
        assert blueprint_of(wrapped) == blueprint
    with pytest.raises(ValueError, match="Linear was not built by `build_network`"):
        blueprint_of(nn.Linear(1, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"graph": None}, "`graph` is missing or of the wrong type"),
        ({"sizes": [4]}, "`sizes` is missing or of the wrong type"),
        ({"num_classes": None}, "`num_classes` must be an integer"),
        ({"input_shape": [1, 8]}, "`input_shape` must be"),
        ({"graph": {"ops": ["input"], "edges": []}}, "must be 'output'"),
    ],
)
def test_a_damaged_blueprint(change, message) -> None:
    data = Blueprint(GRAPH, "nasbench201", (1, 8, 8), 3).to_dict()
    with pytest.raises(ValueError, match=message):
        Blueprint.from_dict(data | change)


def test_a_skeleton_of_ones_own(monkeypatch) -> None:
    monkeypatch.setattr("smbo_nas.networks.build._SKELETONS", dict(_SKELETONS))

    def linear(graph: ArchGraph, *, input_shape, num_classes, bias: bool = True) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), num_classes, bias=bias))

    register_skeleton("linear", linear)
    assert "linear" in known_skeletons()
    network = build_network(GRAPH, skeleton="linear", input_shape=(1, 2, 2), num_classes=3, bias=False)
    assert network(torch.randn(5, 1, 2, 2)).shape == (5, 3)
    assert network[1].bias is None
    with pytest.raises(ValueError, match="skeleton 'linear' exists"):
        register_skeleton("linear", linear)
    register_skeleton("linear", linear, replace=True)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, smbo_nas.networks as n; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    import smbo_nas.networks

    for name in smbo_nas.networks.__all__:
        assert callable(getattr(smbo_nas.networks, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = smbo_nas.networks.nothing
