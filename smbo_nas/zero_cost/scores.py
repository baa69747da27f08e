"""All zero-cost scores of a network, by name."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from predictors.threads import single_torch_thread
from smbo_nas.networks.complexity import count_flops, count_parameters
from smbo_nas.training.device import repeatable, resolve_device
from smbo_nas.zero_cost.gradients import WeightGradients, grad_norm, snip, weight_gradients
from smbo_nas.zero_cost.naswot import naswot
from smbo_nas.zero_cost.synflow import synflow
from smbo_nas.zero_cost.untouched import normalising_by_minibatch
from smbo_nas.zero_cost.zen import zen


@dataclass(frozen=True, eq=False)
class _Probe:
    """An untrained network and one minibatch to score it by."""

    network: nn.Module
    images: Tensor
    labels: Tensor
    seed: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self.images.shape[1:])

    @cached_property
    def gradients(self) -> WeightGradients:
        return weight_gradients(self.network, self.images, self.labels)


SCORES: Mapping[str, Callable[[_Probe], float]] = {
    "parameters": lambda probe: count_parameters(probe.network),
    "flops": lambda probe: count_flops(probe.network, probe.input_shape),
    "naswot": lambda probe: naswot(probe.network, probe.images),
    "synflow": lambda probe: synflow(probe.network, probe.input_shape),
    "zen": lambda probe: zen(probe.network, probe.images.shape, torch.Generator().manual_seed(probe.seed)),
    "grad_norm": lambda probe: grad_norm(probe.gradients),
    "snip": lambda probe: snip(probe.gradients),
}
"""The scores by name."""


def zero_cost_scores(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    names: Collection[str] = tuple(SCORES),
    seed: int = 0,
    device: str = "auto",
) -> dict[str, float]:
    """Scores of an untrained network from one minibatch.

    The network is left as it is: a copy is scored, with batch normalisation by the minibatch and without dropout. On
    the CPU one thread is used, so that the scores are the same on any number of cores; score several networks in
    several processes.

    Args:
        network: From images `(b, c, h, w)` to logits `(b, num_classes)`.
        images: `(b, c, h, w)`, at least 2, standardised as for training; 16 to 64 are usual.
        labels: `(b,)`, int64. Only `grad_norm` and `snip` look at them, only these and `naswot` at the images; for the
            others images of noise will do.
        names: Which of `SCORES` to compute.
        seed: Seed of the Gaussian weights and images of `zen`; no global random state is read or changed.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.

    Returns:
        The scores in the order of `names`. NaN (missing, as predictors read it) where a score is not defined: `synflow`
        and `zen` of a network that passes no signal, `naswot` where two images cannot be told apart, or an overflow.

    Raises:
        ValueError: When a name is unknown, images and labels do not fit, or there is no such device.
    """
    unknown = [name for name in names if name not in SCORES]
    if unknown:
        raise ValueError(f"`names` must be among {', '.join(SCORES)}, but got {unknown[0]!r}.")
    if images.ndim != 4 or len(images) < 2:
        raise ValueError(f"`images` must be (b, c, h, w) with b at least 2, but are {tuple(images.shape)}.")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"`labels` must be one for each of the {len(images)} images, but are {tuple(labels.shape)}.")
    where = resolve_device(device)
    if any(parameter.device != where for parameter in network.parameters()):
        network = copy.deepcopy(network).to(where)
    probe = _Probe(network, images.to(where), labels.to(where), seed)
    with normalising_by_minibatch(network), single_torch_thread(), repeatable(where):
        scores = {name: float(SCORES[name](probe)) for name in names}
    return {name: score if math.isfinite(score) else math.nan for name, score in scores.items()}
