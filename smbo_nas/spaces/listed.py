"""ListedSpace: those architectures of a space that are on a list, such as the cells of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictors.graph import ArchGraph
from smbo_nas.spaces.base import Candidate, Params, SearchSpace, SpaceError


class ListedSpace(SearchSpace):
    """The architectures of a list, under any of their names: an isomorphic cell is the same architecture.

    Args:
        space: Where they are from; parameters and networks are its.
        points: Params of each, no two of them isomorphic.

    Raises:
        SpaceError: When the list is empty, holds an invalid point, or the same architecture twice.
    """

    def __init__(self, space: SearchSpace, points: Sequence[Mapping[str, Any]]) -> None:
        self.space = space
        self.name = f"listed {space.name}"
        self.skeleton = space.skeleton
        self._candidates = [space.candidate(params) for params in points]
        self._place: dict[str, int] = {c.graph.digest: k for k, c in enumerate(self._candidates)}
        if not self._candidates:
            raise SpaceError("`points` must hold at least one architecture, but is empty.")
        if len(self._place) < len(self._candidates):
            raise SpaceError("`points` must be distinct architectures, but two of them are isomorphic.")

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """See `SearchSpace.choices`."""
        return self.space.choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return self.space.operations

    @property
    def genes(self) -> tuple[tuple[str, ...], ...]:
        """See `SearchSpace.genes`."""
        return self.space.genes

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        points = [candidate.params for candidate in self._candidates]
        return {"name": self.name, "space": self.space.to_dict(), "points": points}

    def __len__(self) -> int:
        return len(self._candidates)

    def place(self, graph: ArchGraph) -> int | None:
        """The position of an architecture on the list, or None."""
        return self._place.get(graph.digest)

    def why_invalid(self, params: Params) -> str | None:
        """See `SearchSpace.why_invalid`."""
        reason = self.space.why_invalid(params)
        if reason is None and self.place(self.space.graph(params)) is None:
            return f"it is not among the {len(self)} that are listed"
        return reason

    def _graph(self, params: Params) -> ArchGraph:
        return self.space.graph(params)

    @property
    def is_enumerable(self) -> bool:
        """See `SearchSpace.is_enumerable`: a list is."""
        return True

    def enumerate(self) -> Iterator[Params]:
        """Every point as it is on the list."""
        return (dict(candidate.params) for candidate in self._candidates)

    @cached_property
    def classes(self) -> Mapping[str, Candidate]:
        """See `SearchSpace.classes`."""
        return {candidate.graph.digest: candidate for candidate in self._candidates}

    def sample(self, rng: np.random.Generator) -> Params:
        """A point drawn uniformly from the list."""
        return dict(self._candidates[int(rng.integers(len(self)))].params)

    def nearest(self, params: Mapping[str, Any]) -> int:
        """The position on the list of the architecture itself, or else of the point that differs in fewest parameters.

        For samplers that do not know the list; of several the first.
        """
        wanted = self.space.check(params)
        place = self.place(self.space.graph(wanted))
        if place is not None:
            return place
        return int(np.argmin((self._tokens != np.array(self.space.tokens(wanted))).sum(axis=1)))

    @cached_property
    def _tokens(self) -> NDArray[np.int64]:
        return np.array([self.space.tokens(candidate.params) for candidate in self._candidates], dtype=np.int64)
