"""The random numbers of one training, apart from everything else in the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_GLOBAL_GENERATOR = threading.RLock()
"""Held while PyTorch's global generators are borrowed; threads would mix up their numbers."""


class RunRandom:
    """Two streams that depend on a seed only.

    ``generator`` shuffles and augments. Weight initialisation and dropout draw from PyTorch's
    global generators, which :meth:`borrowed` hands over and gives back untouched; in between, the
    stream's place is kept here, so that other code may use the global generators as it likes.

    Args:
        seed: At least 0.
        device: Where networks run and where ``generator`` lives.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        root = torch.Generator().manual_seed(seed)
        global_seed, data_seed = torch.randint(2**62, (2,), generator=root).tolist()
        self._device = device
        self._cpu = torch.Generator().manual_seed(global_seed).get_state()
        self._cuda: Tensor | None = None
        if device.type == "cuda":
            self._cuda = torch.Generator(device).manual_seed(global_seed).get_state()
        self.generator = torch.Generator(device).manual_seed(data_seed)

    @contextmanager
    def borrowed(self) -> Iterator[None]:
        """Has the global generators produce this run's numbers; one thread at a time."""
        devices = [] if self._cuda is None else [self._device]
        with _GLOBAL_GENERATOR, torch.random.fork_rng(devices=devices):
            torch.set_rng_state(self._cpu)
            if self._cuda is not None:
                torch.cuda.set_rng_state(self._cuda, self._device)
            yield
            self._cpu = torch.get_rng_state()
            if self._cuda is not None:
                self._cuda = torch.cuda.get_rng_state(self._device)

    def state(self) -> dict[str, Tensor]:
        """The places in all streams, as uint8 tensors on the CPU."""
        state = {"cpu": self._cpu, "data": self.generator.get_state()}
        return state if self._cuda is None else {**state, "cuda": self._cuda}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Goes to the places that :meth:`state` returned, on the same kind of device."""
        self._cpu = state["cpu"]
        self.generator.set_state(state["data"])
        if self._cuda is not None:
            self._cuda = state["cuda"]
