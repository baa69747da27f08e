"""EnumerateProposer: every architecture of a small space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from smbo_nas.proposers.base import Elite, Pool, Proposer
from smbo_nas.spaces import SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor


class EnumerateProposer(Proposer):
    """Proposes one point of every isomorphism class that was not seen."""

    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],  # noqa: ARG002
        seen: frozenset[str],
        rng: np.random.Generator,  # noqa: ARG002
        predictor: ArchitecturePredictor | None = None,  # noqa: ARG002
    ) -> Pool:
        """See `Proposer.pool`.

        Raises:
            SpaceError: When the space is too large to be listed.
        """
        kept = [(digest, candidate) for digest, candidate in space.classes.items() if digest not in seen]
        return Pool(
            params=tuple(candidate.params for _, candidate in kept),
            graphs=tuple(candidate.graph for _, candidate in kept),
            digests=tuple(digest for digest, _ in kept),
        )
