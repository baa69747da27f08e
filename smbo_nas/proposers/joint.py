"""JointProposer: architectures of another proposer, each with hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from predictors.architecture.inputs import Described
from smbo_nas.hyperparameters import Hyperparameters, JointSpace, as_graphs
from smbo_nas.proposers.base import Elite, Pool, Proposer, best_of
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor

_ELITES = 10
"""Settings of hyperparameters to start from, and architectures to try again."""
_ARCHITECTURES = 300
"""Architectures that are looked at with several settings."""
_SETTINGS = 128
"""Settings in a pool; a quarter are random, the others near the best ones."""
_EACH = 12
"""How many of them each of these architectures gets."""
_SCALES = (0.2, 0.05, 0.02)
"""Standard deviations of steps, as shares of a range."""
_MAX_DRAWS = 1000


class JointProposer(Proposer):
    """Pairs of an architecture and hyperparameters.

    Another proposer says which architectures; the best of those measured are among them, for they may do better yet
    with other hyperparameters. Each is scored with one setting near the best ones, and the most promising by mean plus
    standard deviation with a dozen, some near the best and some at random.

    Args:
        architectures: Proposes these.
    """

    def __init__(self, architectures: Proposer) -> None:
        self.architectures = architectures

    def draws(self, space: SearchSpace, seen: frozenset[str], rng: np.random.Generator) -> Iterator[Params]:
        """Architectures in the other proposer's order, unseen while some are, each with random hyperparameters."""
        joint = _joint(space)
        drawn = self.architectures.draws(joint.space, seen, rng)
        while True:
            params = next(drawn)
            some = islice(drawn, _MAX_DRAWS)
            new = (p for p in (params, *some) if joint.space.graph(p).digest not in seen)
            yield {**next(new, params), **joint.hyperparameters.sample(rng)}

    def pool(
        self,
        space: SearchSpace,
        measured: Sequence[Elite],
        seen: frozenset[str],
        rng: np.random.Generator,
        predictor: ArchitecturePredictor | None = None,
    ) -> Pool:
        """See `Proposer.pool`; `seen` bars pairs, not architectures.

        Raises:
            TypeError: When the space is no `JointSpace`.
        """
        joint = _joint(space)
        best = best_of(measured, _ELITES)
        known = [Elite(joint.architecture(elite.params), elite.value) for elite in measured]
        again = Pool.of(joint.space, [joint.architecture(params) for params in best], frozenset())
        fresh = self.architectures.pool(joint.space, known, frozenset(again.digests), rng, predictor)
        settings = _settings(joint.hyperparameters, best, rng)
        columns = [joint.columns(setting) for setting in settings]
        architectures, graphs = [*again.params, *fresh.params], [*again.graphs, *fresh.graphs]
        kept = np.arange(len(graphs))
        if predictor is not None and len(graphs) > _ARCHITECTURES:
            some = rng.integers(len(settings), size=len(graphs)).tolist()
            mean, std = predictor.predict_scores([Described(g, columns[s]) for g, s in zip(graphs, some, strict=True)])
            kept = np.argsort(-(mean + std), kind="stable")[:_ARCHITECTURES]
        params, rows = [], []
        for k in kept.tolist():
            for s in rng.choice(len(settings), size=_EACH, replace=False).tolist():
                params.append({**architectures[k], **settings[s]})
                rows.append(Described(graphs[k], columns[s]))
        digests = [row.digest for row in rows]
        return Pool(tuple(params), as_graphs(rows), tuple(digests)).only(digest not in seen for digest in digests)


def _settings(hyperparameters: Hyperparameters, best: Sequence[Params], rng: np.random.Generator) -> list[Params]:
    """Hyperparameters to try, some of them near those of the best."""
    settings: list[Params] = []
    for k in range(_SETTINGS):
        if best and k % 4:
            scale = _SCALES[rng.integers(len(_SCALES))]
            settings.append(hyperparameters.perturb(best[int(rng.integers(len(best)))], scale, rng))
        else:
            settings.append(hyperparameters.sample(rng))
    return settings


def _joint(space: SearchSpace) -> JointSpace:
    if not isinstance(space, JointSpace):
        raise TypeError(f"`space` must be a JointSpace, but is a {type(space).__name__}.")
    return space
