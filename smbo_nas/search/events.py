"""What a worker tells the progress display."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Begun:
    """The search begins: so many networks were finished by earlier runs, so many trials under way are continued.

    `best` is the best value so far and its trial's number.
    """

    finished: int
    continued: int
    best: tuple[float, int] | None


@dataclass(frozen=True)
class EpochDone:
    """An epoch was trained and reported (`replayed`: it was read from a checkpoint)."""

    trial: int
    epoch: int
    value: float
    replayed: bool


@dataclass(frozen=True)
class TrialEnded:
    """A trial is finished: `state` COMPLETE, PRUNED or FAIL, why it failed, and the stopped trial that it continued.

    `begins` says whether it counts as one more network.
    """

    trial: int
    state: str
    value: float | None
    epochs: int
    reason: str | None = None
    resumes: int | None = None
    begins: bool = True


Event = Begun | EpochDone | TrialEnded
Emit = Callable[[Event], None]
