"""smbo-nas: neural architecture search for Optuna users.

A graph predictor proposes which network to train next (`SMBOSampler`), a curve predictor says when to stop training
it (`CurvePruner`); both are used through an Optuna study. Names are imported when they are first used, so that
`import smbo_nas` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smbo_nas.networks import load_network
    from smbo_nas.pruners import CurvePruner
    from smbo_nas.samplers import BANANASSampler, MultiObjectiveSMBOSampler, NAOSampler, PNASSampler, SMBOSampler
    from smbo_nas.spaces import (
        BlockQNNSpace,
        CellSpace,
        ChainSpace,
        DARTSSpace,
        DPPNetSpace,
        GeNetSpace,
        MNASNetSpace,
        NASBench101Space,
        NASBench201Space,
        PNASSpace,
        SearchSpace,
    )
    from smbo_nas.training import TrainingConfig, TrainingEvaluator, TrainingObjective, load_data

__version__ = "0.1.0"

_MODULE_OF = {
    "BANANASSampler": "samplers",
    "BlockQNNSpace": "spaces",
    "CellSpace": "spaces",
    "ChainSpace": "spaces",
    "CurvePruner": "pruners",
    "DARTSSpace": "spaces",
    "DPPNetSpace": "spaces",
    "GeNetSpace": "spaces",
    "MNASNetSpace": "spaces",
    "MultiObjectiveSMBOSampler": "samplers",
    "NAOSampler": "samplers",
    "NASBench101Space": "spaces",
    "NASBench201Space": "spaces",
    "PNASSampler": "samplers",
    "PNASSpace": "spaces",
    "SMBOSampler": "samplers",
    "SearchSpace": "spaces",
    "TrainingConfig": "training",
    "TrainingEvaluator": "training",
    "TrainingObjective": "training",
    "load_data": "training",
    "load_network": "networks",
}

__all__ = [
    "BANANASSampler",
    "BlockQNNSpace",
    "CellSpace",
    "ChainSpace",
    "CurvePruner",
    "DARTSSpace",
    "DPPNetSpace",
    "GeNetSpace",
    "MNASNetSpace",
    "MultiObjectiveSMBOSampler",
    "NAOSampler",
    "NASBench101Space",
    "NASBench201Space",
    "PNASSampler",
    "PNASSpace",
    "SMBOSampler",
    "SearchSpace",
    "TrainingConfig",
    "TrainingEvaluator",
    "TrainingObjective",
    "__version__",
    "load_data",
    "load_network",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
