"""When to stop a training, from its learning curve and the finished ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from sklearn.base import clone

from predictors.curves import CurvePredictor, StudentMixture, default_curve_predictor
from predictors.curves.learning import last_values
from predictors.curves.prior import given_final, tempered, usual_trust

Array = NDArray[np.float64]
Direction = Literal["maximize", "minimize"]

_RISK, _RISK_OF_A_PAUSE = 0.2, 0.9
"""Defaults of `risk`: of a stop for good, and where a training may go on later."""


@dataclass(frozen=True)
class StopVerdict:
    """Whether to stop a training, and what that rests on.

    Attributes:
        stop: Whether to stop.
        probability: The probability that the final value beats the incumbent; NaN if there is
            too little to say.
        before: What that was before the first value, NaN likewise.
        why: The reason in a few words.
        predictive: The distribution of the final value, as it was at each of the last `patience` values, the newest
            first; None likewise.
    """

    stop: bool
    probability: float
    before: float
    why: str
    predictive: StudentMixture | None = field(default=None, repr=False, compare=False)

    @property
    def mean(self) -> float:
        """Predicted final value, its median; NaN if there is too little to say."""
        return self._bulk[0]

    @property
    def std(self) -> float:
        """Half of the range of the central 68.3 %, NaN likewise."""
        return self._bulk[1]

    @cached_property
    def _bulk(self) -> tuple[float, float]:
        if self.predictive is None:
            return math.nan, math.nan
        medians, spreads = self.predictive.bulk()
        return float(medians[0]), float(spreads[0])


class StopPolicy:
    """Stops a training whose curve has made it much less likely to end among the best, for what it still costs.

    As Domhan, Springenberg and Hutter (IJCAI 2015, section 3.3) do, it looks at the probability that the final measured
    value beats the incumbent; the predictor has learned from the finished curves, and it is asked at every step. Theirs
    stops below a fixed probability, which stops more of the winners the rarer they are, and the oftener it is asked:
    in a long search nearly all. Here a training is stopped once the probability for each step that is left is below
    `risk` times what it was before the first value: what was paid already is paid, and what has little left to pay goes
    on for little. Of the trainings that would have won, a share of at most `risk` is stopped, however often it is
    asked, as far as the predictor is right (Ville 1939: among winners the inverse of the probability is a
    supermartingale). A policy holds no state: the same curves always give the same verdict.

    Args:
        predictor: Predictor of final values, never fitted itself but cloned;
            `default_curve_predictor()` if None.
        risk: Share of the winners that may be stopped, strictly between 0 and 1. None takes 0.2, and 0.9 for a
            training with a `promise`, which may go on later.
        k: The value to beat is the k-th best final value of the finished curves. With the
            second best one lucky measurement does not set the bar: in simulated searches, at
            twice the risk, it saved more epochs than the best and lost the best network no more
            often.
        n_startup_trials: No stop before this many curves are finished, at least 1.
        n_warmup_steps: No stop within this many first steps, at least 0.
        patience: The probability must have been so low at this many observed steps in a
            row, at least 1.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        *,
        predictor: CurvePredictor | None = None,
        risk: float | None = None,
        k: int = 2,
        n_startup_trials: int = 4,
        n_warmup_steps: int = 1,
        patience: int = 1,
    ) -> None:
        if risk is not None and not 0 < risk < 1:
            raise ValueError(f"`risk` must lie strictly between 0 and 1, but got {risk}.")
        for name, number, least in (
            ("k", k, 1),
            ("n_startup_trials", n_startup_trials, 1),
            ("n_warmup_steps", n_warmup_steps, 0),
            ("patience", patience, 1),
        ):
            if number < least:
                raise ValueError(f"`{name}` must be at least {least}, but got {number}.")
        self.predictor = predictor
        self.risk = risk
        self.k = k
        self.n_startup_trials = n_startup_trials
        self.n_warmup_steps = n_warmup_steps
        self.patience = patience
        self._fitted: tuple[Array, CurvePredictor, _Unseen] | None = None  # Saves refits, decides nothing.

    def decide(
        self,
        finished: ArrayLike,
        curve: ArrayLike,
        *,
        direction: Direction = "maximize",
        incumbent: float | None = None,
        prior: tuple[float, float] | None = None,
        promise: float | None = None,
    ) -> StopVerdict:
        """Says whether to stop the training that has this curve so far.

        Args:
            finished: Finished curves in the order of their start, `(n_curves, n_steps)`, NaN
                where not observed. Their number of columns is the length of a whole curve.
            curve: The values so far, `(n,)` with n up to `n_steps`, NaN where not observed.
            direction: "maximize" or "minimize".
            incumbent: The value to beat; None takes the k-th best last value of the finished.
            prior: Mean and standard deviation of the final value as known from elsewhere, such as from the network's
                graph; the curve is judged by both together.
            promise: Of a training that was chosen by what its graph says: what it was worth before it began, as a
                share of the best that could be trained in its place, from 0 to 1. A promise of a half makes up for half
                of the probability; and what a curve claims early counts for less (`usual_trust`).

        Raises:
            ValueError: If the shapes don't fit, `direction` is neither of the two or `promise` not from 0 to 1.
        """
        if promise is not None and not 0 <= promise <= 1:
            raise ValueError(f"`promise` must be from 0 to 1, but got {promise}.")
        if direction not in ("maximize", "minimize"):
            raise ValueError(f'`direction` must be "maximize" or "minimize", but got {direction!r}.')
        known = np.array(finished, dtype=np.float64)
        begun = np.array(curve, dtype=np.float64)
        if known.ndim != 2 or begun.ndim != 1 or len(begun) > known.shape[1]:
            raise ValueError(
                "`finished` must have shape (n_curves, n_steps) and `curve` at most n_steps "
                f"values, but got shapes {known.shape} and {begun.shape}."
            )
        known = known[np.isfinite(known).any(axis=1)]
        seen = np.flatnonzero(np.isfinite(begun))
        if len(known) < max(self.n_startup_trials, self.k):
            return _go_on(f"only {len(known)} finished curves")
        if len(seen) < self.patience:
            return _go_on(f"only {len(seen)} values observed")
        if seen[-self.patience] < self.n_warmup_steps:
            return _go_on(f"within the first {self.n_warmup_steps} steps")
        if seen[-1] == known.shape[1] - 1:
            return _go_on("the training is finished")
        target = self._incumbent(known, direction) if incumbent is None else float(incumbent)

        # The curve as it was at each of the last observed steps, the newest first.
        history = np.full((self.patience, len(begun)), np.nan)
        for row, last in enumerate(seen[: -self.patience - 1 : -1]):
            history[row, : last + 1] = begun[: last + 1]
        shares = (seen[: -self.patience - 1 : -1] + 1) / known.shape[1]
        predictor, unseen = self._fit(known)
        predictive, below_before = predictor.predictive(history), float(unseen.predictive.cdf(target)[0])
        if prior is not None or promise is not None:
            predictive = _trusted(predictive, unseen, shares)
        if prior is not None:
            predictive = given_final(predictive, *unseen.bulk, prior)
            below_before = float(ndtr((target - prior[0]) / prior[1]))
        below = predictive.cdf(target)
        chance, before = (1.0 - below, 1.0 - below_before) if direction == "maximize" else (below, below_before)
        risk = self.risk or (_RISK if promise is None else _RISK_OF_A_PAUSE)
        stop = bool((chance * (1.0 if promise is None else promise) < risk * before * (1.0 - shares)).all())
        sign = ">" if direction == "maximize" else "<"
        why = f"P(final {sign} {target:.6g}) = {chance[0]:.3g}, {before:.3g} at first"
        if promise is not None and promise < 1.0:
            why += f", promised {promise:.2g} of the best in its place"
        return StopVerdict(
            stop=stop,
            probability=float(chance[0]),
            before=before,
            why=why,
            predictive=predictive,
        )

    def _incumbent(self, finished: Array, direction: Direction) -> float:
        final = np.sort(last_values(finished))
        return float(final[-self.k] if direction == "maximize" else final[self.k - 1])

    def _fit(self, finished: Array) -> tuple[CurvePredictor, _Unseen]:
        """The predictor fitted on the finished curves, refitted when they have grown by 5 %.

        With it, the final value of a training of which no value is known yet.

        Which curves it learns from depends on the curves alone, so that all workers agree.
        """
        block = max(len(finished) // 20, 1)
        learned = finished[: len(finished) - len(finished) % block]
        if self._fitted is not None and np.array_equal(self._fitted[0], learned, equal_nan=True):
            return self._fitted[1:]
        own = default_curve_predictor() if self.predictor is None else self.predictor
        predictor: CurvePredictor = clone(own).fit(learned)
        self._fitted = learned, predictor, _Unseen(predictor.predictive(np.full((1, 1), np.nan)))
        return self._fitted[1:]


@dataclass(frozen=True, eq=False)
class _Unseen:
    """What is said of a training of which no value is known yet."""

    predictive: StudentMixture

    @cached_property
    def bulk(self) -> tuple[float, float]:
        """Median and half of the range of the central 68.3 %, above 0."""
        (center,), (spread,) = self.predictive.bulk()
        return float(center), max(float(spread), np.finfo(np.float64).tiny)


def _trusted(predictive: StudentMixture, unseen: _Unseen, shares: Array) -> StudentMixture:
    """What counts of what curves claim that show these shares of a training, `(m,)`."""
    center, spread = unseen.bulk
    ones = np.ones(len(shares))
    return tempered(predictive, center * ones, spread * ones, usual_trust(shares))


def _go_on(why: str) -> StopVerdict:
    return StopVerdict(stop=False, probability=math.nan, before=math.nan, why=why)
