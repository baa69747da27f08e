"""Proposer: which candidates are worth a look (after the Designer of Vizier, pure and without Optuna)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from predictors.graph import ArchGraph
from smbo_nas.spaces import Params, SearchSpace


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


class Proposer(ABC):
    """Makes the pool of candidates from what was measured; keeps no state that the study does not hold."""

    @abstractmethod
    def pool(
        self, space: SearchSpace, measured: Sequence[Elite], seen: frozenset[str], rng: np.random.Generator
    ) -> Pool:
        """The candidates to score next.

        Args:
            space: Where they come from.
            measured: Architectures with a value, in any order; may be empty.
            seen: Digests that must not be proposed again.
            rng: The only source of randomness.

        Returns:
            A pool without any digest of `seen`; empty where nothing new was found.
        """


def default_proposer(space: SearchSpace) -> Proposer:
    """The whole space where it can be listed, else mutations of the best and random points."""
    from smbo_nas.proposers.enumerate import EnumerateProposer
    from smbo_nas.proposers.mutate import MutateProposer

    return EnumerateProposer() if space.is_enumerable else MutateProposer()
