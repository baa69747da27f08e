"""How networks are trained."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smbo_nas.training.data.augmentation import AUGMENTATIONS
from smbo_nas.training.device import AMP_MODES
from smbo_nas.training.schedule import SCHEDULES


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Stochastic gradient descent with Nesterov momentum, and what goes with it.

    Attributes:
        epochs: Passes over the training split, at least 1.
        batch_size: Images per step, at least 1. The batches of an epoch differ by at most one
            image in size, so that no small one is left over.
        learning_rate: The schedule's highest learning rate.
        momentum: In [0, 1).
        weight_decay: L2 penalty on all parameters, at least 0.
        schedule: ``cosine`` to 0 (Loshchilov and Hutter, arXiv:1608.03983), or ``onecycle``
            (Smith and Topin, arXiv:1708.07120, with constant momentum).
        warmup: Share of all steps in which the learning rate rises, in [0, 1). ``None`` is 0 for
            ``cosine`` and 0.3 for ``onecycle``.
        label_smoothing: In [0, 1); used in training only (Szegedy et al., arXiv:1512.00567).
        gradient_clip: Largest norm of the gradient of all parameters; ``None`` does not clip.
        auxiliary_weight: Weight of the loss of an auxiliary head, where a network in training
            returns ``(logits, auxiliary_logits)`` (0.4 as in DARTS, arXiv:1806.09055).
        augment: ``auto``, ``none``, ``shift`` or ``shift+flip``; see ``augmentation_for``.
        amp: Mixed precision: ``off``, ``bfloat16``, ``float16`` (with a loss scaler) or ``auto``
            (on CUDA only).
        channels_last: Memory format; ``None`` is on CUDA only.
        compile: Whether to compile networks with ``torch.compile``.

    Raises:
        ValueError: If a value is out of range.
    """

    epochs: int = 12
    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    warmup: float | None = None
    label_smoothing: float = 0.0
    gradient_clip: float | None = 5.0
    auxiliary_weight: float = 0.4
    augment: str = "auto"
    amp: str = "auto"
    channels_last: bool | None = None
    compile: bool = False

    def __post_init__(self) -> None:
        for name, (holds, rule) in _RULES.items():
            value = getattr(self, name)
            if not holds(value):
                raise ValueError(f"`{name}` must be {rule}, but got {value!r}.")

    def to_dict(self) -> dict[str, Any]:
        """The values by name, all of them JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingConfig:
        """The configuration with these values, and defaults for those not given.

        Raises:
            ValueError: If a name is unknown or a value is out of range.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise ValueError(f"Training has no setting {unknown[0]!r}; it must be one of {', '.join(names)}.")
        return cls(**values)

    def to_json(self) -> str:
        """The values as a JSON object."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> TrainingConfig:
        """Reads what :meth:`to_json` wrote.

        Raises:
            ValueError: If the text is no JSON object, a name is unknown or a value out of range.
        """
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError(  # noqa: TRY004 - bad content, not a bad argument
                f"A training configuration must be a JSON object, but got {text!r}."
            )
        return cls.from_dict(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_not_negative(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1


def _or_none(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(choices: Sequence[str]) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in choices, f"one of {', '.join(choices)}"


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "epochs": (_is_count, "an integer of at least 1"),
    "batch_size": (_is_count, "an integer of at least 1"),
    "learning_rate": (_is_positive, "a number above 0"),
    "momentum": (_is_share, "in [0, 1)"),
    "weight_decay": (_is_not_negative, "a number of at least 0"),
    "schedule": _one_of(SCHEDULES),
    "warmup": (_or_none(_is_share), "in [0, 1) or None"),
    "label_smoothing": (_is_share, "in [0, 1)"),
    "gradient_clip": (_or_none(_is_positive), "a number above 0 or None"),
    "auxiliary_weight": (_is_not_negative, "a number of at least 0"),
    "augment": _one_of(AUGMENTATIONS),
    "amp": _one_of(AMP_MODES),
    "channels_last": (_or_none(_is_bool), "a bool or None"),
    "compile": (_is_bool, "a bool"),
}
