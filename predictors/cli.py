"""The command line: `python -m predictors train | evaluate | rank | evaluate-curves`, also `smbo-nas predictor ...`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from predictors.console import circumstances, progress, show, show_curves

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from predictors.curves.table import CurveTable
    from predictors.ranking import Ranked
    from predictors.table import ArchTable

app = typer.Typer(
    help="Predicts the final value of networks from their graphs: trains on a table, ranks a list.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Number = TypeVar("Number", int, float)

BAD_INPUT = 2
INTERRUPTED = 130

_ENOUGH = 10
"""Networks left out from which a rank correlation says something."""

_Model = Annotated[str, typer.Option(help="auto, gnn, gp, pnas, nao, path or trees.")]
_Target = Annotated[str, typer.Option(help="Field of the table to learn; higher is better.")]
_Columns = Annotated[
    str, typer.Option(help="Fields that ride along with the graph: a,b,c, or all that are numbers, or none.")
]
_Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")]


@app.callback()
def _app() -> None:
    """Predicts the final value of networks from their graphs: trains on a table, ranks a list."""


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Table of trained networks: .jsonl, .parquet or .csv.")],
    out: Annotated[Path, typer.Option(help="Folder of the predictor.")],
    model: _Model = "auto",
    target: _Target = "value",
    columns: _Columns = "none",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    device: _Device = "cpu",
    source: Annotated[
        Path | None, typer.Option(help="Folder of a predictor to learn from, trained on another task of this space.")
    ] = None,
) -> None:
    """Trains a predictor on a table, and saves it to --out."""
    with _one_line_errors("nothing was saved."):
        from predictors.models import make_model
        from predictors.persistence import load, save
        from predictors.table import read_table

        predictor = make_model(model, random_state=seed, device=device)
        teacher = None if source is None else load(source)
        table = read_table(data, target=target, columns=_names(columns))
        began = time.monotonic()
        predictor.fit(table.rows(), table.y, y_std=table.values_std, source=teacher)
        seconds = time.monotonic() - began
        save(predictor, out)
        typer.echo(f"{_about(table, target)}{_learned(predictor, table)}, in {seconds:.1f} s. Predictor in {out}")


@app.command()
def evaluate(
    benchmark: Annotated[str | None, typer.Option(help="nasbench201; needs smbo-nas[bench].")] = None,
    dataset: Annotated[str, typer.Option(help="Of the benchmark: cifar10, cifar100 or imagenet16-120.")] = "cifar10",
    data: Annotated[Path | None, typer.Option(help="A table of your own: .jsonl, .parquet or .csv.")] = None,
    model: _Model = "auto",
    sizes: Annotated[str, typer.Option(help="Numbers of networks to train on.")] = "78,156,469,781,1563",
    seeds: Annotated[int, typer.Option(help="Number of random splits, with the seeds 0, 1, ...")] = 10,
    first_seed: Annotated[int, typer.Option(help="Seed of the first split.")] = 0,
    json: Annotated[Path | None, typer.Option(help="File of the results; the same command goes on with it.")] = None,
    target: _Target = "value",
    columns: _Columns = "none",
    device: _Device = "cpu",
    workers: Annotated[int, typer.Option(help="Processes side by side.")] = 1,
) -> None:
    """Measures how well a predictor orders the networks that it was not trained on."""
    if (benchmark is None) == (data is None):
        _fail("predictors", "`evaluate` must have either --benchmark or --data.")
    kept = f"what was measured is in {json}; the same command goes on." if json else "nothing was kept."
    with _one_line_errors(kept):
        from predictors.evaluation import Task, read_runs, write_runs
        from predictors.evaluation import evaluate as measure
        from predictors.models import make_model
        from predictors.table import read_table

        if seeds < 1:
            raise ValueError(f"`seeds` must be at least 1, but got {seeds}.")
        train_on, splits = _numbers("sizes", sizes, int), range(first_seed, first_seed + seeds)
        if data is None:
            table = _benchmark(benchmark, dataset, _names(columns))
        else:
            table = read_table(data, target=target, columns=_names(columns))
        ops = sorted({op for graph in table.graphs for op in graph.ops})
        make = partial(make_model, model, device=device, ops=ops)
        make()  # what is wrong with it shows before anything is started
        task = Task(make, table.rows(), table.y, table.values_std)
        settings = {
            "data": str(data) if benchmark is None else f"{benchmark} {dataset}",
            "model": model,
            "target": target,
            "columns": sorted(table.columns),
            "networks": len(table),
            "fingerprint": task.fingerprint(),
        }
        runs = [] if json is None else read_runs(json, settings=settings)
        done = {(run.size, run.seed) for run in runs}
        total = len({(size, seed) for size in train_on for seed in splits} | done)
        fresh = measure(task, sizes=train_on, seeds=splits, done=done, workers=workers)
        with progress("splits", total) as advance:
            advance(len(runs))
            for run in fresh:
                runs.append(run)
                if json is not None:
                    write_runs(json, runs, settings=settings, about=circumstances())
                advance(len(runs))
        show(runs)


@app.command()
def rank(
    predictor: Annotated[Path, typer.Option(help="Folder of a predictor that `train` saved.")],
    candidates: Annotated[Path, typer.Option(help="List of architectures: .jsonl, .parquet or .csv, of any length.")],
    out: Annotated[Path, typer.Option(help="File of the best: .jsonl, .parquet or .csv.")],
    top: Annotated[int, typer.Option(help="How many to find.")] = 20,
    diverse: Annotated[bool, typer.Option("--diverse", help="Choose them unlike each other.")] = False,
    device: _Device = "cpu",
) -> None:
    """Finds the best of a list of architectures, whatever its length, and writes them to --out, best first."""
    with _one_line_errors("nothing was written."):
        from predictors.persistence import load
        from predictors.ranking import Ranker
        from predictors.table import describe, located, read_chunks
        from predictors.table_formats import check_format, write_records

        check_format(out)
        fitted = load(predictor, device=device)
        ranker = Ranker(fitted, top=top, diverse=diverse)
        began = time.monotonic()
        with progress("candidates", 1.0) as advance:
            for chunk in read_chunks(candidates):
                with located(candidates, chunk.rows):
                    ranker.add(describe(candidates, chunk.rows, fitted.column_names_), chunk.rows)
                advance(chunk.share)
        best = ranker.result()
        if not best:
            raise ValueError(f"{candidates} must hold at least one architecture, but is empty.")
        write_records(out, [_record(each) for each in best])
        seconds = time.monotonic() - began
        typer.echo(
            f"{ranker.count:,} candidates, {'about ' if ranker.estimates else ''}{ranker.distinct:,} of them distinct, "
            f"in {seconds:.1f} s. The best: {best[0].mean:.6g} +- {best[0].std:.2g}. {len(best)} of them in {out}"
        )


@app.command()
def evaluate_curves(
    curves: Annotated[str, typer.Option(help="Learning curves: .npz, .csv or .jsonl, or fashion201.")],
    model: Annotated[str, typer.Option(help="Curve predictors by name: a,b,c, or all.")] = "all",
    observed: Annotated[str, typer.Option(help="Shares of the steps to show.")] = "0.1,0.25,0.5",
    finished: Annotated[str, typer.Option(help="Numbers of finished curves to learn from.")] = "5,20,50",
    seeds: Annotated[int, typer.Option(help="Number of random splits, with the seeds 0, 1, ...")] = 10,
    first_seed: Annotated[int, typer.Option(help="Seed of the first split.")] = 0,
    json: Annotated[Path | None, typer.Option(help="File of the results; the same command goes on with it.")] = None,
    workers: Annotated[int, typer.Option(help="Processes side by side.")] = 1,
) -> None:
    """Measures how well the final values of curves are predicted from their beginnings."""
    kept = f"what was measured is in {json}; the same command goes on." if json else "nothing was kept."
    with _one_line_errors(kept):
        from predictors.curve_evaluation import CurveTask, read_curve_runs, write_curve_runs
        from predictors.curve_evaluation import evaluate_curves as measure
        from predictors.models import CURVE_MODELS, make_curve_model

        if seeds < 1:
            raise ValueError(f"`seeds` must be at least 1, but got {seeds}.")
        names = list(CURVE_MODELS) if model == "all" else [name.strip() for name in model.split(",")]
        for name in names:
            make_curve_model(name)  # what is wrong with it shows before anything is started
        task = CurveTask(make_curve_model, _curves(curves))
        shares, numbers = _numbers("observed", observed, float), _numbers("finished", finished, int)
        splits = range(first_seed, first_seed + seeds)
        settings = {"curves": curves, "fingerprint": task.table.fingerprint()}
        about = {**circumstances(), "spreads": task.spreads}
        runs = [] if json is None else read_curve_runs(json, settings=settings)
        done = {run.key for run in runs}
        fresh = measure(task, names, finished=numbers, observed=shares, seeds=splits, done=done, workers=workers)
        total = len({*done, *((n, k, s, share) for n in names for k in numbers for s in splits for share in shares)})
        with progress("runs", total) as advance:
            advance(len(runs))
            for several in fresh:
                runs += several
                if json is not None:
                    write_curve_runs(json, runs, settings=settings, about=about)
                advance(len(runs))
        show_curves(runs)


@app.command()
def train_pfn(
    out: Annotated[Path, typer.Option(help="File of the weights, .safetensors; the same command goes on from it.")],
    seed: Annotated[int, typer.Option(help="Seed of the first weights and of every batch.")] = 0,
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = 20_000,
) -> None:
    """Trains the prior-fitted network of curves, on curves drawn from its prior alone."""
    with _one_line_errors(f"{out}.run holds the run so far; the same command goes on."):
        from predictors.curves.pfn_training import Settings
        from predictors.curves.pfn_training import train as fit
        from predictors.threads import single_torch_thread

        settings = Settings(seed=seed, steps=steps)
        with single_torch_thread(), progress("steps", steps) as advance:

            def report(done: int, loss: float) -> None:
                advance(done)
                typer.echo(f"step {done:,} of {steps:,}: mean negative log density {loss:.3f}", err=True)

            fit(out, settings, command=circumstances()["command"], report=report)
        typer.echo(f"Weights in {out}")


def _curves(source: str) -> CurveTable:
    """A file of curves, or the validation accuracies of the benchmark of the optimizer's package."""
    from predictors.curves.table import CurveTable, read_curves

    if source != "fashion201":
        return read_curves(Path(source))
    from smbo_nas.benchmarks.fashion201 import load_fashion201
    from smbo_nas.benchmarks.nasbench201 import BenchmarkError

    try:
        table = load_fashion201()
    except BenchmarkError as error:
        raise ValueError(str(error)) from error
    return CurveTable(table.val_accuracy, (source,) * len(table))


