from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from predictors.graph import ArchGraph
from smbo_nas.networks import blueprint_of, build_network, load_network, register_skeleton, save_network
from smbo_nas.networks.build import _SKELETONS
from smbo_nas.networks.io import read_description
from smbo_nas.spaces.darts import DARTSSpace
from smbo_nas.spaces.nasbench201 import NASBench201Space
from tests.smbo_nas.networks.helpers import seeded, train_step

SPACE = NASBench201Space()
PARAMS = SPACE.sample(np.random.default_rng(1))
SIZES = {"input_shape": (1, 8, 8), "num_classes": 3, "channels": 4, "cells_per_stage": 1}


@pytest.fixture
def network() -> nn.Module:
    with seeded():
        network = SPACE.build(SPACE.graph(PARAMS), **SIZES)
        train_step(network, torch.randn(6, 1, 8, 8), 3)
    return network


def test_round_trip(network, tmp_path) -> None:
    save_network(tmp_path / "a" / "best", network, space=SPACE, params=PARAMS, metadata={"mean": [0.5]})
    with seeded():
        state = torch.random.get_rng_state()
        loaded = load_network(tmp_path / "a" / "best")
        assert torch.equal(torch.random.get_rng_state(), state)
    assert not loaded.training
    assert blueprint_of(loaded) == blueprint_of(network)
    x = torch.randn(4, 1, 8, 8)
    assert torch.equal(loaded(x), network.eval()(x))
    assert {path.name for path in (tmp_path / "a" / "best").iterdir()} == {"architecture.json", "model.safetensors"}
    description = read_description(tmp_path / "a" / "best")
    assert description["space"] == {"name": "nasbench201"}
    assert description["params"] == PARAMS
    assert description["metadata"] == {"mean": [0.5]}
    assert ArchGraph.from_dict(description["graph"]) == SPACE.graph(PARAMS)


def test_a_loaded_network_trains_on(network, tmp_path) -> None:
    save_network(tmp_path, network)
    loaded = load_network(tmp_path)
    x = torch.randn(6, 1, 8, 8)
    assert torch.equal(train_step(loaded, x, 3), train_step(network, x, 3))
    for (name, value), other in zip(loaded.state_dict().items(), network.state_dict().values(), strict=True):
        assert torch.equal(value, other), name


def test_channels_last_and_wrapped_networks(network, tmp_path) -> None:
    x = torch.randn(4, 1, 8, 8)
    expected = network.eval()(x)
    network = network.to(memory_format=torch.channels_last)
    save_network(tmp_path, nn.DataParallel(network))
    assert torch.equal(load_network(tmp_path)(x), expected)


def test_all_sizes_are_recorded(tmp_path) -> None:
    space = DARTSSpace()
    graph = space.graph(space.sample(np.random.default_rng(0)))
    network = space.build(graph, input_shape=(2, 6, 7), num_classes=3, channels=4, layers=3, auxiliary=True)
    save_network(tmp_path, network)
    loaded = load_network(tmp_path).train()
    assert [tuple(out.shape) for out in loaded(torch.randn(2, 2, 6, 7))] == [(2, 3), (2, 3)]


def test_shared_tensors(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("smbo_nas.networks.build._SKELETONS", dict(_SKELETONS))

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(self.first(x))

    register_skeleton("tied", lambda graph, *, input_shape, num_classes: Tied())
    graph = ArchGraph(ops=("input", "output"), edges=((0, 1),))
    network = build_network(graph, skeleton="tied", input_shape=(1, 1, 4), num_classes=4)
    save_network(tmp_path, network)
    x = torch.randn(2, 4)
    assert torch.equal(load_network(tmp_path)(x), network(x))


def edit(folder, **changes) -> None:
    path = folder / "architecture.json"
    record = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in record.items() if value is not None}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "does not describe a network of smbo-nas"),
        ({"version": 2}, "has version 2, but this smbo-nas reads version 1"),
        ({"graph": None}, "`graph` is missing"),
        ({"graph": {"ops": ["input", "output"], "edges": [[1, 0]]}}, "goes backwards"),
        ({"skeleton": "resnet"}, "unknown skeleton 'resnet'"),
        ({"num_classes": 4}, "holds the weights of another architecture"),
        ({"sizes": {"channels": 8}}, "holds the weights of another architecture"),
    ],
)
def test_a_description_that_is_wrong(network, tmp_path, changes, message) -> None:
    save_network(tmp_path, network)
    edit(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"text"'])
def test_a_description_that_is_damaged(network, tmp_path, content) -> None:
    save_network(tmp_path, network)
    (tmp_path / "architecture.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"architecture\.json (is damaged|does not describe)"):
        load_network(tmp_path)


def test_weights_that_are_damaged(network, tmp_path) -> None:
    save_network(tmp_path, network)
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    for content in (b"", b"no safetensors at all", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model\.safetensors is damaged"):
            load_network(tmp_path)


def test_weights_that_are_incomplete(network, tmp_path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    save_network(tmp_path, network)
    path = tmp_path / "model.safetensors"
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file({n: v for n, v in state.items() if n != "stem.conv.weight"}, path, metadata=metadata)
    with pytest.raises(ValueError, match=r"does not fit its architecture.*stem\.conv\.weight"):
        load_network(tmp_path)
    save_file(state | {"stem.conv.weight": torch.zeros(5, 1, 3, 3)}, path, metadata=metadata)
    with pytest.raises(ValueError, match="does not fit its architecture"):
        load_network(tmp_path)
    save_file(state, path)
    with pytest.raises(ValueError, match="another architecture"):
        load_network(tmp_path)


@pytest.mark.parametrize("name", ["architecture.json", "model.safetensors"])
def test_a_missing_file(network, tmp_path, name) -> None:
    save_network(tmp_path, network)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        load_network(tmp_path)


def test_what_cannot_be_described_is_not_saved(network, tmp_path) -> None:
    with pytest.raises(ValueError, match="must be JSON-ready"):
        save_network(tmp_path, network, metadata={"mean": {1.0}})
    with pytest.raises(ValueError, match="must be JSON-ready"):
        save_network(tmp_path, network, metadata={"mean": float("nan")})
    with pytest.raises(ValueError, match="was not built by `build_network`"):
        save_network(tmp_path, nn.Linear(1, 1))
    assert not list(tmp_path.iterdir())
