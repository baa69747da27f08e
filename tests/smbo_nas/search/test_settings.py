from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smbo_nas.search import SearchSettings
from smbo_nas.spaces import get_space


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trials", 0),
        ("epochs", 0),
        ("seed", -1),
        ("workers", 0),
        ("batch_size", 0),
        ("sampler", "annealing"),
        ("pruner", "axe"),
        ("timeout", 0.0),
        ("risk", 1.0),
        ("learning_rate", 0.0),
    ],
)
def test_values_out_of_range_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be .*{value}"):
        SearchSettings(out=Path("runs"), **{name: value})


def test_the_identity_is_json_and_ignores_what_changes_no_value() -> None:
    one = SearchSettings(out=Path("a"), trials=3, workers=1, timeout=None)
    other = SearchSettings(out=Path("b"), trials=9, workers=2, timeout=5.0)
    assert one.identity() == other.identity() == json.loads(json.dumps(one.identity()))
    assert SearchSettings(out=Path("a"), epochs=13).identity() != one.identity()


def test_a_pause_risks_what_the_pruner_does_and_a_stop_what_a_short_search_can() -> None:
    assert SearchSettings(out=Path("a")).stop_risk == 0.5
    assert SearchSettings(out=Path("a"), thaw=True).stop_risk is None
    assert SearchSettings(out=Path("a"), thaw=True, risk=0.3).stop_risk == 0.3
    assert SearchSettings(out=Path("a")).identity() == SearchSettings(out=Path("a"), risk=0.5).identity()


def test_sizes_replace_the_small_defaults_one_by_one() -> None:
    settings = SearchSettings(out=Path("a"), sizes={"channels": 32})
    assert settings.network_sizes(get_space("nasbench201")) == {"channels": 32, "cells_per_stage": 1}


def test_training_settings_reach_the_training() -> None:
    settings = SearchSettings(out=Path("a"), epochs=3, training={"label_smoothing": 0.1, "schedule": "onecycle"})
    config = settings.training_config()
    assert (config.epochs, config.label_smoothing, config.schedule) == (3, 0.1, "onecycle")
    assert settings.identity() != SearchSettings(out=Path("a"), epochs=3).identity()


def test_a_warm_start_needs_a_sampler_that_learns() -> None:
    with pytest.raises(
        ValueError, match="`warm_start` needs a sampler of smbo, bananas, pnas, nao, but `sampler` is tpe"
    ):
        SearchSettings(out=Path("runs"), sampler="tpe", warm_start="there")
