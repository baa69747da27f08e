"""The curve predictor that is used where none is named."""

from __future__ import annotations

from predictors.curves.base import CurvePredictor


def default_curve_predictor() -> CurvePredictor:
    """`PFNCurvePredictor`, the best in log score and error on most real curves (results/curves/README.md)."""
    from predictors.curves.pfn import PFNCurvePredictor  # brings PyTorch with it

    return PFNCurvePredictor()
