"""The file of a benchmark: every search, what they say together, and what is needed to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from predictors.run_files import read_runs, require, write_runs
from smbo_nas.benchmarks.runner import SearchRun
from smbo_nas.benchmarks.statistics import best_peer, paired_test, summarise

BASELINE = "random"


@dataclass(frozen=True)
class Measured:
    """What the searches of a file were measured with.

    Attributes:
        settings: What decides the results: a file goes on only with the same.
        unit: Of all costs.
        budget: In that unit.
        marks: Costs at which the regret is told.
    """

    settings: dict[str, Any]
    unit: str
    budget: int
    marks: Sequence[int]


def summaries(measured: Measured, runs: Sequence[SearchRun]) -> dict[str, dict[str, Any]]:
    """By method, its summary, and its tests against random search and the best peer, where there are such."""
    by_method: dict[str, list[SearchRun]] = {}
    for run in runs:
        by_method.setdefault(run.method, []).append(run)
    of: dict[str, Any] = {"unit": measured.unit, "budget": measured.budget, "at": measured.marks}
    found = {}
    for method, own in by_method.items():
        tests = {}
        peer = best_peer(by_method, measured.budget, besides=method)
        for role, other in {"random": BASELINE, "best_peer": peer}.items():
            if other in by_method and other != method:
                tests[role] = {"method": other, **paired_test(own, by_method[other], **of)}
        found[method] = {**summarise(own, **of), "tests": tests}
    return found


def write_results(path: Path, measured: Measured, runs: Sequence[SearchRun], *, about: Mapping[str, Any]) -> None:
    """Writes what was measured so far, whole or not at all.

    Args:
        path: A JSON file.
        measured: What the runs have in common.
        runs: The runs.
        about: What else is worth knowing.
    """
    ordered = sorted(runs, key=lambda run: (run.method, run.seed))
    content: dict[str, Any] = {
        "settings": measured.settings,
        **about,
        "unit": measured.unit,
        "budget": measured.budget,
        "marks": list(measured.marks),
        "methods": summaries(measured, ordered),
    }
    write_runs(path, content, [_to_json(run, measured) for run in ordered])


def read_results(path: Path, *, settings: Mapping[str, Any]) -> list[SearchRun]:
    """The runs in a file of `write_results`; none where there is no file.

    Raises:
        ValueError: When the file is something else, or its settings are others.
    """
    if not path.exists():
        return []
    before, runs = read_file(path)
    require(path, before.settings, settings)
    return runs


def read_file(path: Path) -> tuple[Measured, list[SearchRun]]:
    """What a file of `write_results` holds, whatever its settings.

    Raises:
        ValueError: When it is no such file.
    """
    return read_runs(path, _parse, what="benchmark")


def _parse(content: Mapping[str, Any]) -> tuple[Measured, list[SearchRun]]:
    measured = Measured(dict(content["settings"]), content["unit"], content["budget"], content["marks"])
    return measured, [_from_json(run, measured.unit) for run in content["runs"]]


def _to_json(run: SearchRun, measured: Measured) -> dict[str, Any]:
    return {
        "method": run.method,
        "seed": run.seed,
        f"{measured.unit}_to_optimum": run.reached,
        "spent": run.spent,
        "trials": run.trials,
        "repeats": run.repeats,
        "lost": run.lost,
        "proposal_seconds_per_trial": run.proposal_seconds,
        "regret_at": {str(mark): run.regret_at(mark) for mark in measured.marks},
        "simulated_gpu_hours_at": {str(mark): run.hours_at.get(mark) for mark in measured.marks},
        "test": run.test,
        "steps": run.steps,
    }


def _from_json(run: Mapping[str, Any], unit: str) -> SearchRun:
    return SearchRun(
        method=str(run["method"]),
        seed=int(run["seed"]),
        reached=run[f"{unit}_to_optimum"],
        spent=int(run["spent"]),
        trials=int(run["trials"]),
        repeats=int(run["repeats"]),
        lost=bool(run["lost"]),
        proposal_seconds=run["proposal_seconds_per_trial"],
        steps=tuple((int(at), float(regret), hours) for at, regret, hours in run["steps"]),
        hours_at={int(at): hours for at, hours in run["simulated_gpu_hours_at"].items() if hours is not None},
        test=run.get("test"),
    )
