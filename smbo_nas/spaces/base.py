"""SearchSpace: what networks may look like, and the moves inside it."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from predictors.graph import ArchGraph

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from torch import nn

Params = dict[str, str]
"""One choice per parameter name: what Optuna stores and the dashboard shows."""

MAX_ENUMERABLE = 50_000
"""Spaces with more settings than this are sampled, not enumerated."""

_MAX_REJECTIONS = 100_000


class SpaceError(ValueError):
    """Params, tokens or arguments that do not belong to the space; the message says why."""


@dataclass(frozen=True)
class Candidate:
    """A point of a space: the params, and what they mean."""

    space: SearchSpace
    params: Params

    @cached_property
    def graph(self) -> ArchGraph:
        """The architecture as a graph."""
        return self.space.graph(self.params)

    def build(self, *, input_shape: Sequence[int], num_classes: int, **sizes: Any) -> nn.Module:
        """The untrained network, stacked as the space's paper stacks it; see `smbo_nas.networks.build_network`."""
        return self.space.build(self.graph, input_shape=input_shape, num_classes=num_classes, **sizes)


class SearchSpace(ABC):
    """A search space whose points are one choice for each of a few categorical parameters.

    A subclass gives `choices` and `graph`, `skeleton` when its networks can be built, and, when not every combination
    is an architecture, `why_invalid`. Everything else follows.
    """

    name: str
    """Name on the command line and in stored studies."""
    skeleton: str | None = None
    """How `smbo_nas.networks` stacks the cells; None where a graph alone does not say how to build a network."""

    @property
    @abstractmethod
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """The choices of each parameter, in a fixed order."""

    @abstractmethod
    def _graph(self, params: Params) -> ArchGraph:
        """The graph of valid params."""

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that its graphs may have beside inputs, outputs and merges; more do no harm."""
        return self.vocabulary

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description: `name` and the arguments that make this space again."""
        return {"name": self.name}

    def why_invalid(self, params: Params) -> str | None:  # noqa: ARG002
        """Why a combination of choices is no architecture, or None where it is one."""
        return None

    # -- points -----------------------------------------------------------------------------------------------------

    def check(self, params: Mapping[str, Any]) -> Params:
        """Returns `params` in the space's order.

        Raises:
            SpaceError: When a parameter is missing or unknown, a choice is not allowed or the combination is invalid.
        """
        known = self.choices
        if params.keys() != known.keys():
            for name in params:
                if name not in known:
                    raise SpaceError(f"{self.name} has no parameter {name!r}; it has {', '.join(known)}.")
            missing = next(name for name in known if name not in params)
            raise SpaceError(f"{self.name} needs a value for parameter {missing!r}.")
        ordered: Params = {}
        for name, choices in known.items():
            choice = ordered[name] = params[name]
            if choice not in choices:
                raise SpaceError(
                    f"parameter {name!r} of {self.name} must be one of {list(choices)}, but got {choice!r}."
                )
        reason = self.why_invalid(ordered)
        if reason is not None:
            raise SpaceError(f"no architecture of {self.name}: {reason}.")
        return ordered

    def is_valid(self, params: Mapping[str, Any]) -> bool:
        """Whether `check` accepts the params."""
        try:
            self.check(params)
        except SpaceError:
            return False
        return True

    def graph(self, params: Mapping[str, Any]) -> ArchGraph:
        """The architecture as a graph.

        Raises:
            SpaceError: As `check`.
        """
        return self._graph(self.check(params))

    def params_of(self, graph: ArchGraph, *, near: Mapping[str, Any]) -> Params | None:
        """The params of an architecture, or None where they are not found.

        In a space that is listed, those of its class. Else the graph has to be written as `graph` writes it: the
        parameters of `near` are changed one at a time, each to the choice that leaves the fewest differences. That
        finds them where each parameter stands for nodes or edges of its own.

        Args:
            graph: An architecture.
            near: Where to begin.

        Raises:
            SpaceError: When `near` is no point of the space.
        """
        if self.is_enumerable:
            known = self.classes.get(graph.digest)
            return None if known is None else known.params
        params = self.check(near)
        left = _differences(self._graph(params), graph)
        improving = True
        while left and improving:
            improving = False
            for name, choices in self.choices.items():
                for choice in choices:
                    fewer = _differences(self._graph({**params, name: choice}), graph)
                    if fewer < left:
                        params, left, improving = {**params, name: choice}, fewer, True
        found = not left and self.why_invalid(params) is None and self._graph(params).digest == graph.digest
        return params if found else None

    def candidate(self, params: Mapping[str, Any]) -> Candidate:
        """The point at `params`.

        Raises:
            SpaceError: As `check`.
        """
        return Candidate(self, self.check(params))

    def build(self, graph: ArchGraph, *, input_shape: Sequence[int], num_classes: int, **sizes: Any) -> nn.Module:
        """The untrained network of a graph of this space; see `smbo_nas.networks.build_network`."""
        from smbo_nas.networks import build_network

        if self.skeleton is None:
            raise SpaceError(f"{self.name} does not say how its networks are stacked: set `skeleton`.")
        return build_network(graph, skeleton=self.skeleton, input_shape=input_shape, num_classes=num_classes, **sizes)

    # -- Optuna -----------------------------------------------------------------------------------------------------

    def distributions(self) -> dict[str, BaseDistribution]:
        """One `CategoricalDistribution` per parameter."""
        from optuna.distributions import CategoricalDistribution

        return {name: CategoricalDistribution(choices) for name, choices in self.choices.items()}

    def suggest(self, trial: optuna.Trial) -> Candidate:
        """The trial's architecture.

        Raises:
            optuna.TrialPruned: When a sampler that does not know the space chose an invalid combination.
        """
        from optuna import TrialPruned

        params = {name: trial.suggest_categorical(name, choices) for name, choices in self.choices.items()}
        reason = self.why_invalid(params)
        if reason is not None:
            raise TrialPruned(f"no architecture of {self.name}: {reason}.")
        return Candidate(self, params)

    # -- moves ------------------------------------------------------------------------------------------------------

    @property
    def genes(self) -> tuple[tuple[str, ...], ...]:
        """The parameters, in their order, in groups that a crossover takes whole: by default each by itself."""
        return tuple((name,) for name in self.choices)

    @cached_property
    def size(self) -> int:
        """Number of settings of the parameters; invalid and isomorphic ones count."""
        return prod(len(c) for c in self.choices.values())

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """Number of choices of each parameter."""
        return np.array([len(choices) for choices in self.choices.values()])

    @property
    def is_enumerable(self) -> bool:
        """Whether the space is small enough to be listed."""
        return self.size <= MAX_ENUMERABLE

    def enumerate(self) -> Iterator[Params]:
        """Every valid point, in the order of the choices.

        Raises:
            SpaceError: When the space has more than `MAX_ENUMERABLE` settings.
        """
        if not self.is_enumerable:
            raise SpaceError(f"{self.name} has {self.size} settings, more than the {MAX_ENUMERABLE} that are listed.")
        names = tuple(self.choices)
        for values in itertools.product(*self.choices.values()):
            params = dict(zip(names, values, strict=True))
            if self.why_invalid(params) is None:
                yield params

    @cached_property
    def classes(self) -> Mapping[str, Candidate]:
        """One point of each isomorphism class by its graph's digest, in the order of `enumerate`.

        Raises:
            SpaceError: As `enumerate`.
        """
        return self._listed[0]

    @cached_property
    def _listed(self) -> tuple[dict[str, Candidate], dict[str, list[tuple[str, ...]]]]:
        """The first point of each class, and the choices of all others in it."""
        first: dict[str, Candidate] = {}
        others: dict[str, list[tuple[str, ...]]] = {}
        for params in self.enumerate():
            candidate = Candidate(self, params)
            digest = candidate.graph.digest
            if first.setdefault(digest, candidate) is not candidate:
                others.setdefault(digest, []).append(tuple(params.values()))
        return first, others

    def alike(self, params: Mapping[str, Any]) -> Iterator[Params]:
        """Other points of the same architecture up to isomorphism: all in a space that is listed, else one change away.

        They compute the same, but may cost more or less: an implementation may run what carries no signal, and a table
        may hold what each was measured with.
        """
        origin, digest = self.check(params), self.graph(params).digest
        if self.is_enumerable:
            first, others = self._listed
            points = [tuple(first[digest].params.values()), *others.get(digest, ())]
            found = (dict(zip(self.choices, point, strict=True)) for point in points)
            yield from (point for point in found if point != origin)
        else:
            yield from (point for point in self.neighbours(origin) if self.graph(point).digest == digest)

    def sample(self, rng: np.random.Generator) -> Params:
        """A point drawn uniformly from the valid settings."""
        for _ in range(_MAX_REJECTIONS):
            drawn = zip(self.choices.items(), rng.integers(self._counts).tolist(), strict=True)
            params = {name: choices[k] for (name, choices), k in drawn}
            if self.why_invalid(params) is None:
                return params
        raise SpaceError(f"found no valid point of {self.name} in {_MAX_REJECTIONS} draws.")

    def mutate(self, params: Mapping[str, Any], rng: np.random.Generator) -> Params:
        """A valid point that differs in exactly one parameter: a uniform draw of the parameter, then of its choice.

        Invalid points are rejected. Where no single change is valid, one more parameter is changed, and so on.
        """
        origin = self.check(params)
        free = [name for name, choices in self.choices.items() if len(choices) > 1]
        if not free:
            raise SpaceError(f"{self.name} has a single point: nothing to mutate.")
        changes = 1
        for attempt in range(1, _MAX_REJECTIONS):
            mutant = dict(origin)
            for k in rng.permutation(len(free))[:changes].tolist():
                others = [c for c in self.choices[free[k]] if c != origin[free[k]]]
                mutant[free[k]] = others[rng.integers(len(others))]
            if self.why_invalid(mutant) is None:
                return mutant
            changes += attempt % 1000 == 0
        raise SpaceError(f"found no valid mutation of {origin} in {_MAX_REJECTIONS} draws.")

    def neighbours(self, params: Mapping[str, Any]) -> Iterator[Params]:
        """Every valid point that differs in exactly one parameter."""
        origin = self.check(params)
        for name, choices in self.choices.items():
            for choice in choices:
                if choice != origin[name]:
                    neighbour = {**origin, name: choice}
                    if self.why_invalid(neighbour) is None:
                        yield neighbour

    def crossover(self, first: Mapping[str, Any], second: Mapping[str, Any], rng: np.random.Generator) -> Params:
        """A valid point each of whose `genes` comes from one of the parents (uniform crossover).

        Where no mix is valid, the first parent.
        """
        a, b, genes = self.check(first), self.check(second), self.genes
        for _ in range(100):
            from_first = rng.random(len(genes)) < 0.5
            drawn = zip(genes, from_first.tolist(), strict=True)
            child = {name: (a if is_a else b)[name] for gene, is_a in drawn for name in gene}
            if self.why_invalid(child) is None:
                return child
        return a

    # -- growth -----------------------------------------------------------------------------------------------------

    def blocks(self, params: Mapping[str, Any]) -> int:  # noqa: ARG002
        """How many blocks an architecture has; what a block is, the space says.

        Raises:
            SpaceError: When the space has no smaller and larger architectures.
        """
        raise SpaceError(f"{self.name} does not say what a smaller architecture is, so none can grow.")

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:  # noqa: ARG002
        """Architectures that have one block more, valid ones only; isomorphic ones may be among them.

        All are reached from those of one block; what leads nowhere in `params` is left out.

        Args:
            params: What to expand; None for nothing, which gives the architectures of one block.

        Raises:
            SpaceError: As `blocks`.
        """
        raise SpaceError(f"{self.name} does not say what a smaller architecture is, so none can grow.")

    # -- tokens -----------------------------------------------------------------------------------------------------

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The distinct choices, in order of first appearance: `tokens` are positions in it."""
        return tuple(dict.fromkeys(c for choices in self.choices.values() for c in choices))

    @cached_property
    def _token_of(self) -> dict[str, int]:
        return {choice: k for k, choice in enumerate(self.vocabulary)}

    def tokens(self, params: Mapping[str, Any]) -> tuple[int, ...]:
        """The point as a sequence, one token per parameter, for sequence predictors and controllers."""
        return tuple(self._token_of[choice] for choice in self.check(params).values())

    def from_tokens(self, tokens: Sequence[int]) -> Params:
        """Inverse of `tokens`.

        Raises:
            SpaceError: When the length is wrong, a token is out of range or the point is invalid.
        """
        if len(tokens) != len(self.choices):
            raise SpaceError(f"{self.name} needs {len(self.choices)} tokens, but got {len(tokens)}.")
        for token in tokens:
            if not 0 <= token < len(self.vocabulary):
                raise SpaceError(f"a token must be in [0, {len(self.vocabulary)}), but got {token}.")
        return self.check({name: self.vocabulary[t] for name, t in zip(self.choices, tokens, strict=True)})

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.to_dict().items() if k != "name")
        return f"{type(self).__name__}({arguments})"


def _differences(a: ArchGraph, b: ArchGraph) -> int:
    """Nodes and edges that two graphs, as they are written, do not share."""
    nodes, others = (zip(graph.ops, graph.cells, strict=True) for graph in (a, b))
    relabelled = sum(bool(p != q) for p, q in itertools.zip_longest(nodes, others))
    edges, wanted = Counter(a.edges), Counter(b.edges)
    return relabelled + (edges - wanted).total() + (wanted - edges).total()


def distinct_operations(ops: Sequence[str]) -> tuple[str, ...]:
    """Returns the argument `ops` of a space as a tuple.

    Raises:
        SpaceError: When it is empty, a bare string or holds an operation twice.
    """
    if isinstance(ops, str) or not ops or len(set(ops)) < len(ops):
        raise SpaceError(f"`ops` must be distinct operation names, at least one, but got {ops!r}.")
    return tuple(ops)
