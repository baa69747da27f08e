"""Where a node stands in the flow of signal: depth and number of paths, from the inputs and to the outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_PATHS = 1e100
"""A chain of n skips has 2^n paths."""

FLOW = ("depth_from_input", "depth_to_output", "paths_from_input", "paths_to_output")
"""The features of `flow`."""


def flow(
    adjacency: NDArray[np.float32],
    live: NDArray[np.bool_],
    steps: NDArray[np.bool_],
    inputs: NDArray[np.bool_],
    outputs: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Longest paths, in operations, and logarithms of numbers of paths; zero on nodes that carry no signal.

    Args:
        adjacency: Number of edges from node i to node j, `(n, v, v)`, nodes in topological order.
        live: Which nodes carry signal, `(n, v)`.
        steps: Which nodes count as an operation, `(n, v)`.
        inputs: Which nodes are inputs, `(n, v)`.
        outputs: Which nodes are outputs, `(n, v)`.

    Returns:
        `(n, v, 4)`, see `FLOW`; depths include the node itself.
    """
    edges = adjacency * live[:, :, None] * live[:, None, :]
    before = _walk(edges, live, steps, inputs)
    backwards = edges[:, ::-1, ::-1].transpose(0, 2, 1)
    after = _walk(backwards, live[:, ::-1], steps[:, ::-1], outputs[:, ::-1])
    (depth_in, paths_in), (depth_out, paths_out) = before, (each[:, ::-1] for each in after)
    return np.stack([depth_in, depth_out, np.log1p(paths_in), np.log1p(paths_out)], axis=2).astype(np.float32)


def _walk(
    edges: NDArray[np.float32], live: NDArray[np.bool_], steps: NDArray[np.bool_], starts: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Depth and number of paths of each node from the starts, `(n, v)` each: one step per node, for all graphs."""
    depth, paths = np.zeros(live.shape), (starts & live).astype(np.float64)
    linked = edges > 0
    for k in range(1, live.shape[1]):
        arriving = linked[:, :k, k]
        paths[:, k] += np.minimum(np.einsum("ni,ni->n", edges[:, :k, k], paths[:, :k]), _MOST_PATHS)
        depth[:, k] = np.where(arriving, depth[:, :k], 0.0).max(axis=1) + (steps[:, k] & live[:, k])
    return depth, paths
