"""What a sampler costs for each trial, beside Optuna's in the same process."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler
from optuna.trial import create_trial

from smbo_nas.samplers.smbo import refit_point
from smbo_nas.spaces.base import SearchSpace
from smbo_nas.spaces.cell import CellSpace

SIZES = (100, 500, 1000, 5000)
"""Completed trials."""

PARAMETERS = 12
"""Categorical parameters, of 5 choices each."""

SLOW = 5.0
"""Seconds for a trial past which a sampler is not measured with more completed trials."""

_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (0, 4), (1, 4), (2, 4), (3, 4), (0, 5), (4, 5))


def space() -> SearchSpace:
    """A cell of 12 edges with 5 operations, 2.4e8 settings."""
    ops = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    return CellSpace(nodes=6, ops=ops, edges=_EDGES)


def worth(params: Mapping[str, str]) -> float:
    """A made-up value in percent that a sampler can learn."""
    ops = list(params.values())
    return 50.0 + 4.0 * ops.count("nor_conv_3x3") + 2.0 * ops.count("nor_conv_1x1") - 3.0 * ops.count("avg_pool_3x3")


def measure(
    samplers: Mapping[str, Callable[[SearchSpace, int], BaseSampler]],
    sizes: Sequence[int] = SIZES,
    *,
    trials: int = 10,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Times ask and all 12 suggestions in memory, round-robin over the samplers, so that all see the same machine.

    All times are CPU times of this process: on one thread, what they take on a machine of one's own.

    Each study begins with random completed trials. The first proposal is apart: there a sampler reads what is there.
    `SMBOSampler` refits at certain numbers of completed trials alone (`refit_point`); its trials straddle one, so that
    both kinds of trials are seen, and `with_refits_ms` spreads the refit over the trials up to the next one.

    Args:
        samplers: A function of space and seed by name.
        sizes: Numbers of completed trials, ascending.
        trials: Proposals timed after the first.
        seed: Of trials and samplers.

    Yields:
        One row for each sampler and size: `sampler`, `trials`, `proposal_ms` (median, without refits),
        `with_refits_ms` (mean), `refit_seconds` (None where every trial refits), `first_seconds`, `peak_mb` (growth of
        the process's memory up to the peak of the first proposal; None where the system does not say).
    """
    cell, slow = space(), set[str]()
    for size in sorted(sizes):
        begin = _before_refit(size, trials)
        completed = _completed(cell, begin, seed)
        studies: dict[str, optuna.Study] = {}
        rows: dict[str, dict[str, Any]] = {}
        for name in samplers:
            if name not in slow:
                peak = _Peak()
                studies[name] = optuna.create_study(direction="maximize", sampler=samplers[name](cell, seed))
                studies[name].add_trials(completed)
                first = _timed(studies[name], cell)
                rows[name] = {"sampler": name, "trials": size, "first_seconds": first, "peak_mb": peak.megabytes()}
        times: dict[str, list[float]] = {name: [] for name in studies}
        for _ in range(trials):
            for name, study in studies.items():
                times[name].append(_timed(study, cell))
        for name, row in rows.items():
            yield row | _cost(name, np.array(times[name]), begin)
            if row["first_seconds"] > SLOW and np.mean(times[name]) > SLOW:
                slow.add(name)


def _before_refit(size: int, trials: int) -> int:
    """About `size` completed trials, so that a refit falls in the middle of the trials that are timed."""
    before = refit_point(size)
    nearest = min((before, before + _interval(before)), key=lambda point: abs(point - size))
    return max(nearest - trials // 2 - 1, 1)


def _completed(cell: SearchSpace, count: int, seed: int) -> list[optuna.trial.FrozenTrial]:
    rng = np.random.default_rng(seed)
    distributions: Any = {name: CategoricalDistribution(choices) for name, choices in cell.choices.items()}
    drawn = [cell.sample(rng) for _ in range(count)]
    noise = rng.normal(size=count)
    return [
        create_trial(params=dict(params), distributions=distributions, value=worth(params) + float(e))
        for params, e in zip(drawn, noise, strict=True)
    ]


def _timed(study: optuna.Study, cell: SearchSpace) -> float:
    began = time.process_time()
    trial = study.ask()
    for name, choices in cell.choices.items():
        trial.suggest_categorical(name, choices)
    seconds = time.process_time() - began
    study.tell(trial, worth(trial.params))
    return seconds


def _cost(name: str, seconds: np.ndarray[Any, np.dtype[np.float64]], begin: int) -> dict[str, float | None]:
    if not name.startswith("smbo"):
        mean = 1000 * float(seconds.mean())
        return {"proposal_ms": 1000 * float(np.median(seconds)), "with_refits_ms": mean, "refit_seconds": None}
    points = [refit_point(begin + 1 + k) for k in range(len(seconds))]
    fits = np.array([point == begin + 1 + k for k, point in enumerate(points)])
    plain = float(np.median(seconds[~fits]))
    refit = max(float(seconds[fits].mean()) - plain, 0.0) if fits.any() else None
    interval = _interval(points[-1])
    spread = None if refit is None else 1000 * (plain + refit / interval)
    return {"proposal_ms": 1000 * plain, "with_refits_ms": spread, "refit_seconds": refit}


def _interval(point: int) -> int:
    """Trials from one refit to the next."""
    following = point + 1
    while refit_point(following) != following:
        following += 1
    return following - point


class _Peak:
    """Growth of this process's memory from now to its peak (Linux tells; elsewhere None)."""

    def __init__(self) -> None:
        gc.collect()
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
            self._before = _memory("VmRSS")
        except OSError:
            self._before = None

    def megabytes(self) -> float | None:
        peak = _memory("VmHWM") if self._before is not None else None
        return None if peak is None or self._before is None else max(peak - self._before, 0) / 1024


def _memory(field: str) -> int | None:
    """A line of /proc/self/status, in KiB."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), flags=re.MULTILINE)
    return int(found[1]) if found else None
