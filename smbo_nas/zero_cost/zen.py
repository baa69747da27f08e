"""Zen-score: how expressive a network with Gaussian weights is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from smbo_nas.zero_cost.untouched import tensors_of

PERTURBATION = 0.01
"""The paper's alpha: size of the noise on an image."""

_POOLING = frozenset({functional.adaptive_avg_pool2d, functional.adaptive_max_pool2d})


class _Features(TorchFunctionMode):
    """Keeps, while it is active, the last feature map and the scales that batch normalisation takes away."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.last = images
        self.log_scales: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is functional.batch_norm:
            self.log_scales.append(args[0].var(dim=(0, 2, 3), correction=0).mean().log() / 2)
        out = func(*args, **(kwargs or {}))
        if isinstance(out, Tensor) and out.ndim == 4 and func not in _POOLING:
            self.last = out
        return out


def gaussian(network: nn.Module, generator: torch.Generator) -> dict[str, Tensor]:
    """Parameters of the network with standard normal weights; normalisation has scale 1, biases are 0.

    Args:
        network: On any device; drawn on the CPU, so that every device gets the same weights.
        generator: On the CPU.
    """

    def draw(name: str, parameter: Tensor) -> Tensor:
        if parameter.ndim > 1:
            return torch.randn(parameter.shape, generator=generator).to(parameter)
        return torch.zeros_like(parameter) if name.endswith("bias") else torch.ones_like(parameter)

    return {name: draw(name, parameter) for name, parameter in network.named_parameters()}


def zen(network: nn.Module, images_shape: Sequence[int], generator: torch.Generator) -> float:
    """Logarithm of how far the last feature map moves when Gaussian images do; higher promises more.

    Lin et al., "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition", ICCV 2021, algorithm 1: weights,
    images and perturbations are standard normal, and the logarithm of the standard deviation that each batch
    normalisation takes away is added back. The norm is the authors' code's, the mean absolute difference summed over a
    map. Images and their perturbed copies go through the network as one minibatch, so normalisation treats them alike.
    The paper leaves shortcuts out of a chain of layers; here the graph is the architecture, so its paths all stay.

    Args:
        network: Normalises by the minibatch.
        images_shape: `(b, c, h, w)`.
        generator: On the CPU.

    Returns:
        Not finite where no signal reaches the last feature map.
    """
    images, noise = torch.randn(2, *images_shape, generator=generator)
    parameters = gaussian(network, generator)
    both = torch.cat([images, images + PERTURBATION * noise]).to(next(iter(parameters.values())))
    features = _Features(both)
    with torch.no_grad(), features:
        functional_call(network, tensors_of(network) | parameters, (both,))
    before, after = features.last.double().chunk(2)
    moved = (before - after).abs().sum(dim=(1, 2, 3)).mean().log()
    return float(moved + torch.stack([*features.log_scales, moved.new_zeros(())]).double().sum())