def _record(ranked: Ranked) -> dict[str, object]:
    row = ranked.item
    own = {"rank": ranked.rank, "mean": ranked.mean, "std": ranked.std, "p_top": ranked.p_top}
    return {
        **own,
        **{name: value for name, value in row.fields.items() if name not in own},
        "graph": row.graph.to_dict(),
    }


def _benchmark(name: str | None, dataset: str, columns: Sequence[str] | None) -> ArchTable:
    """A benchmark of the optimizer's package as a table; its other measurements are columns."""
    import numpy as np

    from predictors.table import ArchTable
    from smbo_nas.benchmarks.nasbench201 import BenchmarkError, load_table
    from smbo_nas.spaces.nasbench201 import NASBench201Space

    if name != "nasbench201":
        raise ValueError(f"`benchmark` must be nasbench201, but got {name!r}.")
    try:
        results = load_table(dataset)
    except BenchmarkError as error:
        raise ValueError(str(error)) from error
    known = {
        "latency": results.latency,
        "train_time": results.train_time,
        "model_size": np.nanmean(results.model_size, axis=1),
    }
    unknown = sorted(set(columns or ()) - set(known))
    if unknown:
        raise ValueError(f"`columns` of the benchmark must be among {list(known)}, but got {unknown[0]!r}.")
    space = NASBench201Space()
    return ArchTable(
        graphs=[space.graph(params) for params in space.enumerate()],
        values=results.mean_val_acc,
        columns={name: known[name] for name in (known if columns is None else columns)},
    )


