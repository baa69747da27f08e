"""The best of a list of candidates, in one pass and in memory that does not depend on the list's length."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtr

from predictors.architecture.base import ArchitecturePredictor
from predictors.architecture.inputs import Described
from predictors.diversity import choose_diverse, similarity
from predictors.graph import ArchGraph

Array = NDArray[np.float64]

_POOL = 10
"""Candidates per place that are kept, and that a diverse choice is made from."""
_LEAST_KEPT = 1000
_SAMPLE = 1 << 15
_HASHES = 1 << 64
_FAR = 1e4
"""Standard deviations from the mean beyond which there is next to nothing, even with heavy tails."""


@dataclass(frozen=True)
class Ranked:
    """A candidate among the best.

    Attributes:
        item: What was handed in with it.
        graph: The architecture.
        rank: Its place among all distinct candidates by `mean`, from 1.
        mean: Predicted value in the user's units.
        std: Standard deviation of the value.
        p_top: Probability that its value is among the best `top` of all distinct candidates.
    """

    item: Any
    graph: ArchGraph
    rank: int
    mean: float
    std: float
    p_top: float


@dataclass(frozen=True)
class _Kept:
    item: Any
    row: ArchGraph | Described
    number: int
    mean: float
    std: float
    score_mean: float
    score_std: float


class Ranker:
    """Ranks candidates handed in a few at a time.

    Isomorphic graphs with equal columns are one candidate; the first stands for all.

    The probability of being among the best `top` takes the value of the last of these, t, as fixed: where the expected
    number of candidates above t is `top`. The chance of being above t follows from each candidate's own distribution
    (predicted mean and standard deviation, and the predictor's error law); errors that all predictions share would move
    t as well. Over all distinct candidates the probabilities add up to `top`. Beyond 32,768 of them, the number above t
    is estimated from the best and a uniform sample of the distinct others (Gibbons, "Distinct sampling for
    highly-accurate answers to distinct values queries and event reports", VLDB 2001).

    Args:
        predictor: A fitted predictor.
        top: How many candidates to find, at least 1.
        diverse: Choose these from ten times as many, so that near copies do not fill the list (`choose_diverse`).
    """

    def __init__(self, predictor: ArchitecturePredictor, *, top: int = 20, diverse: bool = False) -> None:
        if top < 1:
            raise ValueError(f"`top` must be at least 1, but got {top}.")
        self._predictor = predictor
        self._top = top
        self._diverse = diverse
        self._size = max(top * _POOL, _LEAST_KEPT)
        self._kept: dict[int, _Kept] = {}
        self._sample: dict[int, tuple[float, float]] = {}
        self._limit = _HASHES
        self.count = 0
        """Candidates handed in, repeats included."""

    @property
    def estimates(self) -> bool:
        """Whether there were more than 32,768 distinct candidates."""
        return self._limit < _HASHES

    @property
    def distinct(self) -> int:
        """Distinct candidates handed in; an estimate where `estimates`."""
        return round(len(self._sample) * _HASHES / self._limit)

    def add(self, X: Sequence[ArchGraph] | Sequence[Described], items: Sequence[Any] | None = None) -> None:
        """Takes in some candidates.

        Args:
            X: The candidates, with the columns that the predictor was trained with.
            items: What to hand out with each in `result`; the candidates themselves by default.

        Raises:
            GraphError: When a graph has an operation or attributes that the predictor does not know.
            ValueError: When the columns are not those of the predictor.
        """
        rows: list[ArchGraph | Described] = list(X)
        first: dict[int, int] = {}
        for k, row in enumerate(rows):
            first.setdefault(_hash(row), k)
        new = {key: k for key, k in first.items() if key not in self._kept}
        if new:
            self._predict(new, rows, rows if items is None else items)
        self.count += len(rows)

    def _predict(self, new: Mapping[int, int], rows: list[Any], items: Sequence[Any]) -> None:
        score_mean, score_std = self._predictor.predict_scores([rows[k] for k in new.values()])
        mean, std = self._predictor.score_map_.value_moments(score_mean, score_std)
        moments = np.column_stack([mean, std, score_mean, score_std])
        least = min(c.mean for c in self._kept.values()) if len(self._kept) >= self._size else -np.inf
        for (key, k), numbers in zip(new.items(), moments.tolist(), strict=True):
            if numbers[0] > least:
                self._kept[key] = _Kept(items[k], rows[k], self.count + k, *numbers)
            if key < self._limit:
                self._sample[key] = (numbers[2], numbers[3])
        if len(self._kept) > self._size:
            self._kept = dict(self._ordered()[: self._size])
        while len(self._sample) > _SAMPLE:
            self._limit //= 2
            self._sample = {key: moments for key, moments in self._sample.items() if key < self._limit}

    def _ordered(self) -> list[tuple[int, _Kept]]:
        return sorted(self._kept.items(), key=lambda pair: (-pair[1].mean, pair[1].number))

    def result(self) -> list[Ranked]:
        """The best candidates so far, best first; a diverse choice in the order in which it was made."""
        kept = [candidate for _, candidate in self._ordered()]
        if not kept:
            return []
        probabilities = self._probabilities(kept)
        chosen: Sequence[int] = range(min(self._top, len(kept)))
        if self._diverse:
            pool = kept[: self._top * _POOL]
            mean = np.array([candidate.score_mean for candidate in pool])
            # Across the pool, quality counts as much as a factor e of what the others leave unexplained.
            quality = (mean - mean.min()) / (np.ptp(mean) or 1.0)
            chosen = choose_diverse(quality, similarity([candidate.row for candidate in pool]), self._top)
        return [
            Ranked(
                item=kept[k].item,
                graph=_graph(kept[k].row),
                rank=k + 1,
                mean=kept[k].mean,
                std=kept[k].std,
                p_top=float(probabilities[k]),
            )
            for k in chosen
        ]

    def _probabilities(self, kept: Sequence[_Kept]) -> Array:
        others = [moments for key, moments in self._sample.items() if key not in self._kept]
        moments = np.array([(c.score_mean, c.score_std) for c in kept] + others)
        weights = np.ones(len(moments))
        weights[len(kept) :] = _HASHES / self._limit
        if weights.sum() <= self._top:
            return np.ones(len(kept))
        law = self._predictor.error_law_
        mean, scale = moments[:, 0], moments[:, 1] * law.scale / law.std

        def above(threshold: float) -> Array:
            return np.asarray(stdtr(law.freedom, (mean - threshold) / scale))

        low, high = float((mean - _FAR * scale).min()), float((mean + _FAR * scale).max())
        threshold = brentq(lambda t: weights @ above(t) - self._top, low, high, maxiter=500)
        return above(threshold)[: len(kept)]


def _graph(row: ArchGraph | Described) -> ArchGraph:
    return row.graph if isinstance(row, Described) else row


def _hash(row: ArchGraph | Described) -> int:
    """64 bits, equal for isomorphic graphs with equal columns."""
    digest = _graph(row).digest
    if isinstance(row, Described):
        digest = hashlib.blake2b(f"{digest} {row.columns}".encode(), digest_size=8).hexdigest()
    return int(digest[:16], 16)
