"""ReinforceSampler: a recurrent controller, taught by policy gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from optuna.samplers import BaseSampler

from predictors.threads import single_torch_thread
from smbo_nas.samplers.base import ArchitectureSampler
from smbo_nas.samplers.history import History, Outcome, Replay, Standing
from smbo_nas.spaces import Params, SearchSpace

if TYPE_CHECKING:
    from torch import Tensor

    from smbo_nas.samplers.controller import Controller

UPDATES = ("reinforce", "ppo")
"""Kinds of policy updates."""

_DRAWS = 16
"""Drawn from the policy as it is; then twice as many from one twice as flat, and so on."""
_DOUBLINGS = 6


class ReinforceSampler(ArchitectureSampler):
    """A controller writes architectures choice by choice, and what is trained better becomes more probable.

    Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, sec. 3.2: REINFORCE with an
    exponential moving average of the rewards as baseline. With `update="ppo"`, the clipped surrogate of Schulman et al.
    ("Proximal Policy Optimization Algorithms", 2017, eq. 7), as NASNet (Zoph et al., CVPR 2018, sec. 3 and appendix A:
    a bonus on the entropy, a baseline of decay 0.95) took it.

    Departures: the reward is the share of the outcomes so far that an architecture exceeds, in place of a power of the
    accuracy, so that it needs no unit; the learning rate is for hundreds of architectures, not 10^4 (the papers' are
    6e-4 and 3.5e-4); one controller of one layer, no parameter servers; repeats and invalid sequences are drawn again,
    from a policy that gets flatter, and are not learned from; enqueued architectures are learned from as if drawn.

    The controller is taught anew from the study's outcomes in any process, in the order in which they ended.

    Args:
        space: As `ArchitectureSampler`.
        update: `reinforce` or `ppo`.
        learning_rate: Of Adam, above 0.
        batch_size: Outcomes for each update, at least 1.
        decay: Of the baseline, in [0, 1).
        entropy: Weight of the policy's mean entropy in the objective, at least 0.
        hidden: Units of the controller, at least 1.
        other_sampler: As `ArchitectureSampler`.
        seed: As `ArchitectureSampler`.

    Raises:
        ValueError: When an argument is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        update: str = "reinforce",
        learning_rate: float = 0.01,
        batch_size: int = 1,
        decay: float = 0.95,
        entropy: float = 1e-3,
        hidden: int = 100,
        other_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if update not in UPDATES:
            raise ValueError(f"`update` must be one of {', '.join(UPDATES)}, but got {update!r}.")
        for name, size in {"batch_size": batch_size, "hidden": hidden}.items():
            if size < 1:
                raise ValueError(f"`{name}` must be at least 1, but got {size}.")
        if not learning_rate > 0:
            raise ValueError(f"`learning_rate` must be above 0, but got {learning_rate}.")
        if not 0 <= decay < 1:
            raise ValueError(f"`decay` must be in [0, 1), but got {decay}.")
        if entropy < 0:
            raise ValueError(f"`entropy` must be at least 0, but got {entropy}.")
        super().__init__(space, other_sampler=other_sampler, seed=seed)
        self._update = update
        self._learning_rate = learning_rate
        self._batch_size = batch_size
        self._decay = decay
        self._entropy = entropy
        self._hidden = hidden
        self._replay = Replay(self._start, _Lessons.learn)

    def _start(self) -> _Lessons:
        from smbo_nas.samplers.controller import Controller

        sizes = [len(choices) for choices in self._space.choices.values()]
        controller = Controller(sizes, hidden=self._hidden, seed=self._seed)
        return _Lessons(
            self._space,
            controller,
            clipped=self._update == "ppo",
            learning_rate=self._learning_rate,
            batch_size=self._batch_size,
            decay=self._decay,
            entropy=self._entropy,
        )

    def _draws(self, history: History, rng: np.random.Generator) -> Iterator[Params]:
        with single_torch_thread():
            controller = self._replay(history.outcomes).controller
        for doubled in range(_DOUBLINGS):
            with single_torch_thread():
                drawn = controller.sample(_DRAWS << doubled, rng, temperature=1 + (2**doubled - 1) / 4)
            for sequence in drawn.tolist():
                taken = zip(self._space.choices.items(), sequence, strict=True)
                yield {name: choices[k] for (name, choices), k in taken}


class _Lessons:
    """A controller, and what it has still to learn from."""

    def __init__(
        self,
        space: SearchSpace,
        controller: Controller,
        *,
        clipped: bool,
        learning_rate: float,
        batch_size: int,
        decay: float,
        entropy: float,
    ) -> None:
        import torch

        self.controller = controller
        self._space = space
        self._optimizer = torch.optim.Adam(controller.parameters(), lr=learning_rate)
        self._standing = Standing()
        self._baseline = 0.5  # the mean share exceeded
        self._waiting: list[tuple[list[int], float]] = []
        self._clipped = clipped
        self._batch_size = batch_size
        self._decay = decay
        self._entropy = entropy

    def learn(self, outcome: Outcome) -> None:
        """Takes an outcome, and learns once there is a batch."""
        sequence = [choices.index(outcome.params[name]) for name, choices in self._space.choices.items()]
        reward = self._standing.add(outcome.value)
        self._waiting.append((sequence, reward - self._baseline))
        self._baseline += (1 - self._decay) * (reward - self._baseline)
        if len(self._waiting) == self._batch_size:
            self._climb()
            self._waiting = []

    def _climb(self) -> None:
        import torch

        sequences = np.array([sequence for sequence, _ in self._waiting], dtype=np.int64)
        advantages = torch.tensor([advantage for _, advantage in self._waiting])
        before: Tensor | None = None
        for _ in range(_EPOCHS if self._clipped else 1):
            log_p = self.controller.log_probabilities(sequences)
            taken = log_p.gather(2, torch.from_numpy(sequences)[..., None]).sum(dim=(1, 2))
            if self._clipped:
                before = taken.detach() if before is None else before
                ratio = (taken - before).clamp(max=_MAX_LOG_RATIO).exp()
                gain = torch.minimum(ratio * advantages, ratio.clamp(1 - _CLIP, 1 + _CLIP) * advantages)
            else:
                gain = taken * advantages
            entropy = -(log_p.exp() * log_p.clamp(min=-1e9)).sum(dim=(1, 2))
            self._optimizer.zero_grad()
            torch.neg(gain.mean() + self._entropy * entropy.mean()).backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()


_CLIP = 0.2
"""Schulman et al., sec. 6.1."""
_EPOCHS = 4
"""Steps on each batch."""
_MAX_LOG_RATIO = 20.0
"""Past which a ratio would only overflow."""
