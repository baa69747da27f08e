"""PathEnsemble: the path encoding and the ensemble of networks of BANANAS."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from predictors.architecture.base import Array
from predictors.architecture.ensemble import CalibratedEnsemble
from predictors.architecture.inputs import Inputs
from predictors.architecture.ranking import pair_weights, pairwise_hinge
from predictors.architecture.training import enough_steps, minimise
from predictors.encodings.structure import StructureEncoder
from predictors.threads import single_torch_thread

_MARGIN = 0.2
_BATCH = 512
"""Observations whose pairs are compared in one step."""
_CHUNK = 4096
"""Graphs scored at once."""


class PathNetwork(nn.Module):
    """Multilayer perceptrons of rectified units that share their inputs and nothing else.

    Every weight has a leading axis, one slice per member, so that all members run as one program.

    Args:
        members: Number of networks.
        n_features: Features of a graph.
        hidden: Width of a layer.
        layers: Number of hidden layers.
        generator: Where initial weights come from.
    """

    def __init__(self, *, members: int, n_features: int, hidden: int, layers: int, generator: torch.Generator) -> None:
        super().__init__()
        widths = (n_features, *[hidden] * layers, 1)
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for fan_in, fan_out in pairwise(widths):
            gain = 1.0 if fan_out == 1 else 6.0  # He et al., "Delving deep into rectifiers", ICCV 2015
            drawn = torch.rand(members, fan_in, fan_out, generator=generator)
            self.weights.append(nn.Parameter((2.0 * drawn - 1.0) * sqrt(gain / max(fan_in, 1))))
            self.biases.append(nn.Parameter(torch.zeros(members, 1, fan_out)))

    def forward(self, features: Tensor) -> Tensor:
        """Scores `(members, n)` from features `(n, n_features)`."""
        state = features.expand(len(self.weights[0]), -1, -1)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            state = torch.baddbmm(bias, state if layer == 0 else state.relu(), weight)
        return state[..., 0]


class PathEnsemble(CalibratedEnsemble):
    """An ensemble of multilayer perceptrons on the paths from an architecture's input to its output.

    White et al., "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture Search", AAAI 2021,
    sec. 3 (path encoding) and 4 (ensemble of five). Read in canonical form, so isomorphic graphs get the same
    prediction.

    Departures, each measured to rank better: a path counts as often as it occurs, and the counts of the shape of the
    graph stand beside those of its paths; two layers 128 wide instead of ten 20 wide; the loss is a pairwise hinge on
    the order of the values instead of their relative error, which also needs no lower bound of the values; AdamW with
    a one-cycle learning rate; and each member leaves out its share of the observations, on which mean and standard
    deviation are calibrated.

    Args:
        members: Number of networks, at least 2.
        hidden: Width of a layer.
        layers: Number of hidden layers.
        steps: Steps of the optimiser, on 512 observations each; more where ten passes over the observations take more.
        learning_rate: Highest learning rate of the cycle.
        device: Where to train and predict.
        random_state: Seed of the initial weights, of the shares left out and of the minibatches.

    Attributes:
        network_: The trained `PathNetwork`.
        encoder_: The fitted `StructureEncoder`.
    """

    network_: PathNetwork
    encoder_: StructureEncoder

    def __init__(
        self,
        *,
        members: int = 5,
        hidden: int = 128,
        layers: int = 2,
        steps: int = 200,
        learning_rate: float = 1.5e-2,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.members = members
        self.hidden = hidden
        self.layers = layers
        self.steps = steps
        self.learning_rate = learning_rate
        self.device = device
        self.random_state = random_state

    def _fit_members(
        self, inputs: Inputs, scores: Array, noise: Array, seen: NDArray[np.bool_], rng: np.random.Generator
    ) -> Array:
        self._require_at_least(hidden=1, layers=0, steps=1)
        self.encoder_ = StructureEncoder().fit(graph.canonical() for graph in inputs.graphs)
        features = self._features(inputs)
        self.network_ = PathNetwork(
            members=self.members,
            n_features=features.shape[1],
            hidden=self.hidden,
            layers=self.layers,
            generator=torch.Generator().manual_seed(int(rng.integers(2**63))),
        ).to(self.device)
        with single_torch_thread():
            self._train(features, self._tensor(scores), self._tensor(noise), self._tensor(seen), rng)
        return self._score(features)

    def _train(self, features: Tensor, scores: Tensor, noise: Tensor, seen: Tensor, rng: np.random.Generator) -> None:
        def loss_of(rows: Tensor) -> Tensor:
            seen_by = seen[:, rows]
            weights = pair_weights(scores[rows], noise[rows]) * seen_by[:, :, None] * seen_by[:, None, :]
            return pairwise_hinge(self.network_(features[rows]), weights, _MARGIN)

        n = len(features)
        minimise(
            self.network_,
            loss_of,
            n,
            batch_size=_BATCH,
            steps=enough_steps(self.steps, n, _BATCH),
            learning_rate=self.learning_rate,
            rng=rng,
        )

    def _raw(self, inputs: Inputs) -> Array:
        return self._score(self._features(inputs))

    def _score(self, features: Tensor) -> Array:
        with single_torch_thread(), torch.no_grad():
            parts = [self.network_(part).cpu().double().numpy() for part in torch.split(features, _CHUNK)]
        return np.concatenate(parts, axis=1)

    def _features(self, inputs: Inputs) -> Tensor:
        counts = self.encoder_.transform(graph.canonical() for graph in inputs.graphs)
        # The last column of a group is for what no graph of `fit` has: its weights would be as they were drawn.
        known = np.hstack([np.log1p(group[:, :-1]) for group in counts.values()])
        return self._tensor(np.hstack([known, inputs.columns]))

    def _tensor(self, array: NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)
