"""What a search leaves behind: summary.json, candidates.jsonl, best/ and report.html."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from predictors.files import write_whole
from smbo_nas.resuming import epochs_before, resumable, resumes, superseded
from smbo_nas.search.settings import SearchSettings
from smbo_nas.search.worker import STOP_KEY, TRIALS_FOLDER
from smbo_nas.training.objective import REASON_KEY, TrainingObjective

SUMMARY = "summary.json"
CANDIDATES = "candidates.jsonl"
BEST = "best"
_PACKAGES = ("smbo-nas", "torch", "optuna", "botorch", "scikit-learn", "numpy")


def write_outputs(
    settings: SearchSettings, study: optuna.Study, objective: TrainingObjective, *, seconds: float, command: str
) -> None:
    """Writes every output from the study and the checkpoints; trains nothing.

    Each file is replaced at once, so a killed process leaves the old or the new one.
    """
    trials = study.get_trials(deepcopy=False)
    write_whole(settings.out / CANDIDATES, _candidates(trials, objective))
    best = best_trial(trials)
    summary = _summary(settings, trials, best)
    summary["seconds"] = round(seconds, 3)
    summary["command"] = command
    summary["device"] = str(getattr(objective.evaluator, "device", settings.device))
    if best is not None:
        summary["test_value"] = _save_best(settings, best, objective)
    write_whole(settings.out / SUMMARY, json.dumps(summary, indent=2) + "\n")
    from smbo_nas.report import write_report

    write_report(settings.out)


def best_trial(trials: list[FrozenTrial]) -> FrozenTrial | None:
    """The COMPLETE trial with the largest value; the first of several."""
    complete = [t for t in trials if t.state == TrialState.COMPLETE and t.value is not None]
    return max(complete, key=lambda t: (t.value, -t.number), default=None)


def tidy_checkpoints(out: Path, study: optuna.Study, *, thaw: bool) -> None:
    """Deletes the checkpoints of finished trials but the best and, with `thaw`, those that may still be continued."""
    trials = study.get_trials(deepcopy=False)
    kept = {t.number for t in [best_trial(trials), *(resumable(trials) if thaw else ())] if t is not None}
    over = {str(t.number) for t in trials if t.state.is_finished() and t.number not in kept}
    for folder in (out / TRIALS_FOLDER).glob("*"):  # few: those of finished trials went before
        if folder.name in over:
            shutil.rmtree(folder, ignore_errors=True)


def _summary(settings: SearchSettings, trials: list[FrozenTrial], best: FrozenTrial | None) -> dict[str, Any]:
    from smbo_nas.samplers.trials import SECONDS_KEY

    counts = {state: sum(t.state == state for t in trials) for state in TrialState}
    trained = sum(len(t.intermediate_values) - epochs_before(t, trials) for t in trials)
    over = superseded(trials)
    stopped = [t for t in trials if t.state == TrialState.PRUNED and t.number not in over]
    spared = sum(settings.epochs - len(t.intermediate_values) for t in stopped)
    attributes = best.user_attrs if best is not None else {}
    return {
        "best_value": best.value if best is not None else None,
        "test_value": None,
        "best_trial": best.number if best is not None else None,
        "best_params": best.params if best is not None else None,
        "best_parameters": attributes.get("parameters"),
        "best_flops": attributes.get("flops"),
        "trials": len(trials),
        "networks": sum(resumes(t) is None for t in trials),
        "complete": counts[TrialState.COMPLETE],
        "pruned": counts[TrialState.PRUNED],
        "failed": counts[TrialState.FAIL],
        "running": counts[TrialState.RUNNING],
        "epochs_trained": trained,
        "epochs_if_never_stopped": trained + spared,
        "sampler_seconds": round(sum(t.system_attrs.get(SECONDS_KEY, 0.0) for t in trials), 3),
        "seed": settings.seed,
        "space": settings.space,
        "data": settings.data,
        "epochs": settings.epochs,
        "metric": "validation accuracy",
        "direction": "maximize",
        "sampler": settings.sampler,
        "pruner": settings.pruner,
        "workers": settings.workers,
        "study": settings.study,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _candidates(trials: list[FrozenTrial], objective: TrainingObjective) -> str:
    """One JSON line per trial."""
    from predictors.curves import default_curve_predictor
    from smbo_nas.observations import PREDICTION_KEY, FinalValues, StudyReader

    predictor = default_curve_predictor()
    reader = StudyReader(objective.space, predictor)
    complete = [t for t in trials if t.state == TrialState.COMPLETE]
    final = FinalValues(predictor)(complete, [t for t in trials if t.state == TrialState.PRUNED])
    lines = []
    for trial in trials:
        candidate = reader.candidate(trial)
        predicted = trial.system_attrs.get(PREDICTION_KEY, {})
        final_mean, final_std = final.get(trial.number, (None, None))
        record = {
            "number": trial.number,
            "state": trial.state.name,
            "value": trial.value if trial.state == TrialState.COMPLETE else None,
            "params": trial.params,
            "graph": candidate.graph.to_dict() if candidate is not None else None,
            "digest": candidate.graph.digest if candidate is not None else None,
            "parameters": trial.user_attrs.get("parameters"),
            "flops": trial.user_attrs.get("flops"),
            "curve": [[step, _finite(value)] for step, value in sorted(trial.intermediate_values.items())],
            "epochs_before": epochs_before(trial, trials),
            "seconds": round(trial.duration.total_seconds(), 3) if trial.duration is not None else None,
            "predicted_mean": predicted.get("mean"),
            "predicted_std": predicted.get("std"),
            "final_mean": final_mean,
            "final_std": final_std,
            "stop_probability": trial.user_attrs.get(STOP_KEY),
            "reason": trial.user_attrs.get(REASON_KEY),
        }
        lines.append(json.dumps(record, allow_nan=False))
    return "".join(line + "\n" for line in lines)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _save_best(settings: SearchSettings, best: FrozenTrial, objective: TrainingObjective) -> float:
    """Saves the best network from its checkpoint and scores it on the test split; returns the test accuracy."""
    from smbo_nas.networks import save_network
    from smbo_nas.training import evaluate, load_weights, resolve_device

    data, space = objective.evaluator.data, objective.space
    candidate = space.candidate({name: best.params[name] for name in space.choices})
    network = candidate.build(input_shape=data.input_shape, num_classes=data.num_classes, **objective.sizes)
    checkpoint = objective.checkpoint(best.number)
    if checkpoint is None:
        raise ValueError("`objective` keeps no checkpoints: there is no trained network to save.")
    load_weights(checkpoint, network)
    about = {"data": data.name, "mean": data.mean, "std": data.std, "class_names": data.class_names}
    save_network(settings.out / BEST, network, space=space, params=candidate.params, metadata=about)
    return evaluate(network.to(resolve_device(settings.device)), data.test).accuracy
