"""SynFlow: how much signal can flow through all paths of an untrained network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from smbo_nas.zero_cost.untouched import tensors_of

_NORMALISATIONS = frozenset(
    {functional.batch_norm, functional.instance_norm, functional.group_norm, functional.layer_norm}
)


class _NoNormalisation(TorchFunctionMode):
    """While it is active, normalisation passes on what it gets."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        # A map of its own, because what follows may write into it.
        return args[0].clone() if func in _NORMALISATIONS else func(*args, **(kwargs or {}))


def synflow(network: nn.Module, input_shape: Sequence[int]) -> float:
    """Natural logarithm of the synaptic flow summed over the weights; higher promises more.

    Tanaka, Kunin, Yamins and Ganguli, "Pruning neural networks without any data by iteratively conserving synaptic
    flow", NeurIPS 2020, sec. 6: with the absolute values of all parameters and an image of ones, R is the sum of the
    outputs, and a weight's score is its product with its gradient of R. Abdelfattah, Mehrotra, Dudziak and Lane,
    "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, sec. 3.2, sum it over a network. Normalisation is left out, as
    in their code: it would undo what the weights before it do. The sum spans tens of orders of magnitude, so it is
    taken in double precision and returned as its logarithm.

    Args:
        network: Any; its weights are those with at least two dimensions.
        input_shape: `(c, h, w)`.

    Returns:
        -inf where no path leads from the input to the output.
    """
    tensors = {name: t.abs().double() for name, t in tensors_of(network).items()}
    weights = [tensors[name].requires_grad_() for name, p in network.named_parameters() if p.ndim > 1]
    ones = torch.ones(1, *input_shape, dtype=torch.float64, device=weights[0].device)
    with _NoNormalisation():
        flow = functional_call(network, tensors, (ones,)).sum()
    gradients = torch.autograd.grad(flow, weights, allow_unused=True)
    total = sum(float((w.detach() * g).sum()) for w, g in zip(weights, gradients, strict=True) if g is not None)
    return math.log(total) if total > 0 else -math.inf
