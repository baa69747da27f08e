"""PNASPredictor: the surrogates of progressive neural architecture search."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from predictors.architecture.sequence_ensemble import SequenceEnsemble
from predictors.architecture.sequence_models import LSTMScorer, MLPScorer

_SCORERS: dict[str, type[LSTMScorer] | type[MLPScorer]] = {"lstm": LSTMScorer, "mlp": MLPScorer}


class PNASPredictor(SequenceEnsemble):
    """The LSTM or the MLP ensemble of PNAS, on token sequences of any length.

    Liu et al., "Progressive Neural Architecture Search", ECCV 2018, sec. 4.2. The LSTM reads the cell token by token
    and scores it from its last state; the MLP scores it from the mean embedding of its operations beside that of its
    connections. Either reads cells of more blocks than those it learned from; a connection longer than any of these
    reads as the longest. As in the paper, five members each see four fifths of the observations, embeddings and states
    are 100 wide, the loss is the absolute error and the learning rate of Adam 0.01.

    Departures: cells are read in canonical form, so isomorphic ones get the same prediction, and in training also in
    other orders of their nodes (`SequenceEnsemble`); a token names one
    operation or connection of a node with any number of inputs (`TokenEncoder`), so the MLP's mean is over those; the
    output is linear, for targets are normal scores and not accuracies; the learning rate is the peak of a cycle, and
    weights decay.

    Args:
        kind: `lstm` or `mlp`.
        members: Number of networks, at least 2.
        hidden: Width of embeddings and states.
        steps: Steps of the optimiser, on minibatches of 32 or, with many observations, an eighth of them up to 512;
            more where ten passes over the observations take more.
        learning_rate: Highest learning rate of the cycle.
        ops: Operations to expect in `predict` besides those in `fit`; what they are worth is then a guess.
        device: Where to train and predict.
        random_state: Seed of the initial weights, of the shares left out and of the minibatches.
    """

    def __init__(
        self,
        *,
        kind: str = "lstm",
        members: int = 5,
        hidden: int = 100,
        steps: int = 200,
        learning_rate: float = 0.01,
        ops: Sequence[str] = (),
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.kind = kind
        self.members = members
        self.hidden = hidden
        self.steps = steps
        self.learning_rate = learning_rate
        self.ops = ops
        self.device = device
        self.random_state = random_state

    def _network(self, n_columns: int, generator: torch.Generator) -> LSTMScorer | MLPScorer:
        if self.kind not in _SCORERS:
            raise ValueError(f"`kind` must be one of {list(_SCORERS)}, but got {self.kind!r}.")
        return _SCORERS[self.kind](
            self.encoder_, members=self.members, hidden=self.hidden, n_columns=n_columns, generator=generator
        )
