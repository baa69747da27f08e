"""A realistic run directory, as a search would leave it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from predictors.graph import ArchGraph
from smbo_nas.spaces.nasbench201 import NASBench201Space

TRIALS, EPOCHS = 24, 12


def synthetic_records(seed: int = 0) -> list[dict[str, Any]]:
    """24 trials of 12 epochs: 8 random starts, then proposals; hopeless ones stopped, trial 5 failed, 11 no graph."""
    rng = np.random.default_rng(seed)
    space = NASBench201Space()
    best = 0.0
    records = []
    for number in range(TRIALS):
        params = space.sample(rng)
        if number >= 8:  # what a sampler would propose: mostly convolutions
            params = {
                k: v if rng.random() < 0.35 else f"nor_conv_{rng.choice(['3x3', '1x1'])}" for k, v in params.items()
            }
        graph = space.graph(params)
        convs = sum(live and "conv" in op for op, live in zip(graph.ops, graph.live, strict=True))
        final = (0.90 + 0.016 * convs if convs else 0.55) + rng.normal(0, 0.006) if any(graph.live) else 0.1
        final = min(final, 0.992)
        curve = [
            [k, final - (final - 0.1) * float(np.exp(-0.55 * k)) + rng.normal(0, 0.004)] for k in range(1, EPOCHS + 1)
        ]
        record: dict[str, Any] = {
            "number": number, "state": "COMPLETE", "value": curve[-1][1], "params": params, "graph": graph.to_dict(),
            "digest": graph.digest, "parameters": 20_000 + 21_000 * convs, "flops": 1_200_000 + 1_350_000 * convs,
            "curve": curve, "seconds": 7.5 + 2 * convs, "predicted_mean": None, "predicted_std": None,
            "final_mean": None, "final_std": None, "stop_probability": None, "reason": None,
        }  # fmt: skip
        if number >= 8:
            record |= {"predicted_mean": final + rng.normal(0, 0.005), "predicted_std": 0.006}
        if number == 5:
            record |= {"state": "FAIL", "value": None, "curve": curve[:2], "seconds": 2.0}
            record["reason"] = "the loss became nan in epoch 3"
        elif number == 11:
            record |= {"state": "PRUNED", "value": None, "graph": None, "digest": None, "parameters": None}
            record |= {"flops": None, "curve": [], "seconds": 0.0, "reason": "no architecture of nasbench201"}
        elif number >= 3 and final < best - 0.012:
            stop = int(rng.integers(3, 8))
            record |= {"state": "PRUNED", "value": None, "curve": curve[:stop], "seconds": 1.2 * stop}
            record |= {"final_mean": final + rng.normal(0, 0.006), "final_std": 0.02 / stop**0.5}
            record |= {"stop_probability": float(rng.uniform(0.001, 0.05)), "reason": "unlikely to beat the best"}
        else:
            best = max(best, final)
        records.append(record)
    return records


def synthetic_summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The summary of some records."""
    complete = [r for r in records if r["state"] == "COMPLETE"]
    best = max(complete, key=lambda r: r["value"]) if complete else None
    seconds = 8.0 + sum(r["seconds"] for r in records)
    return {
        "best_value": best["value"] if best else None,
        "test_value": best["value"] - 0.006 if best else None,
        "best_trial": best["number"] if best else None,
        "best_params": best["params"] if best else None,
        "best_parameters": best["parameters"] if best else None,
        "best_flops": best["flops"] if best else None,
        "trials": len(records),
        "networks": len(records),
        "pruned": sum(r["state"] == "PRUNED" for r in records),
        "failed": sum(r["state"] == "FAIL" for r in records),
        "epochs_trained": sum(len(r["curve"]) for r in records),
        "epochs_if_never_stopped": EPOCHS * len(records),
        "seconds": seconds,
        "sampler_seconds": 5.3,
        "seed": 0,
        "versions": {"smbo-nas": "0.1.0", "optuna": "5.0.0", "torch": "2.9.0+cpu", "python": "3.11.2"},
        "space": "nasbench201",
        "data": "digits",
        "epochs": EPOCHS,
        "metric": "validation accuracy",
        "direction": "maximize",
        "device": "cpu",
        "machine": "x86_64, 2 cores, Linux 6.1",
        "command": "smbo-nas search --data digits --space nasbench201 --trials 24 --epochs 12 --out runs/demo",
        "sampler": "SMBOSampler",
        "pruner": "CurvePruner",
        "study": "demo",
    }


def write_run(
    run_dir: Path, records: list[dict[str, Any]] | None = None, graph: ArchGraph | None = None, **summary: Any
) -> Path:
    """Writes a run directory; `graph` replaces the best architecture, keywords replace fields of the summary."""
    records = synthetic_records() if records is None else records
    data = synthetic_summary(records) | summary
    (run_dir / "best").mkdir(parents=True, exist_ok=True)
    (run_dir / "summary.json").write_text(json.dumps(data), encoding="utf-8")
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (run_dir / "candidates.jsonl").write_text(lines, encoding="utf-8")
    if data["best_trial"] is not None:
        best = graph.to_dict() if graph else next(r for r in records if r["number"] == data["best_trial"])["graph"]
        (run_dir / "best" / "architecture.json").write_text(json.dumps({"graph": best}), encoding="utf-8")
    return run_dir
