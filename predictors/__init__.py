"""What is learned: estimators of a network's final value from its graph and from its learning curve."""

from __future__ import annotations

from predictors.graph import ArchGraph, GraphError

__all__ = ["ArchGraph", "GraphError"]
