"""Images, networks to train on them, and the curves that come out."""

from __future__ import annotations

from smbo_nas.training.checkpoint import CheckpointError, load_weights, save_weights
from smbo_nas.training.config import TrainingConfig
from smbo_nas.training.data import DATA_NAMES, DataError, ImageData, Split, load_data
from smbo_nas.training.device import resolve_device
from smbo_nas.training.evaluation import Score, evaluate
from smbo_nas.training.evaluator import Diverged, EpochRecord, Evaluator
from smbo_nas.training.objective import TrainingObjective
from smbo_nas.training.scratch import TrainingEvaluator, TrainingRun

__all__ = [
    "DATA_NAMES",
    "CheckpointError",
    "DataError",
    "Diverged",
    "EpochRecord",
    "Evaluator",
    "ImageData",
    "Score",
    "Split",
    "TrainingConfig",
    "TrainingEvaluator",
    "TrainingObjective",
    "TrainingRun",
    "evaluate",
    "load_data",
    "load_weights",
    "resolve_device",
    "save_weights",
]
