"""The one reader of what a search writes: `summary.json`, `candidates.jsonl` and `best/architecture.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from predictors.graph import ArchGraph
from smbo_nas.report.fields import Fields, parse_json, read_text

State = Literal["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
STATES: tuple[State, ...] = ("COMPLETE", "PRUNED", "FAIL", "RUNNING")


@dataclass(frozen=True)
class CandidateRecord:
    """One trial: a line of `candidates.jsonl`.

    Attributes:
        number: Trial number in the study.
        state: How the trial ended, or RUNNING.
        value: Final value of the metric (a fraction for accuracies); None unless the trial is complete.
        params: The space's parameters and their choices.
        graph: The architecture; None where the parameters describe none.
        digest: Hash of the graph's canonical form.
        parameters: Number of weights.
        flops: Multiply-adds of one forward pass of one image.
        curve: `(step, value)` after each epoch, without the epochs whose value was not finite.
        epochs: Epochs of the network's curve, the not finite ones included.
        epochs_before: How many of these an earlier trial had trained, which this one continued.
        seconds: Time the trial took.
        predicted_mean: What the sampler expected of the final value when it proposed the trial; None for random starts.
        predicted_std: Standard deviation of that expectation.
        final_mean: Of a stopped trial, the final value predicted from its curve.
        final_std: Standard deviation of that prediction.
        stop_probability: Of a stopped trial, the probability that its final value would have beaten the best.
        reason: Why the trial failed or was stopped.
    """

    number: int
    state: State
    value: float | None
    params: Mapping[str, str]
    graph: ArchGraph | None
    digest: str | None
    parameters: int | None
    flops: int | None
    curve: tuple[tuple[float, float], ...]
    epochs: int
    epochs_before: int
    seconds: float | None
    predicted_mean: float | None
    predicted_std: float | None
    final_mean: float | None
    final_std: float | None
    stop_probability: float | None
    reason: str | None

    @property
    def last_value(self) -> float | None:
        """The final value, or, of a trial without one, the last value measured."""
        if self.value is not None:
            return self.value
        return self.curve[-1][1] if self.curve else None


@dataclass(frozen=True)
class Summary:
    """`summary.json`: the outcome of a search and how it was run.

    Attributes:
        best_value: Value of the best trial; None as long as no trial is complete, and so are the other `best_*`.
        test_value: The best network's value on the test split.
        networks: How many the trials trained; some went on with the one of another.
        epochs_if_never_stopped: Epochs that the same trials would have taken without stopping any.
        epochs: Epochs of a trial that is not stopped.
        sampler_seconds: Time spent on proposals.
        versions: Package names and versions.
    """

    best_value: float | None
    test_value: float | None
    best_trial: int | None
    best_params: Mapping[str, str]
    best_parameters: int | None
    best_flops: int | None
    trials: int
    networks: int
    pruned: int
    failed: int
    epochs: int
    epochs_trained: int
    epochs_if_never_stopped: int
    seconds: float
    sampler_seconds: float
    seed: int | None
    space: str
    data: str
    metric: str
    direction: Literal["maximize", "minimize"]
    study: str | None
    sampler: str | None
    pruner: str | None
    device: str | None
    machine: str | None
    command: str | None
    versions: Mapping[str, str]

    @property
    def epochs_saved(self) -> float | None:
        """Fraction of the epochs that stopping saved."""
        if self.epochs_if_never_stopped < 1:
            return None
        return 1 - self.epochs_trained / self.epochs_if_never_stopped


@dataclass(frozen=True)
class Run:
    """A search as its directory tells it.

    Attributes:
        summary: Outcome and circumstances.
        candidates: The trials, by number.
        best_graph: The best architecture; None as long as no trial is complete.
    """

    summary: Summary
    candidates: tuple[CandidateRecord, ...]
    best_graph: ArchGraph | None

    @cached_property
    def best(self) -> CandidateRecord | None:
        """The best trial."""
        return next((c for c in self.candidates if c.number == self.summary.best_trial), None)

    def of_state(self, *states: State) -> list[CandidateRecord]:
        """The trials in any of these states, by number."""
        return [c for c in self.candidates if c.state in states]


def read_run(run_dir: Path) -> Run:
    """Reads the directory of a search.

    `best/architecture.json` is needed only where the summary names a best trial, and `candidates.jsonl` may be empty
    only where the summary counts no trial. Numbers that are not finite count as absent.

    Raises:
        FileNotFoundError: When the directory or one of the files is missing.
        ValueError: When a file is empty, no JSON, or lacks or mistypes a field; the message names file, line and field.
    """
    run_dir = Path(run_dir)
    if not run_dir.is_dir():
        raise FileNotFoundError(f"no run directory at {run_dir}.")
    path = run_dir / "summary.json"
    summary = _summary(Fields(parse_json(read_text(path), str(path)), str(path)))
    candidates = _candidates(run_dir / "candidates.jsonl", may_be_empty=summary.trials == 0)
    best_graph = None
    if summary.best_trial is not None:
        path = run_dir / "best" / "architecture.json"
        best_graph = Fields(parse_json(read_text(path), str(path)), str(path)).graph("graph")
        if summary.best_trial not in {c.number for c in candidates}:
            raise ValueError(f"{run_dir}: the best trial {summary.best_trial} is not in candidates.jsonl.")
    return Run(summary=summary, candidates=candidates, best_graph=best_graph)


def _candidates(path: Path, *, may_be_empty: bool) -> tuple[CandidateRecord, ...]:
    lines = read_text(path, may_be_empty=may_be_empty).splitlines()
    seen: dict[int, CandidateRecord] = {}
    for k, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {k}"
        record = _candidate(Fields(parse_json(line, where), where))
        if record.number in seen:
            raise ValueError(f"{where}: trial {record.number} appears twice.")
        seen[record.number] = record
    return tuple(seen[number] for number in sorted(seen))


def _candidate(fields: Fields) -> CandidateRecord:
    curve, epochs = fields.curve("curve")
    return CandidateRecord(
        number=fields.integer("number"),
        state=fields.choice("state", STATES),
        value=fields.optional_number("value"),
        params=fields.texts("params"),
        graph=fields.optional_graph("graph"),
        digest=fields.optional_text("digest"),
        parameters=fields.optional_integer("parameters"),
        flops=fields.optional_integer("flops"),
        curve=curve,
        epochs=epochs,
        epochs_before=fields.optional_integer("epochs_before") or 0,
        seconds=fields.optional_number("seconds"),
        predicted_mean=fields.optional_number("predicted_mean"),
        predicted_std=fields.optional_number("predicted_std"),
        final_mean=fields.optional_number("final_mean"),
        final_std=fields.optional_number("final_std"),
        stop_probability=fields.optional_number("stop_probability"),
        reason=fields.optional_text("reason"),
    )


def _summary(fields: Fields) -> Summary:
    trials, networks = fields.integer("trials"), fields.optional_integer("networks")
    return Summary(
        best_value=fields.optional_number("best_value"),
        test_value=fields.optional_number("test_value"),
        best_trial=fields.optional_integer("best_trial"),
        best_params=fields.texts("best_params"),
        best_parameters=fields.optional_integer("best_parameters"),
        best_flops=fields.optional_integer("best_flops"),
        trials=trials,
        networks=trials if networks is None else networks,
        pruned=fields.integer("pruned"),
        failed=fields.integer("failed"),
        epochs=fields.integer("epochs"),
        epochs_trained=fields.integer("epochs_trained"),
        epochs_if_never_stopped=fields.integer("epochs_if_never_stopped"),
        seconds=fields.number("seconds"),
        sampler_seconds=fields.number("sampler_seconds"),
        seed=fields.optional_integer("seed"),
        space=fields.text("space"),
        data=fields.text("data"),
        metric=fields.text("metric"),
        direction=fields.choice("direction", ("maximize", "minimize")),
        study=fields.optional_text("study"),
        sampler=fields.optional_text("sampler"),
        pruner=fields.optional_text("pruner"),
        device=fields.optional_text("device"),
        machine=fields.optional_text("machine"),
        command=fields.optional_text("command"),
        versions=fields.texts("versions"),
    )
