from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from typer.testing import CliRunner

from predictors.cli import app
from predictors.curves import pfn_training
from predictors.curves.pfn import PFNCurvePredictor
from predictors.curves.pfn_prior import draw_tasks
from predictors.curves.pfn_training import Settings, draw_batch, load_network, train

TINY = Settings(steps=6, width=8, layers=1, tasks=4, queries=3)


def test_the_prior_holds_what_real_curves_do() -> None:
    tasks = draw_tasks(np.random.default_rng(0), 400, 20, 30)
    assert tasks.shape == (400, 20, 30)
    assert tasks.dtype == np.float32
    rise = np.nanmedian(tasks[..., -1] - tasks[..., 0], axis=1)
    assert np.mean(rise > 0) == pytest.approx(0.5, abs=0.1)
    whole = np.isfinite(tasks).all(2)
    assert 0.9 < whole.mean() < 1.0
    towards = np.sign(rise)[:, None, None] * tasks
    overfitted = towards.max(2) - towards[..., -1] > 0.3 * np.ptp(towards, axis=2)
    assert 0.05 < overfitted[whole].mean() < 0.6
    steps = np.abs(np.diff(tasks, axis=2))
    late_jump = steps[..., 5:].max(2) > 0.3 * np.ptp(tasks, axis=2)
    assert 0.02 < late_jump[whole].mean() < 0.6


def test_a_curve_is_likelier_like_those_of_its_task() -> None:
    tasks = draw_tasks(np.random.default_rng(1), 300, 10, 20)[..., -1]
    of_task = np.nanmedian(np.abs(tasks - np.nanmedian(tasks, axis=1, keepdims=True)))
    overall = np.nanmedian(np.abs(tasks - np.nanmedian(tasks)))
    assert of_task < 0.5 * overall


def test_batches_are_finite_and_reproducible() -> None:
    for seed in range(30):
        features, target = draw_batch(np.random.default_rng(seed), 4, 3)
        assert all(part.isfinite().all() for part in features)
        assert (features.unit != 0).all()
        again, target_again = draw_batch(np.random.default_rng(seed), 4, 3)
        assert all(torch.equal(one, two) for one, two in zip(features, again, strict=True))
        assert torch.equal(target.nan_to_num(0.0), target_again.nan_to_num(0.0))


def test_training_lowers_the_loss(tmp_path) -> None:
    losses = []
    settings = replace(TINY, steps=60, width=16, learning_rate=5e-3)
    network = train(tmp_path / "out.safetensors", settings)
    for trained in (network, train(tmp_path / "new.safetensors", replace(settings, steps=1))):
        with torch.inference_mode():
            batches = [draw_batch(np.random.default_rng([5, i]), 4, 8) for i in range(20)]
            losses.append(np.mean([pfn_training.training_loss(trained, *batch).item() for batch in batches]))
    assert losses[0] < losses[1] - 0.3


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(pfn_training, "_SAVE_EVERY", 0.0)
    straight, broken = tmp_path / "straight.safetensors", tmp_path / "broken.safetensors"
    train(straight, TINY)

    def interrupt(step: int, loss: float) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(broken, TINY, report=interrupt)
    assert not broken.exists()
    with pytest.raises(ValueError, match="of a run with the same settings"):
        train(broken, replace(TINY, seed=1))
    steps: list[int] = []
    train(broken, TINY, report=lambda step, loss: steps.append(step))
    assert steps == [4, 5, 6]
    first, second = (safetensors.torch.load(path.read_bytes()) for path in (straight, broken))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_command_trains_and_records_itself(tmp_path, monkeypatch) -> None:
    out = tmp_path / "pfn.safetensors"
    result = CliRunner().invoke(app, ["train-pfn", "--out", str(out), "--steps", "2", "--seed", "3"])
    assert result.exit_code == 0, result.output
    with safetensors.safe_open(out, "pt") as file:
        made = json.loads(file.metadata()["made"])
    assert (made["seed"], made["steps"]) == (3, 2)
    load_network(out)
    model = PFNCurvePredictor(10, weights=out).fit(np.empty((0, 10)))
    assert np.isfinite(model.predict([[0.1, 0.2]])).all()
    result = CliRunner().invoke(app, ["train-pfn", "--out", str(out), "--steps", "0"])
    assert result.exit_code == 2
    assert "`steps` must be at least 1" in result.output
