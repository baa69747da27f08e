"""MCTSSampler: a tree over the sequence of choices, searched by upper confidence bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History, Outcome, Replay
from smbo_nas.spaces import Params, SearchSpace

Path = tuple[int, ...]
"""The choices of the first parameters, by position."""

_ROLLOUTS = 10


@dataclass
class _Tree:
    """Which outcomes, by their place in the history, lie below each path."""

    outcomes: int = 0
    below: dict[Path, list[int]] = field(default_factory=dict)


class MCTSSampler(ArchitectureSampler):
    """Monte Carlo tree search: parameters are decided in turn by upper confidence bounds, the last ones at random.

    Wang et al., "AlphaX: Exploring Neural Architectures with Deep Neural Networks and Monte Carlo Tree Search", 2019
    (AAAI 2020), sec. 4.1: at each level the choice with the largest mean reward + 2 c sqrt(2 ln N / n) (UCT, Kocsis and
    Szepesvari, ECML 2006), where n of the level's N visits took it; a choice that no visit took is taken first, and
    what is left to choose is drawn at random (rollout).

    Departures: an action is the choice of the space's next parameter, in place of adding a layer or a connection; the
    reward is the share of all outcomes that an architecture exceeds, so that it needs no unit; no network predicts
    rollouts; RUNNING trials, and architectures passed over as repeats, are visits without a reward.

    Args:
        space: As `ArchitectureSampler`.
        exploration: c, above 0.
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When `exploration` is not above 0.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        exploration: float = 0.1,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if not exploration > 0:
            raise ValueError(f"`exploration` must be above 0, but got {exploration}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._exploration = exploration
        self._choices = list(space.choices.values())
        self._replay = Replay(_Tree, self._step)

    def _path(self, params: Params) -> Path:
        return tuple(choices.index(params[name]) for name, choices in self._space.choices.items())

    def _step(self, tree: _Tree, outcome: Outcome) -> None:
        path = self._path(outcome.params)
        for depth in range(len(path) + 1):
            tree.below.setdefault(path[:depth], []).append(tree.outcomes)
        tree.outcomes += 1

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        search = _Search(self._replay(history.outcomes), _shares(history), self._exploration)
        for params in history.pending:
            search.visit(self._path(params))
        while True:
            path = search.descend(self._choices, rng)
            for _ in range(_ROLLOUTS if len(path) < len(self._choices) else 1):
                rest = (int(rng.integers(len(choices))) for choices in self._choices[len(path) :])
                taken = zip(self._space.choices.items(), (*path, *rest), strict=True)
                yield {name: choices[k] for (name, choices), k in taken}
            search.visit(path)


class _Search:
    """The descents of one proposal: what the tree holds, and visits without a reward."""

    def __init__(self, tree: _Tree, rewards: NDArray[np.float64], exploration: float) -> None:
        self._below = tree.below
        self._rewards = rewards
        self._exploration = exploration
        self._unrewarded: Counter[Path] = Counter()
        self._means: dict[Path, float] = {}

    def visit(self, path: Path) -> None:
        self._unrewarded.update(path[:depth] for depth in range(len(path) + 1))

    def descend(self, levels: list[tuple[str, ...]], rng: np.random.Generator) -> Path:
        """The path to the first choice that no visit took."""
        path: Path = ()
        for choices in levels:
            children = [(*path, k) for k in range(len(choices))]
            visits = np.array([len(self._below.get(c, ())) + self._unrewarded[c] for c in children])
            if not visits.all():
                return children[int(rng.choice(np.flatnonzero(visits == 0)))]
            means = np.array([self._mean(child) for child in children])
            bound = means + 2 * self._exploration * np.sqrt(2 * np.log(visits.sum()) / visits)
            path = children[int(rng.choice(np.flatnonzero(bound == bound.max())))]
        return path

    def _mean(self, path: Path) -> float:
        if path not in self._means:
            below = self._below.get(path)
            self._means[path] = float(self._rewards[below].mean()) if below else self._mean(path[:-1]) if path else 0.5
        return self._means[path]


def _shares(history: History) -> NDArray[np.float64]:
    """The share of all outcomes that each exceeds, half of the equal ones counted, `(n,)` in [0, 1]."""
    values = np.array([outcome.value for outcome in history.outcomes])
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (
        2 * len(values) or 1
    )
