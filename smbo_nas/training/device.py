"""Where and in which precision networks run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

AMP_MODES = ("off", "bfloat16", "float16", "auto")
"""Values of ``amp``: automatic mixed precision."""


def resolve_device(name: str = "auto") -> torch.device:
    """The device with a name.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:N``, or ``auto`` (CUDA where there is one).

    Raises:
        ValueError: If the name is none of these, or there is no such CUDA device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if name != "cpu" and not (kind == "cuda" and (name == kind or index.isdecimal())):
        raise ValueError(f"`device` must be auto, cpu, cuda or cuda:N, but got {name!r}.")
    if kind == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ValueError(f"`device` is {name!r}, but PyTorch finds no CUDA device here.")
    number = int(index) if index else torch.cuda.current_device()
    if number >= torch.cuda.device_count():
        raise ValueError(f"`device` is {name!r}, but there are only {torch.cuda.device_count()} CUDA devices.")
    return torch.device("cuda", number)


def resolve_amp(mode: str, device: torch.device) -> torch.dtype | None:
    """The number type of mixed precision on a device; ``None`` is full precision.

    ``auto`` is bfloat16 on CUDA devices that compute in it, float16 on other CUDA devices, and
    full precision on the CPU.

    Raises:
        ValueError: If the mode is not one of :data:`AMP_MODES`.
    """
    if mode not in AMP_MODES:
        raise ValueError(f"`amp` must be one of {', '.join(AMP_MODES)}, but got {mode!r}.")
    if mode == "auto":
        if device.type != "cuda":
            return None
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    return {"off": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[mode]


def autocast(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[object]:
    """A context, to be entered any number of times, that computes in ``dtype``."""
    if dtype is None:
        return nullcontext()
    return torch.autocast(device.type, dtype=dtype)


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Has cuDNN use deterministic algorithms, so that the same seed gives the same curve."""
    if device.type != "cuda":
        yield
        return
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
