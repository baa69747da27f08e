"""QLearningSampler: choices are valued by Q-learning, and taken epsilon-greedily."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from optuna.samplers import BaseSampler

from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History, Outcome, Replay, Standing
from smbo_nas.spaces import Params, SearchSpace

EPSILONS = (
    (1.0, 95), (0.9, 7), (0.8, 7), (0.7, 7), (0.6, 10), (0.5, 10), (0.4, 10), (0.3, 10), (0.2, 12), (0.1, 12),
)  # fmt: skip
"""BlockQNN, table 2: each exploration rate, and its share of the search (in iterations)."""

_START = 0.5
_FLATTER = 0.05


class QLearningSampler(ArchitectureSampler):
    """Q-learning: each choice, given the one before it, has a value; more and more often the best one is taken.

    Baker et al., "Designing Neural Network Architectures using Reinforcement Learning" (MetaQNN), ICLR 2017, sec. 4:
    values begin at 0.5; the reward comes with the last choice and is not discounted; after each architecture, some of
    all so far are drawn from the replay memory, and the values of their choices updated from the last to the first
    (eq. 3). With probability epsilon a choice is random; epsilon falls from 1 to 0.1 in the steps of BlockQNN (Zhong et
    al., "Practical Block-wise Neural Network Architecture Generation", CVPR 2018, table 2).

    Departures: a state is the place of a parameter and the choice before it, for any space; the reward is the share of
    the outcomes so far that an architecture exceeds, so that it needs no unit; the schedule is stretched to
    `n_trials` architectures, and the learning rate is for hundreds of them (MetaQNN's is 0.01); repeats are drawn
    again, with a larger epsilon each time, in place of being remembered anew.

    Args:
        space: As `ArchitectureSampler`.
        n_trials: Architectures until epsilon has fallen to 0.1, at least 1.
        learning_rate: In (0, 1].
        replays: Architectures replayed after each, at least 1.
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When an argument is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        n_trials: int = 200,
        learning_rate: float = 0.1,
        replays: int = 64,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        for name, number in {"n_trials": n_trials, "replays": replays}.items():
            if number < 1:
                raise ValueError(f"`{name}` must be at least 1, but got {number}.")
        if not 0 < learning_rate <= 1:
            raise ValueError(f"`learning_rate` must be in (0, 1], but got {learning_rate}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._n_trials = n_trials
        self._learning_rate = learning_rate
        self._replays = replays
        self._sizes = [len(choices) for choices in space.choices.values()]
        self._replay = Replay(self._start, _Values.learn)

    def _start(self) -> _Values:
        return _Values(self._space, self._sizes, self._learning_rate, self._replays, self._seed)

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        values = self._replay(history.outcomes)
        epsilon = scheduled(len(history.outcomes) / self._n_trials)
        while True:
            sequence = values.draw(epsilon, rng)
            taken = zip(self._space.choices.items(), sequence, strict=True)
            yield {name: choices[k] for (name, choices), k in taken}
            epsilon = min(1.0, epsilon + _FLATTER)


def scheduled(share: float) -> float:
    """Epsilon when this share of the search, from 0 on, is over."""
    left = share * sum(length for _, length in EPSILONS)
    for epsilon, length in EPSILONS:
        if left < length:
            return epsilon
        left -= length
    return EPSILONS[-1][0]


class _Values:
    """The values of all choices, and the memory that they were learned from."""

    def __init__(self, space: SearchSpace, sizes: Sequence[int], learning_rate: float, replays: int, seed: int) -> None:
        self._space = space
        # By parameter, then by the choice before it: the values of its choices, as lists, which are quick one by one.
        before = [1, *sizes[:-1]]
        self._q = [[[_START] * n for _ in range(m)] for m, n in zip(before, sizes, strict=True)]
        self._rate = learning_rate
        self._replays = replays
        self._seed = seed
        self._memory: list[tuple[list[int], float]] = []
        self._standing = Standing()

    def learn(self, outcome: Outcome) -> None:
        """Remembers an outcome, and replays it and others."""
        sequence = [choices.index(outcome.params[name]) for name, choices in self._space.choices.items()]
        self._standing.add(outcome.value)
        self._memory.append((sequence, outcome.value))
        rng = np.random.default_rng([self._seed, len(self._memory)])  # no trial's: a replay repeats it
        drawn = rng.integers(len(self._memory), size=self._replays - 1).tolist()
        for k in [*drawn, len(self._memory) - 1]:
            remembered, value = self._memory[k]
            self._update(remembered, self._standing.share(value))

    def _update(self, sequence: list[int], target: float) -> None:
        """From the last choice, whose target is the reward, to the first; each target is the best value after it."""
        for place in reversed(range(len(sequence))):
            row = self._q[place][sequence[place - 1] if place else 0]
            taken = sequence[place]
            row[taken] += self._rate * (target - row[taken])
            target = max(row)

    def draw(self, epsilon: float, rng: np.random.Generator) -> list[int]:
        """A sequence; of equal values one at random."""
        sequence: list[int] = []
        random = rng.random(len(self._q))
        for place, rows in enumerate(self._q):
            row = rows[sequence[-1] if place else 0]
            best = max(row)
            open_ = range(len(row)) if random[place] < epsilon else [k for k, q in enumerate(row) if q == best]
            sequence.append(int(open_[rng.integers(len(open_))]))
        return sequence
