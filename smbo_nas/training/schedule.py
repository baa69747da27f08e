"""Learning rates as a function of the step; there is no state to save."""

from __future__ import annotations

import math

SCHEDULES = ("cosine", "onecycle")
"""The names of the schedules."""

_ONE_CYCLE_START = 25.0
_ONE_CYCLE_END = 1e4


def learning_rate_at(step: int, steps: int, *, peak: float, schedule: str, warmup: float | None) -> float:
    """The learning rate of one step.

    Args:
        step: From 0 to ``steps - 1``.
        steps: Number of steps of the whole training.
        peak: Highest learning rate.
        schedule: ``cosine`` rises linearly in the warm-up, then falls along half a cosine to 0, as
            ``torch.optim.lr_scheduler.CosineAnnealingLR``. ``onecycle`` rises from ``peak / 25``
            and falls to ``peak / 250,000``, both along half a cosine, as
            ``torch.optim.lr_scheduler.OneCycleLR``.
        warmup: Share of all steps in which it rises; ``None`` is 0 and 0.3, respectively.
    """
    if schedule == "onecycle":
        return _one_cycle(step, steps, peak, 0.3 if warmup is None else warmup)
    rising = round((warmup or 0.0) * steps)
    if step < rising:
        return peak * (step + 1) / rising
    return _half_cosine(peak, 0.0, (step - rising) / (steps - rising))


def _one_cycle(step: int, steps: int, peak: float, warmup: float) -> float:
    start = peak / _ONE_CYCLE_START
    top, last = warmup * steps - 1, steps - 1
    if step <= top:
        return _half_cosine(start, peak, step / top if top else 1.0)
    top = max(top, 0.0)
    return _half_cosine(peak, start / _ONE_CYCLE_END, (step - top) / (last - top) if last else 0.0)


def _half_cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * progress))
