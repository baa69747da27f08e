"""Parts of a search left out, to see what each is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from predictors.graph import ArchGraph
from smbo_nas.acquisition import Scores
from smbo_nas.spaces.base import Params, SearchSpace


@dataclass(frozen=True)
class Blind:
    """An acquisition that does not ask the predictor: a random one of what the proposer offers is next."""

    def __call__(
        self,
        predictor: Scores,  # noqa: ARG002
        graphs: Sequence[ArchGraph],
        *,
        measured: Sequence[ArchGraph],  # noqa: ARG002
        best: float,  # noqa: ARG002
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """See `smbo_nas.acquisition.Acquisition`."""
        return rng.random(len(graphs))


class UnmergedSpace(SearchSpace):
    """A space whose isomorphic settings count as different architectures: only the same setting is a repeat.

    Args:
        space: Where settings and graphs are from.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.name = space.name
        self.skeleton = space.skeleton

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """See `SearchSpace.choices`."""
        return self.space.choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return self.space.operations

    def why_invalid(self, params: Params) -> str | None:
        """See `SearchSpace.why_invalid`."""
        return self.space.why_invalid(params)

    @property
    def is_enumerable(self) -> bool:
        """See `SearchSpace.is_enumerable`."""
        return self.space.is_enumerable

    def enumerate(self) -> Iterator[Params]:
        """See `SearchSpace.enumerate`."""
        return self.space.enumerate()

    def sample(self, rng: np.random.Generator) -> Params:
        """See `SearchSpace.sample`."""
        return self.space.sample(rng)

    def _graph(self, params: Params) -> ArchGraph:
        graph = self.space.graph(params)
        return _Unmerged(graph.ops, graph.edges, graph.attributes, graph.cell)


@dataclass(frozen=True)
class _Unmerged(ArchGraph):
    """A graph that is the same as another only where both are written alike; predictors read it as they read any."""

    @cached_property
    def digest(self) -> str:
        return self._content_hash
