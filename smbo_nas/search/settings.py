"""SearchSettings: what one search is, and what makes it the same search as another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smbo_nas.samplers.named import MODEL_BASED, STRATEGIES
from smbo_nas.spaces import SearchSpace, get_space

if TYPE_CHECKING:
    from smbo_nas.training import TrainingConfig

SAMPLERS = (*MODEL_BASED, *STRATEGIES, "zero-cost", "tpe", "random")
PRUNERS = ("curve", "median", "hyperband", "none")

_RISK = 0.5
"""A search of a few short trainings can risk more than `CurvePruner` does by default."""

PROXY_SIZES: Mapping[str, Mapping[str, int]] = {
    "nasbench201": {"channels": 16, "cells_per_stage": 1},
    "nasbench101": {"channels": 16, "cells_per_stack": 1},
    "nasnet": {"channels": 8, "layers": 3},
    "chain": {"channels": 8},
    "condensenet": {"channels": 8, "cells_per_stage": 2},
    "mnasnet": {"channels": 8, "reductions": 2, "features": 64},
    "blockqnn": {"channels": 8, "blocks_per_stage": 1},
}
"""Sizes of the networks that a search trains, by skeleton: small, so that a search takes minutes on a CPU."""


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """The arguments of the search command.

    Attributes:
        out: Folder of everything the search writes.
        data: See `smbo_nas.training.load_data`.
        space: See `smbo_nas.spaces.get_space`.
        trials: Architectures in all, at least 1; a study that has some already trains the rest. A trial that goes on
            with a stopped training is not one more.
        epochs: Epochs of a training that is not stopped, at least 1.
        seed: Of every random choice, at least 0.
        workers: Processes that train side by side, at least 1.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        storage: Optuna storage URL; None is a journal file in `out`.
        study: Name of the study in the storage.
        timeout: Seconds after which no further epoch is started; None is no limit.
        sampler: One of `SAMPLERS`.
        pruner: One of `PRUNERS`.
        risk: For the pruner `curve`: share of the trainings that would beat the second best that may be stopped; None
            is 0.5, and with `thaw`, where they may go on, the pruner's own default.
        warm_start: For the samplers that learn a predictor (`smbo`, `bananas`, `pnas`, `nao`): a file or folder to
            start from (`smbo_nas.samplers.WarmStart.from_path`), or the name of another study in `storage`; None for
            nothing.
        thaw: For the sampler `smbo`: whether it may propose to go on with a stopped training.
        batch_size: Images per training step.
        learning_rate: The schedule's highest learning rate.
        training: Other settings of the training, by their names in `smbo_nas.training.TrainingConfig`.
        sizes: Sizes of the networks; those not given are `PROXY_SIZES`.

    Raises:
        ValueError: When a value is out of range.
    """

    out: Path
    data: str = "digits"
    space: str = "nasbench201"
    trials: int = 24
    epochs: int = 12
    seed: int = 0
    workers: int = 1
    device: str = "auto"
    storage: str | None = None
    study: str = "smbo-nas"
    timeout: float | None = None
    sampler: str = "smbo"
    pruner: str = "curve"
    risk: float | None = None
    warm_start: str | None = None
    thaw: bool = False
    batch_size: int = 32
    learning_rate: float = 0.05
    training: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in {"trials": 1, "epochs": 1, "seed": 0, "workers": 1, "batch_size": 1}.items():
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"`{name}` must be at least {least}, but got {value}.")
        for name, allowed in {"sampler": SAMPLERS, "pruner": PRUNERS}.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}, but got {value!r}.")
        if self.warm_start is not None and self.sampler not in MODEL_BASED:
            raise ValueError(
                f"`warm_start` needs a sampler of {', '.join(MODEL_BASED)}, but `sampler` is {self.sampler}."
            )
        if self.thaw and self.sampler != "smbo":
            raise ValueError(f"`thaw` needs the sampler smbo, but `sampler` is {self.sampler}.")
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"`timeout` must be above 0 seconds, but got {self.timeout}.")
        if self.risk is not None and not 0 < self.risk < 1:
            raise ValueError(f"`risk` must be above 0 and below 1, but got {self.risk}.")
        if not self.learning_rate > 0:
            raise ValueError(f"`learning_rate` must be above 0, but got {self.learning_rate}.")

    @property
    def stop_risk(self) -> float | None:
        """`risk`, or its default; None is the pruner's own."""
        return _RISK if self.risk is None and not self.thaw else self.risk

    def training_config(self) -> TrainingConfig:
        """How networks are trained.

        Raises:
            ValueError: When `training` has an unknown name, a value out of range, or a setting with a field of its own.
        """
        from smbo_nas.training import TrainingConfig

        own = {"epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": self.learning_rate}
        for name in own:
            if name in self.training:
                raise ValueError(f"`training` must not set {name}, which is a setting of the search itself.")
        return TrainingConfig.from_dict({**own, **self.training})

    def network_sizes(self, space: SearchSpace) -> dict[str, Any]:
        """Sizes of the networks of `space`."""
        return {**PROXY_SIZES.get(space.skeleton or "", {}), **self.sizes}

    def identity(self) -> dict[str, Any]:
        """What a study's values and proposals depend on: two searches may share a study if these are equal."""
        space = get_space(self.space)
        return {
            "space": space.to_dict(),
            "data": self.data,
            "epochs": self.epochs,
            "seed": self.seed,
            "sampler": self.sampler,
            "pruner": self.pruner,
            "risk": self.stop_risk,
            "warm_start": self.warm_start,
            "thaw": self.thaw,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "training": dict(self.training),
            "sizes": self.network_sizes(space),
        }
