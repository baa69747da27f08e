"""Checkpoints: one safetensors file each, written atomically and checked when read."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from predictors.files import write_whole

_FORMAT = "smbo-nas training checkpoint 1"
_NETWORK = "network."


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be read, or that belongs to another training."""


class Checkpoint(NamedTuple):
    """What a file holds.

    Attributes:
        tensors: Tensors by name; those of the network start with ``network.``.
        state: Everything else, JSON values.
    """

    tensors: dict[str, Tensor]
    state: dict[str, Any]


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Writes a checkpoint; after a crash at any moment, the old or the new one is there, whole."""
    copies = _detached(tensors)
    metadata = {"format": _FORMAT, "state": json.dumps(state), "checksum": _checksum(copies)}
    write_whole(path, save(copies, metadata))


def read_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        CheckpointError: If the file is missing, truncated, altered, or no checkpoint.
    """
    tensors, metadata = _read(path)
    if metadata.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is not a training checkpoint of this version of smbo-nas.")
    if metadata.get("checksum") != _checksum(tensors):
        raise CheckpointError(f"{path} is corrupt: its checksum does not match. Delete it.")
    try:
        state = json.loads(metadata["state"])
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is corrupt: {error}. Delete it.") from error
    return Checkpoint(tensors, state)


def network_tensors(network: nn.Module) -> dict[str, Tensor]:
    """A network's parameters and buffers as they are named in a checkpoint."""
    return {_NETWORK + name: tensor for name, tensor in network.state_dict().items()}


def save_weights(network: nn.Module, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Writes a network's parameters and buffers, and nothing else, as a safetensors file."""
    write_whole(path, save(_detached(network.state_dict()), dict(metadata or {})))


def load_weights(path: Path, network: nn.Module) -> None:
    """Loads what :func:`save_weights` wrote, or the network in a checkpoint.

    Raises:
        CheckpointError: If the file cannot be read or holds another network.
    """
    tensors, metadata = _read(path)
    if metadata.get("format") == _FORMAT:
        tensors = read_checkpoint(path).tensors
    load_network(path, tensors, network)


def load_network(path: Path, tensors: Mapping[str, Tensor], network: nn.Module) -> None:
    """Loads a network from tensors that :func:`network_tensors` named, or from bare ones.

    Raises:
        CheckpointError: If names or shapes do not match.
    """
    own = {n.removeprefix(_NETWORK): t for n, t in tensors.items() if n.startswith(_NETWORK)}
    try:
        network.load_state_dict(own or dict(tensors))
    except RuntimeError as error:
        raise CheckpointError(f"{path} holds another network: {error}") from error


def _detached(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous copies on the CPU that share no memory, which safetensors would refuse."""
    return {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in sorted(tensors.items())
    }


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    value = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        value = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), value)
        value = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, value)
    return f"{value:08x}"


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist.") from error
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}. If it is broken, delete it.") from error
