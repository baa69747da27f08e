"""When to stop training a network: Optuna pruners and the policy they share."""

from __future__ import annotations

from smbo_nas.pruners.curve import CurvePruner
from smbo_nas.pruners.policy import StopPolicy, StopVerdict
from smbo_nas.pruners.trial_curve import TrialCurve

__all__ = ["CurvePruner", "StopPolicy", "StopVerdict", "TrialCurve"]
