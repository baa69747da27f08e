"""The prior-fitted network: a transformer over curves that ends in a mixture of Student-t distributions.

Every curve is one token. The finished curves, and one token of what they share, attend to each
other; a partial curve attends to them and to nothing else, so partial curves cannot tell each
other anything, and what was worked out of the finished ones serves any number of partial ones.
This is the arrangement of prior-data fitted networks (Mueller et al., ICLR 2022), where LC-PFN
(Adriaensen et al., NeurIPS 2023) has one token for each step of a single curve and a histogram at
the end.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from predictors.curves.pfn_features import N_ANCHORS, N_GUESS, N_ROW, N_TASK, Features

DOF = (30.0, 30.0, 30.0, 30.0, 30.0, 30.0, 3.0, 3.0)
"""Degrees of freedom of the components: nearly normal ones, and two with heavy tails."""


class Mixture(NamedTuple):
    """Mixtures of `K` Student-t distributions, in units of the features.

    Attributes:
        log_weights: `(T, Q, K)`.
        loc: `(T, Q, K)`.
        log_scale: `(T, Q, K)`.
        dof: `(K,)`.
    """

    log_weights: Tensor
    loc: Tensor
    log_scale: Tensor
    dof: Tensor

    def log_density(self, value: Tensor) -> Tensor:
        """Log density of values, `(T, Q)`."""
        z = (value[..., None] - self.loc) * torch.exp(-self.log_scale)
        half = (self.dof + 1) / 2
        constant = torch.lgamma(half) - torch.lgamma(self.dof / 2) - 0.5 * (self.dof * math.pi).log()
        each = constant - self.log_scale - half * torch.log1p(z**2 / self.dof)
        return torch.logsumexp(self.log_weights + each, -1)

    def stretched(self, factor: Tensor) -> Mixture:
        """The mixtures with every distance to their means multiplied by a factor, one number or `(T, Q, 1)`."""
        mean = (self.log_weights.exp() * self.loc).sum(-1, keepdim=True)
        return self._replace(loc=mean + factor * (self.loc - mean), log_scale=self.log_scale + factor.log())


class _Layer(nn.Module):
    """Attention to the context and a feed-forward part, both before-normalised; for the context and for queries."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.ask = nn.Linear(width, width)
        self.tell = nn.Linear(width, 2 * width)
        self.merge = nn.Linear(width, width)
        self.norm_after = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, context: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        n_context = context.shape[1]
        tokens = torch.cat([context, query], 1)
        normed = self.norm(tokens)
        asked = self._split(self.ask(normed))
        key, told = self.tell(normed[:, :n_context]).chunk(2, -1)
        mixed = functional.scaled_dot_product_attention(asked, self._split(key), self._split(told))
        tokens = tokens + self.merge(mixed.transpose(1, 2).flatten(2))
        tokens = tokens + self.narrow(functional.gelu(self.wide(self.norm_after(tokens))))
        return tokens[:, :n_context], tokens[:, n_context:]

    def _split(self, tokens: Tensor) -> Tensor:
        batch, length, width = tokens.shape
        return tokens.view(batch, length, self.heads, width // self.heads).transpose(1, 2)


class CurveNetwork(nn.Module):
    """From the features of tasks to one mixture for each partial curve.

    Args:
        width: Size of a token.
        layers: Number of layers.
        heads: Number of attention heads; divides `width`.
    """

    def __init__(self, width: int = 64, layers: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.row = nn.Sequential(nn.Linear(N_ROW, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.task = nn.Sequential(nn.Linear(N_TASK, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.guess = nn.Linear(N_GUESS, width)
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width + N_GUESS, 4 * width)
        self.head = nn.Linear(4 * width, len(DOF) * (3 + N_ANCHORS))

    def forward(self, features: Features) -> Mixture:
        """Returns the mixtures of the partial curves."""
        shared = self.task(features.task)[:, None]
        context = torch.cat([shared, shared + self.row(features.context)], 1)
        query = shared + self.row(features.query) + self.guess(features.guess)
        for layer in self.layers:
            context, query = layer(context, query)
        hidden = functional.gelu(self.wide(torch.cat([self.norm(query), features.guess], -1)))
        out = self.head(hidden).unflatten(-1, (len(DOF), -1))
        gate = out[..., 3:].softmax(-1)
        log_scale = out[..., 2].clamp(-9.0, 9.0)
        # What anchors are corrected by is in units of how wide the component is: what is known well keeps its order.
        loc = (gate * features.anchors[:, :, None]).sum(-1) + log_scale.exp() * out[..., 1] * (1 + out[..., 1].abs())
        return Mixture(out[..., 0].log_softmax(-1), loc, log_scale, torch.tensor(DOF))
