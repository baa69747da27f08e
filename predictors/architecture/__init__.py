"""Estimators of a network's final value from its graph."""

from __future__ import annotations

from predictors.architecture.auto import AutoPredictor
from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP

__all__ = ["ArchitecturePredictor", "AutoPredictor", "GNNEnsemble", "GraphGP"]
