"""The command line: `smbo-nas search`, `report`, `benchmark ...` and the predictors' commands, `predictor ...`."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from predictors.cli import app as predictor_app
from smbo_nas.benchmarks.command import app as benchmark_app

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    help="Neural architecture search for Optuna users.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(predictor_app, name="predictor")
app.add_typer(benchmark_app, name="benchmark")

BAD_INPUT = 2
INTERRUPTED = 130


@app.callback()
def _app() -> None:
    """Neural architecture search for Optuna users."""


@app.command()
def search(
    out: Annotated[Path, typer.Option(help="Folder of the results; the same command again goes on with it.")],
    data: Annotated[
        str, typer.Option(help="digits, mnist5k, fashion-mnist, an .npz file, a folder of images, or module:function.")
    ] = "digits",
    space: Annotated[
        str,
        typer.Option(
            help="nasbench201, nasbench101, darts, pnas, chain, genet, dppnet, mnasnet, blockqnn, or module:attribute."
        ),
    ] = "nasbench201",
    trials: Annotated[int, typer.Option(help="Architectures to try, earlier runs included.")] = 24,
    epochs: Annotated[int, typer.Option(help="Epochs of a training that is not stopped early.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that train side by side.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    storage: Annotated[str | None, typer.Option(help="Optuna storage URL; default: a journal file in --out.")] = None,
    study: Annotated[str, typer.Option(help="Name of the study in the storage.")] = "smbo-nas",
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no further epoch is started.")] = None,
    sampler: Annotated[
        str,
        typer.Option(
            help="smbo, bananas, pnas, nao; evolution, genetic, hierarchical, large-scale, local-search, "
            "hill-climbing, mcts, reinforce, ppo, q-learning, zero-cost, random-distinct; or Optuna's tpe, random."
        ),
    ] = "smbo",
    pruner: Annotated[str, typer.Option(help="curve, median, hyperband or none.")] = "curve",
    risk: Annotated[
        float | None,
        typer.Option(
            help="For curve: share of the trainings that would beat the second best that may be stopped; "
            "default: 0.5, and 0.9 with --thaw."
        ),
    ] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(
            help="For smbo, bananas, pnas, nao: start from another search's --out, a saved predictor, "
            "a list of architectures, or another study in --storage."
        ),
    ] = None,
    thaw: Annotated[bool, typer.Option("--thaw", help="For smbo: stopped trainings may be continued.")] = False,
    batch_size: Annotated[int, typer.Option(help="Images per training step.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="Highest learning rate of the schedule.")] = 0.05,
    training: Annotated[
        list[str] | None,
        typer.Option(help="Setting of the training, such as label_smoothing=0.1 or amp=bfloat16; may be repeated."),
    ] = None,
    size: Annotated[
        list[str] | None, typer.Option(help="Size of the networks, such as channels=16; may be repeated.")
    ] = None,
) -> None:
    """Searches for the best network of a space on a data set, and writes it, trained, to --out."""
    import optuna

    from smbo_nas.search import Outcome, SearchSettings, SearchView, WorkerDiedError, run_search
    from smbo_nas.training import CheckpointError

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the view says it better
    try:
        settings = SearchSettings(
            out=out,
            data=data,
            space=space,
            trials=trials,
            epochs=epochs,
            seed=seed,
            workers=workers,
            device=device,
            storage=storage,
            study=study,
            timeout=timeout,
            sampler=sampler,
            pruner=pruner,
            risk=risk,
            warm_start=warm_start,
            thaw=thaw,
            batch_size=batch_size,
            learning_rate=learning_rate,
            training=_assignments("training", training or []),
            sizes=_sizes(size or []),
        )
        with SearchView(settings) as view:
            outcome = run_search(settings, view.show, command=_command())
        view.conclude(outcome)
    except (ValueError, OSError) as error:
        _fail(error)
    except (CheckpointError, WorkerDiedError) as error:
        _fail(error, code=1)
    if outcome == Outcome.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)


@app.command()
def report(run: Annotated[Path, typer.Argument(help="The --out folder of a search.")]) -> None:
    """Writes report.html of a search again."""
    from smbo_nas.report import write_report

    try:
        typer.echo(write_report(run))
    except (ValueError, OSError) as error:
        _fail(error)


@app.command()
def zero_cost(
    table: Annotated[Path, typer.Option(help="Table of architectures: .jsonl, .parquet or .csv.")],
    out: Annotated[Path, typer.Option(help="The same table with a column for each score.")],
    data: Annotated[str, typer.Option(help="What they are to be trained on, as for search.")] = "digits",
    space: Annotated[str, typer.Option(help="How their networks are stacked, as for search.")] = "nasbench201",
    scores: Annotated[
        str, typer.Option(help="parameters, flops, naswot, synflow, zen, grad_norm, snip: a,b,c, or all.")
    ] = "all",
    images: Annotated[int, typer.Option(help="Size of the minibatch.")] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the minibatch and the weights.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    size: Annotated[
        list[str] | None,
        typer.Option(help="Size of the networks, such as channels=8; may be repeated. Default: those of search."),
    ] = None,
) -> None:
    """Scores untrained networks from one minibatch, for predictors to read beside the graphs."""
    try:
        from rich.console import Console
        from rich.progress import track

        from smbo_nas.search.settings import PROXY_SIZES
        from smbo_nas.spaces import get_space
        from smbo_nas.training import load_data
        from smbo_nas.zero_cost import SCORES
        from smbo_nas.zero_cost.table import add_scores

        console = Console(stderr=True)
        stacked = get_space(space)
        count = add_scores(
            table,
            out,
            space=stacked,
            data=load_data(data),
            n_images=images,
            names=tuple(SCORES) if scores == "all" else [name.strip() for name in scores.split(",")],
            seed=seed,
            device=device,
            sizes={**PROXY_SIZES.get(stacked.skeleton or "", {}), **_sizes(size or [])},
            progress=lambda graphs: iter(
                track(graphs, "networks", console=console, transient=True, disable=not console.is_terminal)
            ),
        )
    except (ValueError, OSError) as error:
        _fail(error)
    typer.echo(f"{count} architectures with their scores in {out}")


def _sizes(options: Sequence[str]) -> dict[str, int]:
    sizes = _assignments("size", options)
    for name, value in sizes.items():
        if not isinstance(value, int):
            raise ValueError(f"`size` must be name=number, such as channels=16, but got '{name}={value}'.")  # noqa: TRY004
    return sizes


def _assignments(what: str, options: Sequence[str]) -> dict[str, Any]:
    """`name=value` options; a value that is JSON (a number, true, null) is read as such, any other is text."""
    assigned: dict[str, Any] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name:
            raise ValueError(f"`{what}` must be name=value, but got {option!r}.")
        try:
            assigned[name] = json.loads(value)
        except json.JSONDecodeError:
            assigned[name] = value
    return assigned


def _command() -> str:
    return shlex.join(["smbo-nas", *sys.argv[1:]])


def _fail(error: Exception, code: int = BAD_INPUT) -> NoReturn:
    message = " ".join(str(error).split())
    typer.echo(f"smbo-nas: {message}", err=True)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the console script."""
    sys.path.append(str(Path.cwd()))  # where a user's own `module:attribute` is
    app()
