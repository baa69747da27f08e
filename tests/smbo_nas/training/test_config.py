from __future__ import annotations

import json

import pytest

from smbo_nas.training import TrainingConfig


def test_json_round_trip() -> None:
    config = TrainingConfig(epochs=3, schedule="onecycle", warmup=0.25, gradient_clip=None, amp="bfloat16")
    assert TrainingConfig.from_json(config.to_json()) == config
    assert json.loads(config.to_json())["epochs"] == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("schedule", "linear"),
        ("warmup", 1.0),
        ("label_smoothing", -0.1),
        ("gradient_clip", 0.0),
        ("auxiliary_weight", float("inf")),
        ("augment", "mixup"),
        ("amp", "int8"),
        ("channels_last", "yes"),
        ("compile", 1),
    ],
)
def test_bad_values_are_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be .* but got {value!r}"):
        TrainingConfig(**{name: value})  # type: ignore[arg-type]


def test_every_setting_is_checked() -> None:
    for name in TrainingConfig().to_dict():
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            TrainingConfig.from_dict({name: object()})


def test_unknown_setting_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no setting 'lr'.*learning_rate"):
        TrainingConfig.from_dict({"lr": 0.1})


def test_json_must_be_an_object() -> None:
    with pytest.raises(ValueError, match="JSON object"):
        TrainingConfig.from_json("[1]")
