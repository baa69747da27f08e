"""LC-Net: a network whose last layer is made of learning curves, for many sets of weights at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import log, prod, sqrt

import torch
from torch import Tensor

_BASES = 5
_BASIS_PARAMETERS = 13
_LOG_NOISE = (2 * log(0.02), 1.0)  # Mean and standard deviation of the logarithm of the noise variance.


@dataclass(frozen=True)
class CurveNetwork:
    """The network of Klein, Falkner, Springenberg and Hutter (ICLR 2017, section 4), without its weights.

    From the features of a curve it computes the curve's asymptote, the weights of five basis functions and their
    parameters: `f(t) = asymptote + sum_k w_k phi_k(t)`, where every `phi_k` is 0 at the end. A set of weights is a
    vector of `size` numbers whose prior is N(0, I); the last gives the variance of the noise.

    Attributes:
        n_features: Number of features of a curve.
        hidden: Width of each of the three hidden layers.
    """

    n_features: int
    hidden: int

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        widths = [self.n_features, self.hidden, self.hidden, self.hidden, _BASIS_PARAMETERS + _BASES + 1]
        return [(n_in + 1, n_out) for n_in, n_out in pairwise(widths)]  # A row for the bias.

    @property
    def size(self) -> int:
        """Number of numbers in a set of weights."""
        return sum(map(prod, self._shapes)) + 1

    def curves(self, weights: Tensor, features: Tensor, t: Tensor) -> Tensor:
        """Curves without noise, `(s, m, n)`.

        Args:
            weights: `(s, size)`.
            features: `(m, n_features)`.
            t: Shares of the horizon, above 0 and up to 1, `(n,)`.
        """
        state = features.expand(len(weights), *features.shape)
        start = 0
        for depth, shape in enumerate(self._shapes):
            layer = weights[:, start : start + prod(shape)].view(-1, *shape)
            start += prod(shape)
            state = torch.baddbmm(layer[:, -1:], state if depth == 0 else torch.tanh(state), layer[:, :-1])
            state = state / sqrt(shape[0])
        parameters, mixing, asymptote = torch.split(state, [_BASIS_PARAMETERS, _BASES, 1], dim=-1)
        basis = _basis_functions(torch.sigmoid(parameters), t)
        return 0.5 + asymptote + (torch.softmax(mixing, -1)[..., None, :] @ basis)[..., 0, :]

    def log_variance(self, weights: Tensor) -> Tensor:
        """Logarithm of the variance of the noise, `(s,)`."""
        return _LOG_NOISE[0] + _LOG_NOISE[1] * weights[:, -1]


def _basis_functions(theta: Tensor, t: Tensor) -> Tensor:
    """The five functions `(s, m, 5, n)`, each 0 at t = 1, from parameters between 0 and 1, `(s, m, 13)`."""
    a1, b1, c1, a2, b2, a3, b3, c3, a4, b4, a5, b5, c5 = theta[..., None].unbind(-2)
    log_t = torch.log(t)
    vapor_pressure = torch.exp(-a1 - 0.1 * b1 / t - 0.1 * c1 * log_t) - torch.exp(-a1 - 0.1 * b1)
    power = a2 * (torch.exp(b2 * log_t) - 1.0)
    log_power = 2.0 * a3 * (torch.sigmoid(0.1 * b3 * c3) - torch.sigmoid(0.1 * b3 - c3 * log_t))
    exponential = a4 * (torch.exp(-10.0 * b4) - torch.exp(-10.0 * b4 * t))
    log_c = torch.log(c5 + 1e-6)
    hill = a5 * (torch.sigmoid(b5 * (log_t - log_c)) - torch.sigmoid(-b5 * log_c))
    return torch.stack([vapor_pressure, power, log_power, exponential, hill], dim=-2)
