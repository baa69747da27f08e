"""NASWOT: how differently an untrained network's ReLUs answer the images of a minibatch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from smbo_nas.zero_cost.untouched import tensors_of

_RELUS = frozenset({functional.relu, functional.relu6, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_})


class _Codes(TorchFunctionMode):
    """Adds up, while it is active, the kernels of the codes of every ReLU that runs."""

    def __init__(self, n_images: int) -> None:
        super().__init__()
        self.kernel = torch.zeros(n_images, n_images, dtype=torch.float64)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in _RELUS:
            self.kernel += hamming_kernel(out.detach().flatten(1) > 0).cpu()
        return out


def hamming_kernel(codes: Tensor) -> Tensor:
    """For each pair of binary codes, in how many of their bits they agree: Mellor et al. (2021), equation 2.

    Args:
        codes: `(b, n)`, boolean.

    Returns:
        `(b, b)`, float64; the diagonal is `n`.
    """
    signs = codes.float() * 2 - 1  # agreements less disagreements; float32 is exact up to 2^24 units
    return (signs.shape[1] + (signs @ signs.T).double()) / 2


def log_determinant(kernel: Tensor) -> float:
    """Logarithm of the absolute determinant; -inf where two images have the same code."""
    return float(torch.linalg.slogdet(kernel).logabsdet)


def naswot(network: nn.Module, images: Tensor) -> float:
    """Log-determinant of the Hamming kernel of the network's ReLU codes; higher promises more.

    Mellor, Turner, Storkey and Crowley, "Neural Architecture Search without Training", ICML 2021, sec. 3. The kernels
    of all ReLUs that are run are added up, as in the authors' code.

    Args:
        network: Normalises by the minibatch.
        images: `(b, c, h, w)`.

    Returns:
        -inf where two images have the same code, or nothing that is run is a ReLU.
    """
    codes = _Codes(len(images))
    with torch.no_grad(), codes:
        functional_call(network, tensors_of(network), (images,))
    return log_determinant(codes.kernel)
