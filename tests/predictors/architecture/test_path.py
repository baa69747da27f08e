from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.path import PathEnsemble, PathNetwork
from predictors.testing import ArchitecturePredictorSuite
from predictors.testing.graphs import random_cells, values


class TestPathEnsemble(ArchitecturePredictorSuite):
    lowest_tau = 0.65

    def make(self) -> ArchitecturePredictor:
        return PathEnsemble(hidden=32, steps=60, random_state=0)


def network(layers: int) -> PathNetwork:
    return PathNetwork(members=3, n_features=5, hidden=8, layers=layers, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_a_member_is_a_perceptron_of_its_own(layers: int) -> None:
    ensemble = network(layers)
    features = torch.randn(9, 5, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        scores = ensemble(features)
        for member in range(3):
            state = features
            for k, (weight, bias) in enumerate(zip(ensemble.weights, ensemble.biases, strict=True)):
                line = nn.Linear(*weight.shape[1:])
                line.weight.copy_(weight[member].T)
                line.bias.copy_(bias[member, 0])
                state = line(state) if k == layers else line(state).relu()
            torch.testing.assert_close(scores[member], state[:, 0], rtol=1e-5, atol=1e-5)


def test_members_learn_as_if_alone() -> None:
    ensemble = network(2)
    scores = ensemble(torch.randn(9, 5, generator=torch.Generator().manual_seed(1)))
    (scores[0].sum() + scores[2].sum()).backward()
    for parameter in ensemble.parameters():
        assert parameter.grad is not None
        assert not parameter.grad[1].any()
        assert parameter.grad[0].any()


def test_minibatches_learn_as_well_as_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs, new = random_cells(60), random_cells(150, seed=1)
    whole = PathEnsemble(hidden=32, steps=80, random_state=0).fit(graphs, values(graphs))
    monkeypatch.setattr("predictors.architecture.path._BATCH", 30)
    parts = PathEnsemble(hidden=32, steps=80, random_state=0).fit(graphs, values(graphs))
    assert (whole.predict(new) != parts.predict(new)).any()
    assert np.corrcoef(whole.predict_scores(new)[0], parts.predict_scores(new)[0])[0, 1] > 0.9


@pytest.mark.parametrize(("name", "lowest"), [("members", 2), ("hidden", 1), ("layers", 0), ("steps", 1)])
def test_bad_arguments_are_named(name: str, lowest: int) -> None:
    graphs = random_cells(4)
    arguments: dict[str, Any] = {name: lowest - 1}
    with pytest.raises(ValueError, match=f"`{name}` must be at least {lowest}, but got {lowest - 1}"):
        PathEnsemble(**arguments).fit(graphs, values(graphs))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_predicts_what_the_cpu_does() -> None:
    graphs = random_cells(30)
    cpu = PathEnsemble(steps=20, random_state=0).fit(graphs, values(graphs))
    gpu = PathEnsemble(steps=20, random_state=0, device="cuda").fit(graphs, values(graphs))
    np.testing.assert_allclose(gpu.predict_scores(graphs)[0], cpu.predict_scores(graphs)[0], atol=0.05)
