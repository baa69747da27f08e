"""Every predictor that ships, small enough to fit dozens of times."""

from __future__ import annotations

from predictors.architecture.auto import AutoPredictor
from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.gnn import GNNEnsemble
from predictors.architecture.gp import GraphGP
from predictors.architecture.nao import NAOPredictor
from predictors.architecture.path import PathEnsemble
from predictors.architecture.pnas import PNASPredictor
from predictors.architecture.trees import TreeEnsemble
from tests.predictors.architecture.graphs import OPS


def gp() -> ArchitecturePredictor:
    return GraphGP(random_state=0)


def gnn() -> ArchitecturePredictor:
    return GNNEnsemble(members=5, hidden=16, rounds=2, steps=50, ops=OPS, random_state=0)


def auto() -> ArchitecturePredictor:
    return AutoPredictor(ops=OPS, random_state=0)


def pnas_lstm() -> ArchitecturePredictor:
    return PNASPredictor(kind="lstm", hidden=32, steps=40, ops=OPS, random_state=0)


def pnas_mlp() -> ArchitecturePredictor:
    return PNASPredictor(kind="mlp", hidden=32, steps=60, ops=OPS, random_state=0)


def nao() -> ArchitecturePredictor:
    return NAOPredictor(hidden=32, steps=40, learning_rate=0.02, ops=OPS, random_state=0)


def path() -> ArchitecturePredictor:
    return PathEnsemble(hidden=32, steps=60, random_state=0)


def forest() -> ArchitecturePredictor:
    return TreeEnsemble(kind="forest", trees=10, random_state=0)


def boosting() -> ArchitecturePredictor:
    return TreeEnsemble(kind="boosting", trees=30, random_state=0)
