"""Saving a network and loading it again: JSON for what it is, safetensors for its weights, never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from predictors.files import write_whole
from smbo_nas.networks.build import Blueprint, blueprint_of, unwrapped

if TYPE_CHECKING:
    from smbo_nas.spaces.base import SearchSpace

ARCHITECTURE_FILE = "architecture.json"
WEIGHTS_FILE = "model.safetensors"
_FORMAT = "smbo-nas network"
_VERSION = 1


def save_network(
    folder: str | Path,
    network: nn.Module,
    *,
    space: SearchSpace | None = None,
    params: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Writes `architecture.json` and `model.safetensors` into `folder`, replacing what is there.

    Args:
        folder: Where to; made if it is missing.
        network: A network that `build_network` built, on any device, in any memory format.
        space: The space it comes from, to be recorded beside it.
        params: The point of the space, to be recorded beside it.
        metadata: Anything else JSON can hold: class names, the images' mean and standard deviation, ...

    Raises:
        ValueError: When the network was not built by `build_network`, or `metadata` is not JSON-ready.
    """
    from safetensors.torch import save

    blueprint = blueprint_of(network)
    record: dict[str, Any] = {"format": _FORMAT, "version": _VERSION, **blueprint.to_dict()}
    if space is not None:
        record["space"] = space.to_dict()
    if params is not None:
        record["params"] = dict(params)
    if metadata is not None:
        record["metadata"] = dict(metadata)
    try:
        text = json.dumps(record, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the network's description must be JSON-ready, but {error}.") from error
    # safetensors takes neither views of one storage nor channels-last tensors: each becomes a plain copy.
    state = unwrapped(network).state_dict()
    tensors = {name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in state.items()}
    folder = Path(folder)
    write_whole(folder / WEIGHTS_FILE, save(tensors, metadata={"architecture": _fingerprint(blueprint)}))
    write_whole(folder / ARCHITECTURE_FILE, text + "\n")


def load_network(folder: str | Path, *, device: str | torch.device = "cpu") -> nn.Module:
    """The network in `folder`, on `device`, in evaluation mode.

    Operations and skeletons that the network needs and that are not built in must be registered before. No random
    number is drawn.

    Raises:
        FileNotFoundError: When one of the two files is missing.
        ValueError: When a file is damaged, or the weights are not those of the architecture.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(folder) / WEIGHTS_FILE
    blueprint = Blueprint.from_dict(_described(Path(folder)))
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}.")
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            written_for = (file.metadata() or {}).get("architecture")
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}.") from error
    if written_for != _fingerprint(blueprint):
        raise ValueError(f"{path} holds the weights of another architecture than {ARCHITECTURE_FILE} beside it.")
    with torch.device("meta"):
        network = blueprint.build()
    try:
        network.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit its architecture: {' '.join(str(error).split())}") from error
    return network.eval()


def read_description(folder: str | Path) -> dict[str, Any]:
    """The content of `architecture.json`: graph, skeleton and sizes, and what else was recorded.

    Raises:
        FileNotFoundError: When the file is missing.
        ValueError: When it is damaged or something else.
    """
    return _described(Path(folder))


def _described(folder: Path) -> dict[str, Any]:
    path = folder / ARCHITECTURE_FILE
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}.")
    try:
        record = json.loads(path.read_bytes())
    except ValueError as error:  # no JSON, or no UTF-8
        raise ValueError(f"{path} is damaged: {error}.") from error
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise ValueError(f"{path} does not describe a network of smbo-nas.")
    if record.get("version") != _VERSION:
        raise ValueError(f"{path} has version {record.get('version')!r}, but this smbo-nas reads version {_VERSION}.")
    return record


def _fingerprint(blueprint: Blueprint) -> str:
    text = json.dumps(blueprint.to_dict(), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
