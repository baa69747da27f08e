"""What may be trained next, what each is worth, and what has been heard since the last fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from smbo_nas.observations import StudyReader
from smbo_nas.resuming import resumable, resumes
from smbo_nas.samplers.fitted_round import FittedRound
from smbo_nas.spaces import Candidate, Params

if TYPE_CHECKING:
    from predictors.graph import ArchGraph
    from smbo_nas.joint_scores import JointScores
    from smbo_nas.observations import Observations


@dataclass(frozen=True, eq=False)
class Weighed:
    """What may be trained next.

    Attributes:
        graphs: `n` candidates.
        params: Of each.
        numbers: The stopped trial that each would continue, or None for a new one.
        worth: Logarithm of the expected improvement for each whole training, `(n,)`.
        besides: Of what was to be weighed besides.
        joint: What is known of them together.
    """

    graphs: Sequence[ArchGraph]
    params: Sequence[Params]
    numbers: Sequence[int | None]
    worth: NDArray[np.float64]
    besides: NDArray[np.float64]
    joint: JointScores


def stopped_trainings(
    reader: StudyReader, trials: Sequence[FrozenTrial], observed: Observations
) -> list[tuple[int, Candidate, float]]:
    """Number, architecture and share left of each stopped training that may go on and that the predictor knows of."""
    complete = [t for t in trials if t.state == TrialState.COMPLETE and t.intermediate_values]
    horizon = max((max(t.intermediate_values) for t in complete), default=0)
    found = []
    for t in resumable(trials):
        candidate = reader.candidate(t)
        last = max(t.intermediate_values, default=horizon)
        if candidate is not None and last < horizon and t.number in observed.numbers:
            found.append((t.number, candidate, 1.0 - last / horizon))
    return found


def heard_since(
    reader: StudyReader,
    fitted: FittedRound,
    trials: Sequence[FrozenTrial],
    finished: Sequence[FrozenTrial],
    sign: float,
) -> list[tuple[Candidate, float]]:
    """Architectures of which the predictor has not heard, with the score measured.

    The score is NaN, which is to say that the prediction is believed, where a trial is RUNNING or was stopped. A
    RUNNING one that goes on from a stopped one was heard of.
    """
    running = [t for t in trials if t.state == TrialState.RUNNING and resumes(t) is None]
    found = []
    for t in [*running, *finished]:
        candidate = reader.candidate(t)
        if candidate is not None:
            value = t.value if t.state == TrialState.COMPLETE else None
            found.append((candidate, np.nan if value is None else fitted.score(sign * value)))
    return found


def prediction(fitted: FittedRound, joint: JointScores, graph: ArchGraph, number: int | None) -> tuple[float, float]:
    """Mean and standard deviation of the final value from the graph; for a stopped trial, without its own curve."""
    predictor = fitted.predictor
    score_mean, score_std = joint.predict_scores([graph])
    if number in fitted.observed.numbers:
        row = fitted.observed.numbers.index(number)
        if np.isfinite(predictor.held_out_.mean[row]):
            score_mean = predictor.held_out_.mean[[row]]
            score_std = predictor.held_out_.std[[row]] * predictor.error_law_.std
    mean, std = predictor.score_map_.value_moments(score_mean, score_std)
    return float(mean[0]), float(std[0])
