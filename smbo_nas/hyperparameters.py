"""What a study suggests beside an architecture (learning rate, width, weight decay), as numbers a predictor reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from optuna._transform import _SearchSpaceTransform
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from predictors.architecture.inputs import Described
from smbo_nas.spaces import Candidate, Params, SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

    from predictors.graph import ArchGraph

Array = NDArray[np.float64]

_SWITCH = 0.3
"""Probability that a perturbation draws a categorical parameter anew."""


class Hyperparameters:
    """A box of parameters, each on [0, 1]: on the logarithm where it is suggested so, a column for each choice.

    A parameter that a trial did not suggest (a conditional one) sits in the middle: one value for all of them lets a
    predictor see the others alike (as SMAC's default for inactive parameters: Hutter, Hoos and Leyton-Brown,
    "Sequential Model-Based Optimization for General Algorithm Configuration", LION 2011, sec. 4.1).

    Args:
        distributions: Of each parameter, by name.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self.distributions = dict(sorted(distributions.items()))
        self._scales = {
            name: _SearchSpaceTransform({name: distribution}, transform_0_1=True)
            for name, distribution in self.distributions.items()
        }
        widths = [1 if bounds is None else len(bounds) for bounds in map(_choices, self.distributions.values())]
        self._starts = np.cumsum([0, *widths])

    @classmethod
    def of(cls, trials: Sequence[FrozenTrial], besides: SearchSpace) -> Hyperparameters:
        """Those that trials which ended have suggested, conditional ones included.

        A parameter with a single value, or whose range changed from trial to trial, is none of them.
        """
        found: dict[str, BaseDistribution] = {}
        changed: set[str] = set()
        own = besides.choices.keys()
        for trial in trials:
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
                distributions = trial.distributions
                if distributions.keys() <= own:
                    continue
                for name, distribution in distributions.items():
                    if name not in own and found.setdefault(name, distribution) != distribution:
                        changed.add(name)
        return cls({name: d for name, d in found.items() if name not in changed and not d.single()})

    def __len__(self) -> int:
        return len(self.distributions)

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self._starts[-1])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        found: list[str] = []
        for name, distribution in self.distributions.items():
            choices = _choices(distribution)
            found += [name] if choices is None else [f"{name}={choice!r}" for choice in choices]
        return tuple(found)

    def encode(self, params: Mapping[str, Any]) -> Array:
        """The columns of what a trial suggested, `(width,)`; what it did not suggest sits in the middle."""
        encoded = np.empty(self.width)
        for (name, scale), start, stop in self._columns():
            choices = _choices(self.distributions[name])
            middle = 0.5 if choices is None else 1.0 / len(choices)
            encoded[start:stop] = scale.transform({name: params[name]}) if name in params else middle
        return encoded

    def decode(self, encoded: Array) -> dict[str, Any]:
        """The parameters nearest to columns in [0, 1], `(width,)`."""
        params: dict[str, Any] = {}
        for (_, scale), start, stop in self._columns():
            params |= scale.untransform(np.clip(encoded[start:stop], 0.0, 1.0))
        return params

    def sample(self, rng: np.random.Generator) -> dict[str, Any]:
        """A uniform draw on the scales."""
        return self.decode(rng.random(self.width))

    def perturb(self, params: Mapping[str, Any], scale: float, rng: np.random.Generator) -> dict[str, Any]:
        """A normal step of standard deviation `scale` from each number, reflected at the ends; some choices drawn anew.

        Args:
            params: Where to step from; what is missing is in the middle.
            scale: Share of the whole range.
            rng: The only source of randomness.
        """
        encoded = self.encode(params)
        for (name, _), start, stop in self._columns():
            if _choices(self.distributions[name]) is None:
                stepped = abs(encoded[start] + scale * rng.standard_normal()) % 2.0
                encoded[start] = min(stepped, 2.0 - stepped)
            elif rng.random() < _SWITCH or name not in params:
                encoded[start:stop] = rng.random(stop - start)
        return self.decode(encoded)

    def _columns(self) -> Iterator[tuple[tuple[str, _SearchSpaceTransform], int, int]]:
        return zip(self._scales.items(), self._starts[:-1], self._starts[1:], strict=True)


class JointSpace(SearchSpace):
    """An architecture and its hyperparameters as one point; `graph` is `Described`: the graph with their columns.

    `choices` are those of the architecture alone.

    Args:
        space: The architectures.
        hyperparameters: What rides along.
    """

    def __init__(self, space: SearchSpace, hyperparameters: Hyperparameters) -> None:
        self.space = space
        self.hyperparameters = hyperparameters
        self.name = f"{space.name} with {', '.join(hyperparameters.distributions)}"
        self.skeleton = space.skeleton

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """See `SearchSpace.choices`."""
        return self.space.choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return self.space.operations

    def distributions(self) -> dict[str, BaseDistribution]:
        """Those of the architecture and of the hyperparameters."""
        return {**self.space.distributions(), **self.hyperparameters.distributions}

    def check(self, params: Mapping[str, Any]) -> Params:
        """See `SearchSpace.check`; a hyperparameter may be missing."""
        others = {name: params[name] for name in self.hyperparameters.distributions if name in params}
        return {**self.space.check({name: v for name, v in params.items() if name not in others}), **others}

    def why_invalid(self, params: Params) -> str | None:
        """See `SearchSpace.why_invalid`."""
        return self.space.why_invalid(self.architecture(params))

    def architecture(self, params: Mapping[str, Any]) -> Params:
        """The architecture's part."""
        return {name: params[name] for name in self.choices}

    def alike(self, params: Mapping[str, Any]) -> Iterator[Params]:
        """See `SearchSpace.alike`; the hyperparameters are the same."""
        for architecture in self.space.alike(self.architecture(params)):
            yield {**params, **architecture}

    def sample(self, rng: np.random.Generator) -> Params:
        """An architecture and hyperparameters, both at random."""
        return {**self.space.sample(rng), **self.hyperparameters.sample(rng)}

    @property
    def is_enumerable(self) -> bool:
        """No: numbers have no end."""
        return False

    def columns(self, params: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
        """What a predictor reads beside the graph."""
        encoded = self.hyperparameters.encode(params).tolist()
        return tuple(zip(self.hyperparameters.names, encoded, strict=True))

    def _graph(self, params: Params) -> ArchGraph:
        return as_graphs([Described(self.space.graph(self.architecture(params)), self.columns(params))])[0]

    def candidate(self, params: Mapping[str, Any]) -> Candidate:
        """See `SearchSpace.candidate`."""
        return Candidate(self, self.check(params))


def as_graphs(rows: Sequence[Described]) -> tuple[ArchGraph, ...]:
    """Rows in place of graphs: who handles candidates reads their digests alone, and predictors take either."""
    return cast("tuple[ArchGraph, ...]", tuple(rows))


def _choices(distribution: BaseDistribution) -> tuple[Any, ...] | None:
    return distribution.choices if isinstance(distribution, CategoricalDistribution) else None
