"""Training the prior-fitted network on tasks drawn from its prior, and the file of its weights."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from predictors.curves.pfn_features import Features, featurise
from predictors.curves.pfn_network import CurveNetwork
from predictors.curves.pfn_prior import draw_tasks
from predictors.files import write_whole

FORMAT = "smbo-nas curve network 2"
_SAVE_EVERY = 60.0  # Seconds.
_WARM_UP = 200
_DECAY = 0.35  # Share of the steps at the end in which the learning rate falls to 0.
_MAX_CONTEXT = 40


@dataclass(frozen=True)
class Settings:
    """What a training run depends on, beside the version of the code.

    Attributes:
        seed: Of the first weights and of every batch.
        steps: Number of optimiser steps. The learning rate falls over the last 35 % of them.
        width: Size of a token.
        layers: Number of layers.
        tasks: Tasks in a batch.
        queries: Partial curves in a task.
        learning_rate: The largest.
    """

    seed: int = 0
    steps: int = 20_000
    width: int = 64
    layers: int = 3
    tasks: int = 16
    queries: int = 20
    learning_rate: float = 1.5e-3


def train(
    out: Path, settings: Settings, *, command: str = "", report: Callable[[int, float], None] | None = None
) -> CurveNetwork:
    """Trains a network and writes its weights to a file.

    Every batch depends on the seed and its number alone, and the learning rate is constant until it
    falls at the end. So a run that was interrupted goes on from its checkpoint, `out` with `.run`
    added, as if it had not been, and may be given another number of steps as long as its
    learning rate has not begun to fall.

    Args:
        out: File of the weights, safetensors.
        settings: What to train.
        command: How the run was started, for the file's metadata.
        report: Called once a minute, and at the end, with the steps done and the mean loss since the last call.

    Raises:
        ValueError: If a setting is out of range, or the checkpoint is of another run.
    """
    for name in ("steps", "width", "layers", "tasks", "queries"):
        if getattr(settings, name) < 1:
            raise ValueError(f"`{name}` must be at least 1, but got {getattr(settings, name)}.")
    rng = np.random.default_rng([settings.seed, 1 << 32])
    network = _initialised(settings, rng)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=1e-3)
    checkpoint = out.with_name(out.name + ".run")
    done, seconds = _resume(checkpoint, settings, network, optimizer)
    began = saved = time.monotonic()
    losses: list[float] = []
    for step in range(done, settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings.steps)
        features, target = draw_batch(np.random.default_rng([settings.seed, step]), settings.tasks, settings.queries)
        loss = training_loss(network, features, target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        now = time.monotonic()
        if now - saved > _SAVE_EVERY or step + 1 == settings.steps:
            spent = seconds + now - began
            _save(checkpoint, network, optimizer, settings, step + 1, spent)
            saved = now
            if report is not None:
                report(step + 1, float(np.mean(losses)))
            losses.clear()
    made = {"command": command, "seconds": round(seconds + time.monotonic() - began), **asdict(settings)}
    write_whole(out, safetensors.torch.save(_weights(network), {"format": FORMAT, "made": json.dumps(made)}))
    checkpoint.unlink(missing_ok=True)
    return network


def draw_batch(rng: np.random.Generator, n_tasks: int, n_queries: int) -> tuple[Features, Tensor]:
    """Draws tasks with partial curves, and the values to predict in the units of the features, NaN for none."""
    horizon = round(float(np.exp(rng.uniform(np.log(5), np.log(120)))))
    n_context = 0 if rng.random() < 0.2 else 1 + int(_MAX_CONTEXT * rng.random() ** 1.5)
    curves = draw_tasks(rng, n_tasks, n_context + n_queries, horizon)
    late = rng.integers(2, horizon + 1, n_tasks)
    at = np.where(rng.random(n_tasks) < 0.7, horizon, late)
    n_seen = 1 + ((at - 1) * rng.random(n_tasks) ** 1.5).astype(np.intp)
    if n_context > 0:
        n_seen[rng.random(n_tasks) < 0.06] = 0
    values = torch.from_numpy(curves)
    rows = np.arange(n_tasks)
    label = values[rows, n_context:, at - 1].clone()
    if rng.random() < 0.15:
        gaps = rng.random(curves.shape, dtype=np.float32) < 0.5 * rng.random()
        gaps[rows, :, np.maximum(n_seen, 1) - 1] = False
        gaps[rows, :, at - 1] = False
        values = values.masked_fill(torch.from_numpy(gaps), torch.nan)
    seen, late_step = torch.from_numpy(n_seen), torch.from_numpy(at)
    features = featurise(values[:, :n_context], values[:, n_context:], seen, late_step)
    target = (label.reshape(features.center.shape) - features.center) / features.unit
    return features, target


def training_loss(network: CurveNetwork, features: Features, target: Tensor) -> Tensor:
    """Mean negative log density of the values to predict; diverged ones, far beyond the task's spread, count less."""
    known = target.isfinite() & (target.abs() < 1e4)
    log_density = network(features).log_density(target.where(known, 0.0))
    return -torch.where(known, log_density, 0.0).sum() / known.sum().clamp(min=1)


