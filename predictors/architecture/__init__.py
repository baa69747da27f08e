"""Estimators of a network's final value from its graph."""

from __future__ import annotations

from predictors.architecture.auto import AutoPredictor
from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from predictors.architecture.inputs import Described
from predictors.architecture.nao import NAOPredictor
from predictors.architecture.path import PathEnsemble
from predictors.architecture.pnas import PNASPredictor
from predictors.architecture.trees import TreeEnsemble

__all__ = [
    "ArchitecturePredictor",
    "AutoPredictor",
    "Described",
    "GNNEnsemble",
    "GraphGP",
    "NAOPredictor",
    "PNASPredictor",
    "PathEnsemble",
    "TreeEnsemble",
]
