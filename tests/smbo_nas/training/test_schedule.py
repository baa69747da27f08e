from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from smbo_nas.training.schedule import learning_rate_at


def rates(steps: int, schedule: str, warmup: float | None = None, peak: float = 0.3) -> list[float]:
    return [learning_rate_at(s, steps, peak=peak, schedule=schedule, warmup=warmup) for s in range(steps)]


def pytorch_rates(steps: int, make: type[LRScheduler], peak: float = 0.3, **kwargs: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak, momentum=0.9)
    scheduler = make(optimizer, **kwargs)  # type: ignore[arg-type]
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


@pytest.mark.parametrize("steps", [1, 2, 17, 100])
def test_cosine_is_that_of_pytorch(steps: int) -> None:
    assert rates(steps, "cosine") == pytest.approx(pytorch_rates(steps, CosineAnnealingLR, T_max=steps))


@pytest.mark.parametrize(("steps", "warmup"), [(17, None), (100, None), (100, 0.5), (40, 0.1)])
def test_one_cycle_is_that_of_pytorch(steps: int, warmup: float | None) -> None:
    expected = pytorch_rates(
        steps - 1,  # PyTorch's scheduler refuses the step after the last rate
        OneCycleLR,
        max_lr=0.3,
        total_steps=steps,
        pct_start=0.3 if warmup is None else warmup,
    )
    ours = rates(steps, "onecycle", warmup)
    assert ours[:-1] == pytest.approx(expected)
    assert ours[-1] == pytest.approx(0.3 / 25 / 1e4)


def test_warmup_of_cosine_rises_linearly_to_the_peak() -> None:
    values = rates(20, "cosine", warmup=0.25)
    assert values[:6] == pytest.approx([0.06, 0.12, 0.18, 0.24, 0.3, 0.3])
    assert values[5:] == sorted(values[5:], reverse=True)


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("warmup", [None, 0.0, 0.3, 0.5, 0.99])
def test_short_trainings_have_positive_rates_up_to_the_peak(steps: int, schedule: str, warmup: float | None) -> None:
    assert all(0 < rate <= 0.3 + 1e-12 for rate in rates(steps, schedule, warmup))
