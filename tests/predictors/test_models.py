from __future__ import annotations

import pytest

from predictors.architecture.base import ArchitecturePredictor
from predictors.models import MODELS, make_model


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_an_unfitted_predictor(name: str) -> None:
    model = make_model(name, random_state=3, ops=["conv"])
    assert isinstance(model, ArchitecturePredictor)
    assert type(model).__name__ == MODELS[name][1]
    settings = model.get_params()
    assert settings["random_state"] == 3
    assert settings.get("ops", ("conv",)) == ("conv",)
    assert settings.get("device", "cpu") == "cpu"


@pytest.mark.parametrize(
    ("name", "device", "message"),
    [
        ("nope", "cpu", r"`model` must be one of \['auto', 'gnn', .*\], but got 'nope'"),
        ("gp", "cuda", "`device` must be 'cpu' for the model 'gp', but got 'cuda'"),
        ("gnn", "tpu9", "`device` must be cpu, cuda or cuda:N, but got 'tpu9'"),
        ("gnn", "cuda:99", "`device` must be there, but this machine has"),
    ],
)
def test_bad_names(name: str, device: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_model(name, device=device)