def _names(columns: str) -> Sequence[str] | None:
    """The fields that `--columns` names; None for all that are numbers."""
    if columns in ("none", "all"):
        return () if columns == "none" else None
    return [name.strip() for name in columns.split(",")]


def _numbers(name: str, text: str, kind: Callable[[str], Number]) -> list[Number]:
    """The distinct numbers of a list, ascending."""
    try:
        return sorted({kind(part) for part in text.split(",")})
    except ValueError as error:
        example = "whole numbers such as 78,156" if kind is int else "numbers such as 0.1,0.25"
        raise ValueError(f"`{name}` must be {example}, but got {text!r}.") from error


def _about(table: ArchTable, target: str) -> str:
    left_out = f" ({table.left_out} without `{target}` left out)" if table.left_out else ""
    beside = f" and the columns {', '.join(table.columns)}" if table.columns else ""
    return f"Learned `{target}` from {len(table)} graphs{left_out}{beside}: "


def _learned(predictor: ArchitecturePredictor, table: ArchTable) -> str:
    """What there is to say about a fitted predictor."""
    import numpy as np
    from scipy.stats import kendalltau

    said = type(predictor).__name__
    if chosen := getattr(predictor, "chosen_", None):
        said += f" ({chosen})"
    known = np.isfinite(predictor.held_out_.mean)
    if known.sum() >= _ENOUGH:
        tau = kendalltau(predictor.held_out_.mean[known], table.y[known]).statistic
        said += f", Kendall tau {tau:.3f} on networks left out"
    return said


def _one_line_errors(kept: str) -> AbstractContextManager[None]:
    return one_line_errors("predictors", kept)


@contextmanager
def one_line_errors(program: str, kept: str, *also: type[Exception]) -> Iterator[None]:
    """Bad input and Ctrl-C are one line each, with an exit code.

    Args:
        program: What the line begins with.
        kept: What there is to say about what was done before, a sentence.
        also: Errors that are bad input too, beside ValueError and OSError.
    """
    from predictors.processes import WorkerDiedError

    bad_input: tuple[type[Exception], ...] = (ValueError, OSError, *also)
    try:
        yield
    except KeyboardInterrupt:
        _fail(program, f"interrupted; {kept}", INTERRUPTED)
    except bad_input as error:
        _fail(program, str(error))
    except WorkerDiedError as error:
        _fail(program, f"{error} {kept}", 1)


def _fail(program: str, message: str, code: int = BAD_INPUT) -> NoReturn:
    typer.echo(f"{program}: {' '.join(message.split())}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of `python -m predictors`."""
    app()
