"""The commands `smbo-nas benchmark compare | nasbench201 | nasbench101 | fashion201 | latency | overhead`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from predictors.cli import one_line_errors
from predictors.console import circumstances, progress

if TYPE_CHECKING:
    from smbo_nas.benchmarks.tasks import TaskSource

app = typer.Typer(
    help="Measures searches on tables of trained networks, whose best is known.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_Methods = Annotated[str, typer.Option(help="Names, a,b,c: smbo, smbo-gp, tpe, gp, weaknas, random and more.")]
_Stopping = Annotated[str, typer.Option(help="Names, also with +curve, +median, +hyperband, +halving, +thaw.")]
_Budget = Annotated[int, typer.Option(help="Whole trainings of a search.")]
_Seeds = Annotated[int, typer.Option(help="Number of searches of each method, with the seeds 0, 1, ...")]
_First = Annotated[int, typer.Option(help="Seed of the first search.")]
_Batch = Annotated[int, typer.Option(help="Trials that are asked for before the first of them is told.")]
_Json = Annotated[Path | None, typer.Option(help="File of the results; the same command goes on with it.")]
_Workers = Annotated[int, typer.Option(help="Processes side by side.")]


@app.command()
def nasbench201(
    dataset: Annotated[str, typer.Option(help="cifar10, cifar100 or imagenet16-120.")] = "cifar10",
    methods: _Methods = "smbo,tpe,random",
    budget: _Budget = 200,
    seeds: _Seeds = 50,
    first_seed: _First = 0,
    batch: _Batch = 1,
    noisy: Annotated[
        bool, typer.Option("--noisy", help="Each query returns one training of the table, not their mean.")
    ] = False,
    json: _Json = None,
    workers: _Workers = 1,
) -> None:
    """Searches all 15,625 cells of NAS-Bench-201; needs smbo-nas[bench]."""
    from smbo_nas.benchmarks.tasks import TaskSource

    source = TaskSource("nasbench201", dataset=dataset, noisy=noisy)
    _measure(source, methods, budget, range(first_seed, first_seed + seeds), batch, json, workers)


@app.command()
def nasbench101(
    data: Annotated[Path, typer.Option(help="Table of cells of NAS-Bench-101, the pool: .jsonl, .parquet or .csv.")],
    target: Annotated[str, typer.Option(help="Field of the table to maximise, in percent.")] = "val_e108",
    methods: _Methods = "smbo,tpe,random",
    budget: _Budget = 200,
    seeds: _Seeds = 50,
    first_seed: _First = 0,
    batch: _Batch = 1,
    json: _Json = None,
    workers: _Workers = 1,
) -> None:
    """Searches the cells of a table of NAS-Bench-101, until one within 0.3 points of the best."""
    from smbo_nas.benchmarks.tasks import TaskSource

    source = TaskSource("nasbench101", data=data, target=target)
    _measure(source, methods, budget, range(first_seed, first_seed + seeds), batch, json, workers)


@app.command()
def fashion201(
    methods: _Stopping = "smbo,smbo+curve,smbo+curve+thaw,tpe,tpe+median,tpe+hyperband,tpe+halving,random",
    budget: _Budget = 300,
    seeds: _Seeds = 50,
    first_seed: _First = 0,
    batch: _Batch = 1,
    json: _Json = None,
    workers: _Workers = 1,
) -> None:
    """Searches real learning curves; epochs are counted, until one within 0.1 points of the best is trained."""
    from smbo_nas.benchmarks.tasks import TaskSource

    _measure(TaskSource("fashion201"), methods, budget, range(first_seed, first_seed + seeds), batch, json, workers)


@app.command()
def latency(
    latency: Annotated[Path, typer.Option(help="CSV (.gz) with `arch`, NAS-Bench-201's strings, and devices.")],
    device: Annotated[str, typer.Option(help="Column of the latencies.")],
    dataset: Annotated[str, typer.Option(help="cifar10, cifar100 or imagenet16-120.")] = "cifar10",
    methods: Annotated[
        str, typer.Option(help="Names, a,b,c: smbo-gp, smbo-gp-measured, tpe, nsga2, nsga2-20, random.")
    ] = "smbo-gp,tpe,nsga2,random",
    budget: Annotated[int, typer.Option(help="Queries of a search.")] = 200,
    seeds: _Seeds = 10,
    first_seed: _First = 0,
    json: _Json = None,
    workers: _Workers = 1,
) -> None:
    """Searches NAS-Bench-201 for accuracy and low latency: the hypervolume found; needs smbo-nas[bench].

    A file may be gone on with at another budget: a search is run again where it was shorter.
    """
    kept = f"what was measured is in {json}; the same command goes on." if json else "nothing was kept."
    with _one_line_errors(kept):
        from predictors.processes import run_each
        from smbo_nas.benchmarks.console import show_fronts
        from smbo_nas.benchmarks.latency import METHODS, Work, load_task, read_fronts, summaries, write_fronts
        from smbo_nas.benchmarks.methods import STARTS

        _at_least(("budget", budget, STARTS + 1), ("seeds", seeds, 1), ("workers", workers, 1))
        names = list(dict.fromkeys(_names(methods)))
        if unknown := [name for name in names if name not in METHODS]:
            raise ValueError(f"`methods` must be of {', '.join(METHODS)}, but got {unknown[0]!r}.")
        task = load_task(dataset, latency, device)
        settings = {"task": f"nasbench201 {dataset} {device}", "reference": task.reference.tolist(), "best": task.best}
        runs = [] if json is None else read_fronts(json, settings)
        done = {(run.method, run.seed) for run in runs if len(run.rows) >= budget}
        wanted = [(name, seed) for seed in range(first_seed, first_seed + seeds) for name in names]
        left = [(name, seed, budget) for name, seed in wanted if (name, seed) not in done]
        with progress("searches", len(left)) as advance:
            for number, run in enumerate(run_each(Work(dataset, latency, device), left, workers), start=1):
                runs = [*(r for r in runs if (r.method, r.seed) != (run.method, run.seed)), run]
                if json is not None:
                    write_fronts(json, settings, runs, circumstances())
                advance(number)
        show_fronts(summaries(runs))


@app.command()
def overhead(
    samplers: Annotated[str, typer.Option(help="Names, a,b,c.")] = "smbo,smbo-gp,tpe,gp,random",
    sizes: Annotated[str, typer.Option(help="Numbers of completed trials.")] = "100,500,1000,5000",
    trials: Annotated[int, typer.Option(help="Proposals timed for each.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of trials and samplers.")] = 0,
    json: Annotated[Path | None, typer.Option(help="File of the results.")] = None,
) -> None:
    """Times the proposals of samplers, 12 parameters of 5 choices, in memory."""
    with _one_line_errors("nothing was kept."):
        from json import dumps

        import optuna

        from predictors.files import write_whole
        from predictors.threads import single_blas_thread, single_torch_thread
        from smbo_nas.benchmarks.console import show_overhead
        from smbo_nas.benchmarks.methods import check, known
        from smbo_nas.benchmarks.overhead import measure

        if trials < 2:
            raise ValueError(f"`trials` must be at least 2, but got {trials}.")
        names = check(_names(samplers), curves=False)
        numbers = _numbers(sizes)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        chosen = {name: known()[name] for name in names}
        rows = []
        with single_blas_thread(), single_torch_thread(), progress("rows", len(numbers) * len(names)) as advance:
            for row in measure(chosen, numbers, trials=trials, seed=seed):
                rows.append(row)
                if json is not None:
                    write_whole(json, dumps({**circumstances(), "rows": rows}, indent=1, allow_nan=False) + "\n")
                advance(len(rows))
        show_overhead(rows)


@app.command()
def compare(
    out: Annotated[Path, typer.Option(help="Folder of the results; the same command goes on with it.")],
    tasks: Annotated[
        str,
        typer.Option(help="Names, a,b,c: nasbench201:cifar10, nasbench201:cifar100, nasbench201:imagenet, fashion201."),
    ] = "nasbench201:cifar10,nasbench201:cifar100,nasbench201:imagenet,fashion201",
    methods: Annotated[str, typer.Option(help="all, or names, a,b,c, as for the other benchmarks.")] = "all",
    budget: _Budget = 200,
    seeds: _Seeds = 50,
    ablations: Annotated[
        bool, typer.Option("--ablations", help="Also measure smbo-gp with each of its parts left out.")
    ] = False,
    workers: _Workers = 1,
) -> None:
    """Compares search strategies on several tasks under one protocol: a table, plots and one page (compare.html).

    On tasks without learning curves, methods that stop trainings are left out.
    """
    with _one_line_errors(f"what was measured is in {out}; the same command goes on."):
        from smbo_nas.benchmarks.catalogue import methods_of
        from smbo_nas.benchmarks.comparison.findings import Comparison, verdict
        from smbo_nas.benchmarks.comparison.outputs import PAGE, runs_file, write_outputs
        from smbo_nas.benchmarks.comparison.tables import main_table
        from smbo_nas.benchmarks.console import show_table
        from smbo_nas.benchmarks.measuring import TaskFile, measure, missing
        from smbo_nas.benchmarks.methods import STARTS
        from smbo_nas.benchmarks.protocol import TaskRuns
        from smbo_nas.benchmarks.tasks import source_of

        _at_least(("budget", budget, STARTS), ("seeds", seeds, 1), ("workers", workers, 1))
        sources = list(dict.fromkeys(map(source_of, _names(tasks))))
        names = [methods_of(methods, curves=source.load().epochs > 1, ablations=ablations) for source in sources]
        files = [
            TaskFile(source, budget=budget, batch=1, path=runs_file(out, source.load().name), about=circumstances())
            for source in sources
        ]
        left = missing(files, names, range(seeds))
        try:
            with progress("searches", len(left)) as advance:
                measure(left, workers=workers, advance=advance)
        finally:
            runs = [TaskRuns.of(file, own, range(seeds)) for file, own in zip(files, names, strict=True)]
            comparison = Comparison(tuple(runs), budget, seeds)
            write_outputs(out, comparison, circumstances())
        show_table(main_table(comparison))
        typer.echo(f"{verdict(comparison)}\nThe page: {out / PAGE}")


def _measure(
    source: TaskSource, methods: str, budget: int, seeds: range, batch: int, json: Path | None, workers: int
) -> None:
    kept = f"what was measured is in {json}; the same command goes on." if json else "nothing was kept."
    with _one_line_errors(kept):
        from smbo_nas.benchmarks.console import show_results
        from smbo_nas.benchmarks.measuring import TaskFile, measure, missing
        from smbo_nas.benchmarks.methods import STARTS, check
        from smbo_nas.benchmarks.results import summaries

        _at_least(("budget", budget, STARTS), ("seeds", len(seeds), 1), ("batch", batch, 1), ("workers", workers, 1))
        names = check(_names(methods), curves=source.benchmark == "fashion201")
        file = TaskFile(source, budget=budget, batch=batch, path=json, about=circumstances())
        left = missing([file], [names], seeds)
        with progress("searches", len(file.runs) + len(left)) as advance:
            before = len(file.runs)
            measure(left, workers=workers, advance=lambda number: advance(before + number))
        show_results(summaries(file.measured, file.runs), file.task.unit)


def _at_least(*arguments: tuple[str, int, int]) -> None:
    for name, number, least in arguments:
        if number < least:
            raise ValueError(f"`{name}` must be at least {least}, but got {number}.")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _numbers(text: str) -> list[int]:
    try:
        numbers = sorted({int(part) for part in text.split(",")})
    except ValueError:
        numbers = [0]
    if numbers[0] < 20:
        raise ValueError(f"`sizes` must be whole numbers of at least 20, such as 100,500, but got {text!r}.")
    return numbers


def _one_line_errors(kept: str) -> AbstractContextManager[None]:
    from smbo_nas.benchmarks.nasbench201 import BenchmarkError

    return one_line_errors("smbo-nas", kept, BenchmarkError)
