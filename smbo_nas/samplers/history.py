"""What a study over one space has shown, in the order in which it was shown."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from optuna.study import Study

S = TypeVar("S")

_MAX_DIGESTS = 100_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an architecture.

    Attributes:
        number: Of its trial.
        params: The point of the space.
        digest: Of its graph.
        value: Larger is better, whatever the study's direction.
    """

    number: int
    params: Params
    digest: str
    value: float


@dataclass(frozen=True)
class History:
    """A study as a search strategy sees it.

    Attributes:
        outcomes: What has ended with a value, in the order in which it ended.
        pending: Params of the architectures that are being trained.
        seen: Trial number of the first trial of each architecture, by digest, whatever became of it.
    """

    outcomes: Sequence[Outcome]
    pending: Sequence[Params] = ()
    seen: Mapping[str, int] = field(default_factory=dict)


class HistoryReader:
    """Reads studies over one space; keeps what a trial that has ended said, which will not change.

    The value of a PRUNED trial is the last that it reported, as for the samplers of the papers, which know of no other.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._digests: dict[tuple[Any, ...], str | None] = {}
        self._ended: dict[tuple[object, ...], tuple[str | None, Outcome | None]] = {}

    def digest(self, params: Mapping[str, Any]) -> str | None:
        """Of the architecture's graph; None where params are none of the space."""
        key = tuple(params.get(name) for name in self._space.choices)
        if key not in self._digests:
            if len(self._digests) >= _MAX_DIGESTS:
                self._digests.clear()
            own = dict(zip(self._space.choices, key, strict=True))
            self._digests[key] = self._space.graph(own).digest if self._space.is_valid(own) else None
        return self._digests[key]

    def read(self, study: Study, trial: FrozenTrial) -> History:
        """What the trials beside `trial` say."""
        seen: dict[str, int] = {}
        pending: list[Params] = []
        ended: list[tuple[Any, int, Outcome]] = []
        for t in study.get_trials(deepcopy=False):
            if t.number == trial.number:
                continue
            if t.state.is_finished():
                digest, outcome = self._of_ended(study, t)
                if outcome is not None:
                    ended.append((t.datetime_complete or t.datetime_start, t.number, outcome))
            else:
                digest = self.digest(t.params)
                if digest is not None:
                    pending.append(self._own(t))
            if digest is not None:
                seen.setdefault(digest, t.number)
        ended.sort(key=lambda item: item[:2])
        return History([outcome for *_, outcome in ended], pending, seen)

    def _of_ended(self, study: Study, trial: FrozenTrial) -> tuple[str | None, Outcome | None]:
        key = (study.study_name, trial.number, trial.datetime_complete)
        if key not in self._ended:
            digest, value = self.digest(trial.params), _value(trial)
            outcome = None
            if digest is not None and value is not None:
                sign = -1.0 if study.direction == StudyDirection.MINIMIZE else 1.0
                outcome = Outcome(trial.number, self._own(trial), digest, sign * value)
            self._ended[key] = digest, outcome
        return self._ended[key]

    def _own(self, trial: FrozenTrial) -> Params:
        return {name: trial.params[name] for name in self._space.choices}


def _value(trial: FrozenTrial) -> float | None:
    if trial.state == TrialState.COMPLETE:
        return float(trial.values[0])
    if trial.state == TrialState.PRUNED and trial.intermediate_values:
        last = float(trial.intermediate_values[max(trial.intermediate_values)])
        return None if math.isnan(last) else last
    return None


class Replay(Generic[S]):
    """A state that outcomes lead to, one after the other; goes on from the last one where the outcomes do.

    What is kept saves time and decides nothing: other outcomes are replayed from the start.

    Args:
        start: Makes the state before any outcome.
        step: Changes a state by an outcome.
    """

    def __init__(self, start: Callable[[], S], step: Callable[[S, Outcome], None]) -> None:
        self._start = start
        self._step = step
        self._done: list[Outcome] = []
        self._state: S | None = None

    def __call__(self, outcomes: Sequence[Outcome]) -> S:
        """The state after the outcomes, not to be changed."""
        done = len(self._done)
        state = self._state
        if state is None or list(outcomes[:done]) != self._done:
            state, done = self._start(), 0
        for outcome in outcomes[done:]:
            self._step(state, outcome)
        self._state, self._done = state, list(outcomes)
        return state


class Standing:
    """Where values stand among those before: a reward without a unit."""

    def __init__(self) -> None:
        self._sorted: list[float] = []

    def add(self, value: float) -> float:
        """Takes a value in and returns its `share`."""
        bisect.insort(self._sorted, value)
        return self.share(value)

    def share(self, value: float) -> float:
        """The share of the values taken in that `value` exceeds, half of the equal ones counted, in [0, 1]."""
        below = bisect.bisect_left(self._sorted, value) + bisect.bisect_right(self._sorted, value)
        return below / (2 * len(self._sorted))
