"""Fitted regression trees as plain arrays, which can be saved and read without pickle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_ROWS_AT_ONCE = 128
"""What stays in a CPU's cache, with some hundred trees."""


@dataclass(frozen=True)
class RegressionTrees:
    """Members that each sum up the leaves of their trees; the nodes of all trees lie in one table.

    Reading a tree never leaves the arrays and always ends: children come after their parents, and a leaf is its own
    child. Arrays that break this, from a damaged or forged file, are refused.

    Attributes:
        roots: First node of each tree, `(members, trees)`.
        feature: Which feature a node looks at, `(nodes,)`; 0 in a leaf.
        threshold: Up to where it goes left, `(nodes,)`.
        left: Next node, `(nodes,)`.
        right: The same above the threshold, `(nodes,)`.
        value: What a leaf adds to the prediction, `(nodes,)`.
        n_features: Number of features.

    Raises:
        ValueError: When the arrays are no trees.
    """

    roots: Indices
    feature: Indices
    threshold: Array
    left: Indices
    right: Indices
    value: Array
    n_features: int

    def __post_init__(self) -> None:
        n = len(self.feature)
        for name in ("feature", "threshold", "left", "right", "value"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"`{name}` must be of shape ({n},), but is {getattr(self, name).shape}.")
        if self.roots.ndim != 2 or not self.roots.size:
            raise ValueError(f"`roots` must be of shape (members, trees), but is {self.roots.shape}.")
        for name, lowest, end in (
            ("roots", 0, n),
            ("feature", 0, self.n_features),
            ("left", np.arange(n), n),
            ("right", np.arange(n), n),
        ):
            indices = getattr(self, name)
            if indices.dtype != np.int64 or (indices < lowest).any() or (indices >= end).any():
                raise ValueError(f"`{name}` must hold indices of what comes next, below {end}, but does not.")
        if ((self.left == np.arange(n)) != (self.right == np.arange(n))).any():
            raise ValueError("a node must have two children or none.")
        for name in ("threshold", "value"):
            if getattr(self, name).dtype != np.float64 or not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"`{name}` must hold finite numbers.")

    @classmethod
    def of(cls, members: Sequence[Any]) -> Self:
        """The trees of scikit-learn's fitted forests or gradient boosted regressors, each with as many trees."""
        tables: list[tuple[Indices, Array, Indices, Indices, Array]] = []
        for member in members:
            trees, scale, base = _summands(member)
            tables += [_table(tree.tree_, scale, base) for tree in trees]
        sizes = np.array([len(table[0]) for table in tables])
        starts = np.cumsum(sizes) - sizes
        feature, threshold, left, right, value = (np.concatenate(parts) for parts in zip(*tables, strict=True))
        shift = np.repeat(starts, sizes)
        return cls(
            roots=starts.reshape(len(members), -1).astype(np.int64),
            feature=feature,
            threshold=threshold,
            left=left + shift,
            right=right + shift,
            value=value,
            n_features=int(members[0].n_features_in_),
        )

    def predict(self, features: Array) -> Array:
        """Each member's prediction, `(members, n)`, from features `(n, n_features)`.

        Raises:
            ValueError: When the number of features is another.
        """
        if features.shape[1] != self.n_features:
            raise ValueError(f"`features` must have {self.n_features} columns, but has {features.shape[1]}.")
        x = features.astype(np.float32)  # as scikit-learn compares them
        parts = [self._predict(x[start : start + _ROWS_AT_ONCE]) for start in range(0, len(x), _ROWS_AT_ONCE)]
        return np.concatenate(parts, axis=1) if parts else np.empty((len(self.roots), 0))

    def _predict(self, x: NDArray[np.float32]) -> Array:
        n = len(x)
        node = np.repeat(self.roots.ravel(), n)
        row = np.tile(np.arange(n), self.roots.size)
        moving = np.arange(len(node))
        while len(moving):
            at = node[moving]
            goes_left = x[row[moving], self.feature[at]] <= self.threshold[at]
            after = np.where(goes_left, self.left[at], self.right[at])
            node[moving] = after
            moving = moving[after != at]
        return np.asarray(self.value[node].reshape(*self.roots.shape, n).sum(axis=1))


def _summands(member: Any) -> tuple[list[Any], float, float]:
    """A member's trees, what their leaves are multiplied by, and what is added to each tree."""
    trees = list(np.ravel(member.estimators_))
    if hasattr(member, "init_"):  # boosting starts from a constant
        start = float(member.init_.predict(np.zeros((1, member.n_features_in_)))[0])
        return trees, float(member.learning_rate), start / len(trees)
    return trees, 1.0 / len(trees), 0.0


def _table(tree: Any, scale: float, base: float) -> tuple[Indices, Array, Indices, Indices, Array]:
    leaf = tree.children_left < 0
    own = np.arange(tree.node_count)
    return (
        np.where(leaf, 0, tree.feature).astype(np.int64),
        np.where(leaf, 0.0, tree.threshold),
        np.where(leaf, own, tree.children_left).astype(np.int64),
        np.where(leaf, own, tree.children_right).astype(np.int64),
        scale * tree.value[:, 0, 0] + base,
    )