def load_network(path: Path) -> CurveNetwork:
    """Reads the weights that `train` wrote.

    Raises:
        ValueError: If the file is not such a file, or its tensors do not fit the network.
    """
    try:
        content = path.read_bytes()
        weights = safetensors.torch.load(content)
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} must hold a curve network as safetensors, but cannot be read: {error}.") from error
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path} must have the format {FORMAT!r}, but has {metadata.get('format')!r}.")
    try:
        made = json.loads(metadata["made"])
        network = CurveNetwork(int(made["width"]), int(made["layers"]))
        network.load_state_dict(weights)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"The weights in {path} must be those of a curve network, but: {error}") from error
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise ValueError(f"The weights in {path} must be finite, but are not.")
    return network.eval()


def _schedule(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / _WARM_UP, (steps - step) / max(1.0, _DECAY * steps))


def _initialised(settings: Settings, rng: np.random.Generator) -> CurveNetwork:
    """A network whose weights come from `rng`, as PyTorch's own come from the global state."""
    with torch.random.fork_rng(devices=[]):
        network = CurveNetwork(settings.width, settings.layers)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Linear):
                bound = 1 / math.sqrt(module.in_features)
                module.weight.uniform_(-bound, bound, generator=generator)
                module.bias.uniform_(-bound, bound, generator=generator)
    return network


def _weights(network: CurveNetwork) -> dict[str, Tensor]:
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}


def _save(
    path: Path, network: CurveNetwork, optimizer: torch.optim.Optimizer, settings: Settings, step: int, seconds: float
) -> None:
    tensors = {f"network.{name}": tensor for name, tensor in _weights(network).items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    about = {"format": FORMAT, "settings": json.dumps(asdict(settings)), "step": str(step), "seconds": str(seconds)}
    write_whole(path, safetensors.torch.save(tensors, about))


def _resume(
    path: Path, settings: Settings, network: CurveNetwork, optimizer: torch.optim.Optimizer
) -> tuple[int, float]:
    """Restores network and optimiser from a checkpoint, if there is one; returns the steps and seconds spent."""
    if not path.exists():
        return 0, 0.0
    with safetensors.safe_open(path, "pt") as file:
        about = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    before, now = json.loads(about["settings"]), asdict(settings)
    step = int(about["step"])
    steady = step <= (1 - _DECAY) * min(before["steps"], settings.steps)
    if {**before, "steps": 0} != {**now, "steps": 0} or (before["steps"] != settings.steps and not steady):
        raise ValueError(f"{path} must be of a run with the same settings, but is of one with {before}.")
    network.load_state_dict({n.removeprefix("network."): t for n, t in tensors.items() if n.startswith("network.")})
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return step, float(about["seconds"])
