"""MCTSSampler: a tree over the sequence of choices, searched by upper confidence bounds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History, Outcome, Replay
from smbo_nas.spaces import Params, SearchSpace

Path = tuple[int, ...]
"""The choices of the first parameters, by position."""


@dataclass
class _Tree:
    """The paths to what has been measured.

    Attributes:
        nodes: Number of each path, from 0.
        visits: For each outcome, the numbers of the paths to it, from the root on, `(n, p + 1)`.
    """

    nodes: dict[Path, int] = field(default_factory=dict)
    visits: list[list[int]] = field(default_factory=list)


class MCTSSampler(ArchitectureSampler):
    """Monte Carlo tree search: parameters are decided in turn by upper confidence bounds, the last ones at random.

    Wang et al., "AlphaX: Exploring Neural Architectures with Deep Neural Networks and Monte Carlo Tree Search", 2019
    (AAAI 2020), sec. 4.1: at each level the choice with the largest mean reward + 2 c sqrt(2 ln N / n) (UCT, Kocsis and
    Szepesvari, ECML 2006), where n of the level's N visits took it; a choice that no visit took is taken first, and
    what is left to choose is drawn at random (rollout).

    Departures: an action is the choice of the space's next parameter, in place of adding a layer or a connection; the
    reward is the share of all outcomes that an architecture exceeds, so that it needs no unit; no network predicts
    rollouts; RUNNING trials are visits without a reward. Where an architecture is a repeat, the last choice is taken
    back and the next best made, and so on up the tree: a branch with nothing new in it is as if it were not there.

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
        self._replay = Replay(_Tree, self._step)

    def _path(self, params: Params) -> Path:
        return tuple(choices.index(params[name]) for name, choices in self._space.choices.items())

    def _step(self, tree: _Tree, outcome: Outcome) -> None:
        prefixes = _prefixes(self._path(outcome.params))
        tree.visits.append([tree.nodes.setdefault(prefix, len(tree.nodes)) for prefix in prefixes])

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        pending = Counter(prefix for params in history.pending for prefix in _prefixes(self._path(params)))
        search = _Search(self._replay(history.outcomes), _shares(history), pending, self._exploration)
        for path in search.leaves([len(choices) for choices in self._space.choices.values()], rng):
            yield {name: choices[k] for (name, choices), k in zip(self._space.choices.items(), path, strict=True)}


class _Search:
    """What one proposal knows of each path: its mean reward, and visits with and without a reward."""

    def __init__(self, tree: _Tree, rewards: NDArray[np.float64], pending: Counter[Path], exploration: float) -> None:
        self._nodes = tree.nodes
        visits = np.array(tree.visits, dtype=np.intp)
        counts = np.bincount(visits.ravel())
        sums = np.bincount(visits.ravel(), weights=np.repeat(rewards, visits.size // max(len(rewards), 1)))
        self._visits: list[int] = counts.tolist()
        self._means: list[float] = (sums / counts).tolist()
        self._pending = pending
        self._exploration = exploration

    def leaves(self, sizes: Sequence[int], rng: np.random.Generator) -> Iterator[Path]:
        """Whole paths, the descent by the bounds first; after each, the last choice that has an alternative changes."""
        left: list[tuple[Path, float]] = [((), self._mean((), 0.5))]
        while left:
            path, mean = left.pop()
            if len(path) == len(sizes):
                yield path
            else:
                left += self._children(path, mean, rng.random(sizes[len(path)]).tolist())

    def _children(self, path: Path, mean: float, ties: Sequence[float]) -> list[tuple[Path, float]]:
        """The choices after a path with their mean rewards, the one to make first last."""
        children = [(*path, k) for k in range(len(ties))]
        visits = [self._visits_of(child) for child in children]
        means = [self._mean(child, mean) for child in children]
        spread = 2 * self._exploration * math.sqrt(2 * math.log(max(sum(visits), 1)))
        bounds = [m + spread / math.sqrt(n) if n else math.inf for m, n in zip(means, visits, strict=True)]
        order = sorted(range(len(ties)), key=lambda k: (bounds[k], ties[k]))
        return [(children[k], means[k]) for k in order]

    def _visits_of(self, path: Path) -> int:
        number = self._nodes.get(path)
        return self._pending[path] + (0 if number is None else self._visits[number])

    def _mean(self, path: Path, before: float) -> float:
        """The mean reward, or that of the path before where nothing below was measured."""
        number = self._nodes.get(path)
        return before if number is None else self._means[number]


def _prefixes(path: Path) -> list[Path]:
    return [path[:depth] for depth in range(len(path) + 1)]


def _shares(history: History) -> NDArray[np.float64]:
    """The share of all outcomes that each exceeds, half of the equal ones counted, `(n,)` in [0, 1]."""
    values = np.array([outcome.value for outcome in history.outcomes])
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (
        2 * len(values) or 1
    )
