"""Acquisition functions: how much each candidate is worth training, on a predictor's scores.

Those of BoTorch are BoTorch's own, on `smbo_nas.botorch_models`, which is imported when one is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from predictors.graph import ArchGraph

Array = NDArray[np.float64]


class Scores(Protocol):
    """What says how good an architecture will be, in normal scores: a fitted predictor, or `JointScores` of a list."""

    random_state: int | None

    def predict_scores(self, X: Sequence[ArchGraph], /) -> tuple[Array, Array]:
        """Mean and standard deviation, `(len(X),)` each; see `ArchitecturePredictor`."""

    def sample_scores(self, X: Sequence[ArchGraph], /, n: int = 1) -> Array:
        """Joint draws, `(n, len(X))`."""


class Acquisition(Protocol):
    """Says how much each candidate is worth training."""

    def __call__(
        self,
        predictor: Scores,
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph],
        best: float,
        rng: np.random.Generator,
    ) -> Array:
        """The worth of each of `graphs`, `(n,)`; the largest is trained next.

        Args:
            predictor: Knows `graphs` and `measured`, and has heard of the latter's values.
            graphs: `n` candidates, no two of them isomorphic.
            measured: Architectures with a value, at least the best of them, and those of RUNNING trials, which are
                believed at their predicted one.
            best: The score to improve on.
            rng: The only source of randomness.
        """


@dataclass(frozen=True)
class LogEI:
    """Logarithm of the expected improvement over the best score, in closed form.

    BoTorch's `LogExpectedImprovement`: Ament et al., "Unexpected Improvements to Expected Improvement", NeurIPS 2023.
    """

    def __call__(
        self,
        predictor: Scores,
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph] = (),  # noqa: ARG002
        best: float,
        rng: np.random.Generator | None = None,  # noqa: ARG002
    ) -> Array:
        """See `Acquisition`."""
        import torch
        from botorch.acquisition import LogExpectedImprovement

        from smbo_nas.botorch_models import PredictorModel

        model = PredictorModel(predictor, graphs)
        with torch.no_grad():
            values: Array = LogExpectedImprovement(model, best_f=best)(model.every_candidate()).numpy()
        return values


@dataclass(frozen=True)
class UCB:
    """Upper confidence bound, `mean + sqrt(beta) std`.

    BoTorch's `UpperConfidenceBound`: Srinivas et al., "Gaussian Process Optimization in the Bandit Setting", ICML 2010.

    Attributes:
        beta: Weight of the variance, at least 0.
    """

    beta: float = 4.0

    def __post_init__(self) -> None:
        if not self.beta >= 0:
            raise ValueError(f"`beta` must be at least 0, but got {self.beta}.")

    def __call__(
        self,
        predictor: Scores,
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph] = (),  # noqa: ARG002
        best: float = 0.0,  # noqa: ARG002
        rng: np.random.Generator | None = None,  # noqa: ARG002
    ) -> Array:
        """See `Acquisition`."""
        import torch
        from botorch.acquisition import UpperConfidenceBound

        from smbo_nas.botorch_models import PredictorModel

        model = PredictorModel(predictor, graphs)
        with torch.no_grad():
            values: Array = UpperConfidenceBound(model, beta=self.beta)(model.every_candidate()).numpy()
        return values


@dataclass(frozen=True)
class Mean:
    """The predicted mean alone, as PNAS and NAO choose."""

    def __call__(
        self,
        predictor: Scores,
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph] = (),  # noqa: ARG002
        best: float = 0.0,  # noqa: ARG002
        rng: np.random.Generator | None = None,  # noqa: ARG002
    ) -> Array:
        """See `Acquisition`."""
        return predictor.predict_scores(graphs)[0]


@dataclass(frozen=True)
class Thompson:
    """One draw from the joint posterior of all candidates (Thompson 1933; `ArchitecturePredictor.sample_scores`)."""

    def __call__(
        self,
        predictor: Scores,
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph] = (),  # noqa: ARG002
        best: float = 0.0,  # noqa: ARG002
        rng: np.random.Generator,
    ) -> Array:
        """See `Acquisition`."""
        from smbo_nas.botorch_models import reseeded

        draws = reseeded(predictor, int(rng.integers(2**31))).sample_scores(graphs)
        return np.asarray(draws[0])


@dataclass(frozen=True)
class IndependentThompson:
    """One draw for each candidate on its own, from a normal distribution of its mean and standard deviation.

    White et al., "BANANAS", AAAI 2021, sec. 4: "independent Thompson sampling", the best of those they compare.
    """

    def __call__(
        self,
        predictor: Scores,
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph] = (),  # noqa: ARG002
        best: float = 0.0,  # noqa: ARG002
        rng: np.random.Generator,
    ) -> Array:
        """See `Acquisition`."""
        mean, std = predictor.predict_scores(graphs)
        return mean + std * rng.standard_normal(len(mean))


@dataclass(frozen=True)
class QLogNEI:
    """Logarithm of the expected improvement over what was measured, whose own scores are uncertain too.

    BoTorch's `qLogNoisyExpectedImprovement` (Letham et al., "Constrained Bayesian Optimization with Noisy Experiments",
    2019; Ament et al. 2023), by Monte Carlo on the joint posterior of the measured architectures of highest mean and a
    short list of candidates, those of highest `LogEI`. The others are worth nothing, -inf.

    Attributes:
        shortlist: Most candidates, at least 1.
        baseline: Most measured architectures, at least 1.
        draws: Monte Carlo samples, at least 2; a power of two is best.
    """

    shortlist: int = 64
    baseline: int = 32
    draws: int = 256

    def __post_init__(self) -> None:
        for name, lowest in {"shortlist": 1, "baseline": 1, "draws": 2}.items():
            if getattr(self, name) < lowest:
                raise ValueError(f"`{name}` must be at least {lowest}, but got {getattr(self, name)}.")

    def __call__(
        self,
        predictor: Scores,
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph],
        best: float,
        rng: np.random.Generator,
    ) -> Array:
        """See `Acquisition`."""
        import torch
        from botorch.acquisition import qLogNoisyExpectedImprovement

        from smbo_nas.botorch_models import joint_model, positions

        short = _top(LogEI()(predictor, graphs, best=best), self.shortlist)
        known = list({graph.digest: graph for graph in measured}.values())
        known = [known[k] for k in _top(predictor.predict_scores(known)[0], self.baseline)]
        model, sampler = joint_model(predictor, [*known, *(graphs[k] for k in short)], self.draws, rng)
        worth = np.full(len(graphs), -np.inf)
        with torch.no_grad():
            acquisition = qLogNoisyExpectedImprovement(
                model, positions(0, len(known))[:, 0], sampler=sampler, prune_baseline=False, cache_root=False
            )
            worth[short] = acquisition(positions(len(known), len(known) + len(short))).numpy()
        return worth


ACQUISITIONS: Mapping[str, Callable[[], Acquisition]] = {
    "log_ei": LogEI,
    "ucb": UCB,
    "mean": Mean,
    "thompson": Thompson,
    "independent_thompson": IndependentThompson,
    "q_log_nei": QLogNEI,
}
"""The acquisitions by name, at their defaults."""


def get_acquisition(acquisition: str | Acquisition) -> Acquisition:
    """An acquisition by name, or the one given.

    Raises:
        ValueError: When there is none of this name.
    """
    if not isinstance(acquisition, str):
        return acquisition
    if acquisition not in ACQUISITIONS:
        raise ValueError(f"`acquisition` must be one of {', '.join(ACQUISITIONS)}, but got {acquisition!r}.")
    return ACQUISITIONS[acquisition]()


def _top(values: Array, n: int) -> NDArray[np.intp]:
    """Positions of the `n` largest, the first of equals first."""
    return np.argsort(-values, kind="stable")[:n]
