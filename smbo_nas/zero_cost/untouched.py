"""Running a network on one minibatch without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Detached parameters and copies of the buffers by name, for `functional_call` to run, change and differentiate."""
    tensors = {name: parameter.detach() for name, parameter in network.named_parameters()}
    return tensors | {name: buffer.clone() for name, buffer in network.named_buffers()}


@contextmanager
def normalising_by_minibatch(network: nn.Module) -> Iterator[None]:
    """Has batch normalisation use the minibatch, and nothing be dropped; afterwards each module is in its own mode."""
    modes = [(module, module.training) for module in network.modules()]
    try:
        for module, _ in modes:
            module.training = isinstance(module, _BatchNorm)
        yield
    finally:
        for module, mode in modes:
            module.training = mode
