"""Size and cost of a network: parameters and FLOPs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_CONVOLUTIONS = frozenset({functional.conv1d, functional.conv2d, functional.conv3d})
_PRODUCTS = frozenset({torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.mm, torch.bmm})


def count_parameters(module: nn.Module) -> int:
    """Number of trainable parameters; those shared by several layers count once."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


class _MultiplyAdds(TorchFunctionMode):
    """Counts while it is active; far cheaper to import and to run than `torch.utils.flop_counter`."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in _CONVOLUTIONS:
            weight = args[1] if len(args) > 1 else (kwargs or {})["weight"]
            self.total += out.numel() * weight[0].numel()
        elif func is functional.linear or func in _PRODUCTS:
            self.total += out.numel() * args[0].shape[-1]
        return out


def count_flops(module: nn.Module, input_shape: Sequence[int]) -> int:
    """Multiply-adds of one image's forward pass, which the architecture-search literature calls FLOPs.

    Convolutions, linear layers and matrix products count, one per multiply-add (not two); normalisation, activations,
    pooling, sums and biases do not. Only what is run counts: dead operations cost nothing. So NAS-Bench-201's cells at
    C=16, N=5 have from 7.78 to 220.12 million on 32x32 images, as its authors report; NASLib's numbers for the same
    cells are slightly higher because they count the elements of normalisation, activations and pooling too.

    Args:
        module: The network, on any device (`meta` too); one image of zeros is run through it in evaluation mode, after
            which each of its modules is back in its own mode.
        input_shape: `(channels, height, width)` of an image.
    """
    like = next(module.parameters(), torch.empty(0))
    training = [part for part in module.modules() if part.training]
    image = torch.zeros(1, *input_shape, device=like.device, dtype=like.dtype)
    counter = _MultiplyAdds()
    module.eval()
    try:
        with torch.no_grad(), counter:
            module(image)
    finally:
        for part in training:
            part.training = True
    return counter.total
