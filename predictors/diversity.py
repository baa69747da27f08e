"""A choice of good architectures that are unlike each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from predictors.architecture.inputs import Described
from predictors.encodings.statistics import GraphStatistics
from predictors.graph import ArchGraph

Array = NDArray[np.float64]

_JITTER = 1e-6


def similarity(rows: Sequence[ArchGraph | Described]) -> Array:
    """How alike architectures are, `(n, n)`, 1 for isomorphic graphs with equal columns.

    The mean of one RBF kernel for each of the `GraphStatistics`, and one for the columns, each as wide as the median
    distance.
    """
    graphs = [row.graph if isinstance(row, Described) else row for row in rows]
    encoder = GraphStatistics()
    statistics, names = encoder.fit_transform(graphs), np.array(encoder.names_)
    features = [statistics[:, names == name] for name in dict.fromkeys(encoder.names_)]
    if isinstance(rows[0], Described):
        columns = np.nan_to_num([[number for _, number in row.columns] for row in rows if isinstance(row, Described)])
        spread = columns.std(axis=0)
        features.append((columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
    return np.asarray(np.mean([_rbf(group) for group in features], axis=0))


def _rbf(features: Array) -> Array:
    distances = pdist(features, "sqeuclidean")
    width = np.median(distances[distances > 0]) if (distances > 0).any() else 1.0
    return np.asarray(squareform(np.exp(-0.5 * distances / width)) + np.eye(len(features)))


def choose_diverse(quality: Array, alike: Array, k: int) -> list[int]:
    """The greedy mode of a determinantal point process.

    Each step takes the candidate of the highest quality plus logarithm of what, of its variance under the kernel
    `alike`, the ones before leave unexplained: one unit of quality outweighs a factor e of it. Kulesza and Taskar,
    "Determinantal point processes for machine learning", 2012, sec. 3.1 (quality and diversity); Chen, Zhang and Zhou,
    "Fast greedy MAP inference for determinantal point process", NeurIPS 2018, algorithm 1.

    Args:
        quality: `(n,)`.
        alike: Positive semi-definite, `(n, n)`, ones on the diagonal.
        k: How many to choose.

    Returns:
        `k` indices (all `n`, if there are fewer), in the order of choice; copies of ones before come last.
    """
    unexplained = np.diag(alike).copy()
    factors = np.zeros((0, len(quality)))
    chosen: list[int] = []
    while len(chosen) < min(k, len(quality)):
        gain = quality + np.log(np.maximum(unexplained, 1e-300))
        gain[chosen] = -np.inf
        best = int(np.argmax(gain))
        chosen.append(best)
        factor = (alike[best] - factors[:, best] @ factors) / np.sqrt(unexplained[best] + _JITTER)
        factors = np.vstack([factors, factor])
        unexplained = np.maximum(unexplained - factor**2, 0.0)
    return chosen
