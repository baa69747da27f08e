"""Numbers that ride along with architectures, on the scale of normal scores."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from predictors.scores import ScoreMap

Array = NDArray[np.float64]


class ColumnEncoder:
    """Turns columns of numbers into normal scores; what is missing becomes the median, and says so in a column.

    Ranks make columns of any unit and with any outliers alike: a count of parameters and its logarithm are the same.

    Attributes:
        maps_: The map of each column; None where `fit` saw one value only, which says nothing.
        gaps_: The columns with missing numbers in `fit`; each gets an indicator.
    """

    maps_: list[ScoreMap | None]
    gaps_: list[int]

    def fit(self, columns: Array) -> Self:
        """Learns the scale of each column.

        Args:
            columns: `(n, k)`, NaN where missing.
        """
        self.maps_ = []
        for column in columns.T:
            known = column[~np.isnan(column)]
            self.maps_.append(ScoreMap.fit(known) if len(np.unique(known)) > 1 else None)
        self.gaps_ = np.flatnonzero(np.isnan(columns).any(axis=0)).tolist()
        return self

    @property
    def n_columns(self) -> int:
        """Number of columns that `transform` makes."""
        return len(self.maps_) + len(self.gaps_)

    def transform(self, columns: Array) -> Array:
        """Scores of each column, then the indicators of missing numbers, `(n, n_columns)`, without NaN."""
        scores = np.zeros(columns.shape)
        for k, (score_map, column) in enumerate(zip(self.maps_, columns.T, strict=True)):
            if score_map is not None:
                scores[:, k] = np.where(np.isnan(column), 0.0, score_map.to_scores(np.nan_to_num(column)))
        return np.hstack([scores, np.isnan(columns[:, self.gaps_]).astype(np.float64)])
