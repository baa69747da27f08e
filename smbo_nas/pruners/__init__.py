"""When to stop training a network: Optuna pruners and the policy they share."""

from __future__ import annotations

from smbo_nas.pruners.curve import CurvePruner
from smbo_nas.pruners.policy import StopPolicy, StopVerdict

__all__ = ["CurvePruner", "StopPolicy", "StopVerdict"]
