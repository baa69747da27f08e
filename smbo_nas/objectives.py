"""Objectives that are known without training: parameters, FLOPs, latency; and the weighted product of two.

Each is a function of an architecture's graph, for an objective to return and for a sampler to compute by itself. What
it found is kept, so both see the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from predictors.graph import ArchGraph

if TYPE_CHECKING:
    from torch import nn

    from smbo_nas.spaces import SearchSpace

Cost = Callable[[ArchGraph], float]
"""What an architecture costs, from its graph."""


def parameters(space: SearchSpace, *, input_shape: Sequence[int], num_classes: int, **sizes: Any) -> Cost:
    """Number of trainable parameters of the network.

    Args:
        space: Says how its networks are built.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes.
        **sizes: Sizes of the network; see `smbo_nas.networks.build_network`.
    """

    @cache
    def cost(graph: ArchGraph) -> float:
        from smbo_nas.networks import count_parameters

        return float(count_parameters(_weightless(space, graph, input_shape, num_classes, sizes)))

    return cost


def flops(space: SearchSpace, *, input_shape: Sequence[int], num_classes: int, **sizes: Any) -> Cost:
    """Multiply-adds of one image's forward pass; see `smbo_nas.networks.count_flops`.

    Args:
        space: As `parameters`.
        input_shape: As `parameters`.
        num_classes: As `parameters`.
        **sizes: As `parameters`.
    """

    @cache
    def cost(graph: ArchGraph) -> float:
        from smbo_nas.networks import count_flops

        return float(count_flops(_weightless(space, graph, input_shape, num_classes, sizes), input_shape))

    return cost


def latency(
    space: SearchSpace,
    *,
    input_shape: Sequence[int],
    num_classes: int,
    batch_size: int = 1,
    device: str = "auto",
    min_seconds: float = 0.2,
    **sizes: Any,
) -> Cost:
    """Milliseconds of a forward pass on the device at hand: the median of repeated passes, after one to warm up.

    By `torch.utils.benchmark`, which waits for the device and uses as many threads as torch is set to. A measurement
    takes some `min_seconds`; where a space has thousands of architectures, let a sampler predict the latency instead of
    computing it.

    Args:
        space: As `parameters`.
        input_shape: As `parameters`.
        num_classes: As `parameters`.
        batch_size: Images of a pass, at least 1.
        device: `cpu`, `cuda`, `cuda:N` or `auto`.
        min_seconds: How long passes are repeated, above 0.
        **sizes: As `parameters`.

    Raises:
        ValueError: When an argument is out of range or there is no such device.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1, but got {batch_size}.")
    if not min_seconds > 0:
        raise ValueError(f"`min_seconds` must be above 0, but got {min_seconds}.")
    from smbo_nas.training.device import resolve_device

    place = resolve_device(device)

    @cache
    def cost(graph: ArchGraph) -> float:
        import torch
        from torch.utils.benchmark import Timer

        with torch.random.fork_rng(devices=[]):  # whoever trains next draws the weights it would have drawn
            network = space.build(graph, input_shape=input_shape, num_classes=num_classes, **sizes).to(place).eval()
        images = torch.zeros(batch_size, *input_shape, device=place)
        timer = Timer("network(images)", globals={"network": network, "images": images}, num_threads=_threads())
        with torch.inference_mode():
            return float(timer.blocked_autorange(min_run_time=min_seconds).median * 1e3)

    return cost


def weighted_product(value: float, cost: float, *, target: float, alpha: float = -0.07, beta: float = -0.07) -> float:
    """An accuracy and a cost as one objective to maximise: `value * (cost / target) ** w`.

    Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019, eq. 2 and 3: w is `alpha`
    where the cost is within the target, else `beta`. The defaults are the paper's soft constraint; its hard one is
    `alpha=0, beta=-1`.

    Args:
        value: Accuracy, at least 0.
        cost: Such as a latency, above 0.
        target: The cost that is aimed at, above 0.
        alpha: Exponent within the target, at most 0.
        beta: Exponent beyond it, at most 0.

    Raises:
        ValueError: When an argument is out of range.
    """
    for name, number in {"cost": cost, "target": target}.items():
        if not number > 0:
            raise ValueError(f"`{name}` must be above 0, but got {number}.")
    for name, number in {"alpha": alpha, "beta": beta}.items():
        if not number <= 0:
            raise ValueError(f"`{name}` must be at most 0, but got {number}.")
    if not value >= 0:
        raise ValueError(f"`value` must be at least 0, but got {value}.")
    return float(value * (cost / target) ** (alpha if cost <= target else beta))


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _weightless(
    space: SearchSpace, graph: ArchGraph, input_shape: Sequence[int], num_classes: int, sizes: dict[str, Any]
) -> nn.Module:
    import torch

    with torch.device("meta"):
        return space.build(graph, input_shape=input_shape, num_classes=num_classes, **sizes)
