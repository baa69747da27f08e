"""Small graphs and a value to learn: those of the suite that ships."""

from __future__ import annotations

from predictors.testing.graphs import EDGES, OPS, cell, random_cells, relabelled, value, values

__all__ = ["EDGES", "OPS", "cell", "random_cells", "relabelled", "value", "values"]
