"""Proposer: which candidates are worth a look (after the Designer of Vizier, pure and without Optuna)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

from predictors.graph import ArchGraph
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor


@dataclass(frozen=True)
class Elite:
    """A measured architecture: its params and its value, larger is better."""

    params: Params
    value: float


@dataclass(frozen=True)
class Pool:
    """Candidates to be scored, one per isomorphism class.

    Attributes:
        params: One point of the space per candidate.
        graphs: Their graphs, in the same order.
        digests: Their digests, in the same order.
    """

    params: tuple[Params, ...]
    graphs: tuple[ArchGraph, ...]
    digests: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, space: SearchSpace, points: Iterable[Params], seen: frozenset[str]) -> Self:
        """The first of `points` of each isomorphism class that is not among the digests `seen`."""
        known = set(seen)
        params, graphs, digests = [], [], []
        drawn = {tuple(point.items()): point for point in points}  # a setting drawn again is read once
        for point in drawn.values():
            graph = space.graph(point)
            if graph.digest not in known:
                known.add(graph.digest)
                params.append(point)
                graphs.append(graph)
                digests.append(graph.digest)
        return cls(tuple(params), tuple(graphs), tuple(digests))

    def only(self, kept: Iterable[bool]) -> Pool:
        """The candidates that are to be kept, in the same order."""
        rows = [k for k, keep in enumerate(kept) if keep]
        return Pool(
            params=tuple(self.params[k] for k in rows),
            graphs=tuple(self.graphs[k] for k in rows),
            digests=tuple(self.digests[k] for k in rows),
        )


class Proposer(ABC):
    """Makes the pool of candidates from what was measured; keeps no state that the study does not hold."""

    def draws(self, space: SearchSpace, seen: frozenset[str], rng: np.random.Generator) -> Iterator[Params]:  # noqa: ARG002
        """What to measure before there is a model, one after the other without end: random points of the space.

        Args:
            space: Where they come from.
            seen: Digests that must not be proposed again; whoever takes a draw checks it.
            rng: The only source of randomness.
        """
        while True:
            yield space.sample(rng)

    @abstractmethod
    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],
        seen: frozenset[str],
        rng: np.random.Generator,
        predictor: ArchitecturePredictor | None = None,
    ) -> Pool:
        """The candidates to score next.

        Args:
            space: Where they come from.
            measured: Architectures with a value, in any order; may be empty.
            seen: Digests that must not be proposed again.
            rng: The only source of randomness.
            predictor: Fitted on what was measured; None where there is none yet.

        Returns:
            A pool without any digest of `seen`; empty where nothing new was found.
        """


def best_of(measured: Sequence[Elite], n: int) -> list[Params]:
    """The params of the `n` best; equal values keep their order, and so a seed its proposals."""
    return [elite.params for elite in sorted(measured, key=lambda elite: -elite.value)[:n]]


def default_proposer(space: SearchSpace) -> Proposer:
    """The whole space where it can be listed, else mutations of the best and random points."""
    from smbo_nas.proposers.enumerate import EnumerateProposer
    from smbo_nas.proposers.mutate import MutateProposer

    return EnumerateProposer() if space.is_enumerable else MutateProposer()
