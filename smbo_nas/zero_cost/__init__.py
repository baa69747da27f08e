"""Zero-cost scores: what an untrained network and one minibatch tell about the trained network.

Names are imported when they are first used, so that importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smbo_nas.zero_cost.columns import describe
    from smbo_nas.zero_cost.scores import SCORES, zero_cost_scores

__all__ = ["SCORES", "describe", "zero_cost_scores"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "columns" if name == "describe" else "scores"
    return getattr(import_module(f"{__name__}.{module}"), name)
