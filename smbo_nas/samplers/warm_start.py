"""What a search may know before its first trial: another study, a saved predictor, a list of architectures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from predictors.graph import CONCAT, OUTPUT, SUM, ArchGraph, is_input
from smbo_nas.proposers import Elite, Proposer, WarmProposer
from smbo_nas.spaces import Params, SearchSpace, SpaceError

if TYPE_CHECKING:
    from optuna.study import Study

    from predictors.architecture.base import ArchitecturePredictor
    from predictors.table import Row

Start: TypeAlias = "WarmStart | Study | ArchitecturePredictor | str | Path | Sequence[ArchGraph] | Sequence[Params]"
"""What a sampler takes as `warm_start`."""
CANDIDATES = "candidates.jsonl"
"""What the search command leaves in its folder."""
_TRIES = 20


class WarmStartError(ValueError):
    """Nothing to start from, or of another space; the message says what."""


@dataclass(frozen=True)
class WarmStart:
    """What is known before a study begins.

    Attributes:
        first: Architectures to propose first, in this order, in place of random ones.
        source: A predictor fitted on another data set or task of the same space. The search begins with what it holds
            for best, and its predictor learns how the source's scores become scores here (`PriorMean`).
        known: Architectures measured on that task; among them are the first ones to propose in a large space.
    """

    first: tuple[Params, ...] = ()
    source: ArchitecturePredictor | None = None
    known: tuple[Elite, ...] = ()

    def proposer(self, proposer: Proposer) -> Proposer:
        """Another proposer that begins with this."""
        if self.source is None and not self.first:
            return proposer
        return WarmProposer(proposer, first=self.first, source=self.source, known=self.known)

    @classmethod
    def from_study(cls, study: Study, space: SearchSpace, predictor: ArchitecturePredictor) -> WarmStart:
        """Learns from what a study of the same space measured; of an architecture's trials the best one counts.

        Args:
            study: Of one objective, in either direction.
            space: The space.
            predictor: Fitted, as a clone.

        Raises:
            WarmStartError: When it has several objectives or no finished trial with an architecture of the space.
        """
        from predictors.curves import default_curve_predictor
        from smbo_nas.observations import StudyReader, finished_in_order

        if len(study.directions) > 1:
            raise WarmStartError(
                f"study {study.study_name!r} has {len(study.directions)} objectives, but must have one."
            )
        reader = StudyReader(space, default_curve_predictor())
        trials = finished_in_order(study.get_trials(deepcopy=False))
        seen = reader.observations(trials, study.direction)
        if not len(seen):
            raise WarmStartError(
                f"study {study.study_name!r} has no finished trial of an architecture of {space.name}."
            )
        order = np.argsort(-seen.y, kind="stable")
        best: dict[str, int] = {}
        for k in order:
            best.setdefault(seen.graphs[k].digest, int(k))
        rows = sorted(best.values())
        graphs = [seen.graphs[k] for k in rows]
        known = tuple(Elite(seen.candidates[k].params, float(seen.y[k])) for k in rows)
        return cls(source=_fitted(predictor, graphs, seen.y[rows], seen.y_std[rows]), known=known)

    @classmethod
    def from_predictor(cls, predictor: ArchitecturePredictor, space: SearchSpace) -> WarmStart:
        """Takes over a fitted predictor.

        Raises:
            WarmStartError: When it reads more than graphs, or knows another space's.
        """
        from sklearn.exceptions import NotFittedError

        examples = getattr(predictor, "examples_", ())
        if len(predictor.__dict__.get("column_names_", ())):
            raise WarmStartError(f"the predictor reads the columns {list(predictor.column_names_)}: a search has none.")
        for graph in examples:
            _check_operations(graph, space)
        try:
            predictor.predict_scores([space.graph(space.sample(np.random.default_rng(0)))])
        except NotFittedError as error:
            raise WarmStartError(f"the predictor must be fitted: {error}") from error
        except ValueError as error:
            raise WarmStartError(f"the predictor knows no architectures of {space.name}: {error}") from error
        return cls(source=predictor)

    @classmethod
    def from_architectures(cls, architectures: Iterable[ArchGraph | Params], space: SearchSpace) -> WarmStart:
        """Begins with architectures, in this order.

        Raises:
            WarmStartError: When there are none, or one is none of the space.
        """
        first = tuple(_params(architecture, space, f"architecture {k}") for k, architecture in enumerate(architectures))
        if not first:
            raise WarmStartError("there must be at least one architecture to start from, but there is none.")
        return cls(first=first)

    @classmethod
    def from_path(cls, path: str | Path, space: SearchSpace, predictor: ArchitecturePredictor) -> WarmStart:
        """Reads what other commands wrote.

        Args:
            path: A folder of `predictor train` or of `search`; or a table of architectures (`predictors.table`). One
                with the field `value`, such as the candidates of a search, is learned from; of any other, such as the
                list that `predictor rank` wrote, the architectures are the first to be proposed, in its order.
            space: The space.
            predictor: Fitted, as a clone, where there are values to learn from.

        Raises:
            WarmStartError: When there is nothing of the kind, it cannot be read, or is of another space.
        """
        from predictors.persistence import FILE, PersistenceError, load

        path = Path(path)
        try:
            if not path.is_dir():
                return cls._from_table(path, space, predictor)
            if (path / FILE).exists():
                return cls.from_predictor(load(path), space)
            if (path / CANDIDATES).exists():
                return cls._from_table(path / CANDIDATES, space, predictor)
        except WarmStartError as error:
            raise WarmStartError(f"{path}: {error}") from error
        except (PersistenceError, OSError, ValueError) as error:
            raise WarmStartError(f"cannot start from {path}: {error}") from error
        raise WarmStartError(f"folder {path} must hold {FILE} or {CANDIDATES}, but has neither.")

    @classmethod
    def _from_table(cls, path: Path, space: SearchSpace, predictor: ArchitecturePredictor) -> WarmStart:
        from predictors.table import read_chunks

        rows = [row for chunk in read_chunks(path) for row in chunk.rows]
        if any("rank" in row.fields or "value" not in row.fields for row in rows) or not rows:
            return cls.from_architectures([_named(row, space) for row in rows], space)
        measured = [row for row in rows if row.fields["value"] is not None]
        if not measured:
            raise WarmStartError("every `value` is null.")
        values, deviations = ([_number(row, name) for row in measured] for name in ("value", "value_std"))
        for row in measured:
            _check_operations(row.graph, space)
        named = [(_named(row, space), value) for row, value in zip(measured, values, strict=True)]
        known = tuple(Elite(params, value) for params, value in named if not isinstance(params, ArchGraph))
        return cls(source=_fitted(predictor, [row.graph for row in measured], values, deviations), known=known)


def warm_start_from(
    start: Start,
    space: SearchSpace,
    predictor: ArchitecturePredictor,
) -> WarmStart:
    """What a sampler takes as `warm_start`, as a `WarmStart`.

    Args:
        start: A study or a fitted predictor of the same space; a path (`WarmStart.from_path`); or architectures, as
            graphs or params.
        space: The space.
        predictor: Learns from measured architectures, as a clone.

    Raises:
        WarmStartError: When it is of another space, or cannot be read.
    """
    from optuna.study import Study

    from predictors.architecture.base import ArchitecturePredictor

    if isinstance(start, WarmStart):
        return start
    if isinstance(start, Study):
        return WarmStart.from_study(start, space, predictor)
    if isinstance(start, ArchitecturePredictor):
        return WarmStart.from_predictor(start, space)
    if isinstance(start, str | Path):
        return WarmStart.from_path(start, space, predictor)
    return WarmStart.from_architectures(start, space)


def enqueue(study: Study, space: SearchSpace, architectures: Iterable[ArchGraph | Params]) -> None:
    """Queues architectures, as graphs or params, to be the study's next trials; those it has already are passed over.

    Raises:
        WarmStartError: When one is none of the space; nothing is queued then.
    """
    for params in [_params(a, space, f"architecture {k}") for k, a in enumerate(architectures)]:
        study.enqueue_trial(dict(params), skip_if_exists=True)


def _params(architecture: ArchGraph | Params, space: SearchSpace, what: str) -> Params:
    if not isinstance(architecture, ArchGraph):
        try:
            return space.check(architecture)
        except SpaceError as error:
            raise WarmStartError(f"{what} is none of {space.name}: {error}") from error
    _check_operations(architecture, space)
    rng = np.random.default_rng(0)
    for _ in range(1 if space.is_enumerable else _TRIES):
        params = space.params_of(architecture, near=space.sample(rng))
        if params is not None:
            return params
    raise WarmStartError(f"{what} is none of {space.name}, or is not found there.")


def _named(row: Row, space: SearchSpace) -> ArchGraph | Params:
    """The row's params, where it has those of its graph; else the graph."""
    params = row.fields.get("params")
    own = {name: params[name] for name in space.choices if name in params} if isinstance(params, dict) else {}
    return own if space.is_valid(own) and space.graph(own).digest == row.graph.digest else row.graph


def _number(row: Row, name: str) -> float:
    number = row.fields.get(name)
    if number is None and name != "value":
        return 0.0
    if not isinstance(number, int | float) or not np.isfinite(number):
        raise WarmStartError(f"row {row.number}: `{name}` must be a finite number, but is {number!r:.60}.")
    return float(number)


def _fitted(predictor: ArchitecturePredictor, graphs: Sequence[ArchGraph], y: Any, y_std: Any) -> ArchitecturePredictor:
    from sklearn.base import clone

    fitted: ArchitecturePredictor = clone(predictor).fit(graphs, y, y_std=y_std)
    return fitted


def _check_operations(graph: object, space: SearchSpace) -> None:
    if not isinstance(graph, ArchGraph):
        raise WarmStartError("the predictor was fitted on numbers, not on graphs.")
    foreign = [op for op in graph.ops if not is_input(op) and op not in (OUTPUT, SUM, CONCAT, *space.operations)]
    if foreign:
        raise WarmStartError(
            f"the operation {foreign[0]!r} is none of {space.name}, whose are: {', '.join(space.operations)}."
        )
