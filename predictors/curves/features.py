"""Features of curves: numbers about the networks or the settings that curves are of."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from predictors.curves.base import Array
from predictors.encodings.columns import ColumnEncoder


class CurveFeatures:
    """Reads the features that go with curves: standardised, gaps filled, and a name for what is wrong.

    Attributes:
        n_features_: Number of features in `fit`, 0 without any.
    """

    n_features_: int

    def fit(self, features: ArrayLike | None, n_curves: int) -> Self:
        """Learns their scales.

        Args:
            features: `(n_curves, k)`, NaN where not known, or None.
            n_curves: Number of curves.

        Raises:
            ValueError: If `features` are not such a matrix.
        """
        found = _check(features, n_curves)
        self.n_features_ = found.shape[1]
        self._encoder = ColumnEncoder().fit(found if n_curves else np.zeros((1, self.n_features_)))
        return self

    def transform(self, features: ArrayLike | None, n_curves: int) -> Array:
        """Features as numbers of about unit size, `(n_curves, d)`.

        Args:
            features: `(n_curves, k)`, or None where none are known.
            n_curves: Number of curves.

        Raises:
            ValueError: If `features` are not a matrix with as many columns as in `fit`.
        """
        unknown = np.full((n_curves, self.n_features_), np.nan)
        found = unknown if features is None else _check(features, n_curves)
        if found.shape[1] != self.n_features_:
            raise ValueError(f"`features` must have {self.n_features_} columns as in `fit`, but has {found.shape[1]}.")
        return self._encoder.transform(found)


def _check(features: ArrayLike | None, n_curves: int) -> Array:
    if features is None:
        return np.empty((n_curves, 0))
    found = np.array(features, dtype=np.float64)
    if found.ndim != 2 or len(found) != n_curves:
        raise ValueError(f"`features` must have shape (n_curves, k) with {n_curves} curves, but got {found.shape}.")
    found[~np.isfinite(found)] = np.nan
    return found
