"""Hypervolume of Pareto fronts, and what a candidate is expected to add to it. Imports BoTorch: import it late.

Values are larger-is-better throughout, `(n, m)` for `n` architectures and `m` objectives.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.monte_carlo import qExpectedHypervolumeImprovement
from botorch.exceptions.warnings import NumericsWarning
from botorch.models.deterministic import GenericDeterministicModel
from botorch.models.model import Model, ModelList
from botorch.sampling.base import MCSampler
from botorch.sampling.index_sampler import IndexSampler
from botorch.sampling.list_sampler import ListSampler
from botorch.utils.multi_objective.box_decompositions import DominatedPartitioning, FastNondominatedPartitioning
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from numpy.typing import NDArray
from torch import Tensor

from smbo_nas.botorch_models import DrawsModel, EveryDraw, positions

Array = NDArray[np.float64]

_CHUNK = 512
"""Candidates whose expected improvement is worked out at once, to bound memory."""


def pareto(values: Array) -> NDArray[np.bool_]:
    """Which of `values` no other dominates, `(n,)`; of equals, the first."""
    if values.shape[1] == 2:  # in the order of the first objective, the second must rise: of thousands, at once
        order = np.lexsort((-values[:, 1], -values[:, 0]))
        second = values[order, 1]
        highest = np.maximum.accumulate(np.concatenate([[-np.inf], second[:-1]]))
        on_front = np.zeros(len(values), dtype=np.bool_)
        on_front[order] = second > highest
        return on_front
    found: NDArray[np.bool_] = is_non_dominated(_tensor(values), deduplicate=True).numpy()
    return found


def layers(values: Array) -> NDArray[np.intp]:
    """The front that each of `values` is on once those before are taken away, from 0, `(n,)`.

    Goldberg, "Genetic Algorithms in Search, Optimization, and Machine Learning", 1989, sec. 5: non-dominated sorting.
    """
    rank = np.full(len(values), -1, dtype=np.intp)
    k = 0
    while (left := np.flatnonzero(rank < 0)).size:
        rank[left[is_non_dominated(_tensor(values[left]), deduplicate=False).numpy()]] = k
        k += 1
    return rank


def reference_point(values: Array) -> Array:
    """The point that a front's hypervolume is measured from: its worst values, a tenth of its range further, `(m,)`.

    BoTorch's `infer_reference_point`: Ishibuchi, Akedo and Nojima, "A Many-Objective Test Problem for Visually
    Examining Diversity Maintenance Behavior in a Decision Space", GECCO 2011.

    Args:
        values: At least one; what is dominated does not count.
    """
    point: Array = infer_reference_point(_tensor(values[pareto(values)])).numpy()
    return point


def hypervolume(values: Array, reference: Array) -> float:
    """Volume that `values` dominate and that dominates `reference`; 0 where nothing is beyond it."""
    beyond = values[(values > reference).all(axis=1)]
    if not len(beyond):
        return 0.0
    return float(DominatedPartitioning(_tensor(reference), _tensor(beyond)).compute_hypervolume())


def expected_improvement(columns: Sequence[Array], front: Array, reference: Array) -> Array:
    """What each candidate is expected to add to the hypervolume of a front that is known, by Monte Carlo, `(n,)`.

    BoTorch's `qExpectedHypervolumeImprovement`: Daulton, Balandat and Bakshy, "Differentiable Expected Hypervolume
    Improvement for Parallel Multi-Objective Bayesian Optimization", NeurIPS 2020. Candidates are looked at one at a
    time, so draws need not be joint. One that the front beats at the best of its draws adds nothing.

    Args:
        columns: One for each objective: draws `(s, n)`, or the exact values `(n,)` of what is computed.
        front: Values known, `(f, m)`.
        reference: `(m,)`.
    """
    best = np.stack([np.atleast_2d(column).max(axis=0) for column in columns], axis=1)
    beaten = (front[:, None] >= best).all(axis=2).any(axis=0) | (best <= reference).any(axis=1)
    worth = np.zeros(len(best))
    if beaten.all():
        return worth
    model, sampler = _model([column[..., ~beaten] for column in columns])
    partitioning = FastNondominatedPartitioning(_tensor(reference), _tensor(front))
    with warnings.catch_warnings():  # the logarithm is for gradients, and for a list of thousands many times slower
        warnings.simplefilter("ignore", NumericsWarning)
        acquisition = qExpectedHypervolumeImprovement(model, list(reference), partitioning, sampler=sampler)
    with torch.no_grad():
        chunks = torch.split(positions(0, int((~beaten).sum())), _CHUNK)
        worth[~beaten] = torch.cat([acquisition(chunk) for chunk in chunks]).numpy()
    return worth


def log_noisy_improvement(columns: Sequence[Array], known: int, reference: Array) -> Array:
    """Logarithm of what each candidate is expected to add to an uncertain front, by Monte Carlo.

    BoTorch's `qLogNoisyExpectedHypervolumeImprovement`: Daulton, Balandat and Bakshy, "Parallel Bayesian Optimization
    of Multiple Noisy Objectives with Expected Hypervolume Improvement", NeurIPS 2021; Ament et al., NeurIPS 2023.

    Args:
        columns: One for each objective: joint draws `(s, r + n)`, or the exact values `(r + n,)` of what is computed;
            first of the front and what is being trained, then of the candidates.
        known: r, at least 1.
        reference: `(m,)`; values should be scaled so that the front is some 1 from it, as BoTorch's smoothing assumes.

    Returns:
        `(n,)`.
    """
    model, sampler = _model(columns)
    with _no_compiler(), torch.no_grad():
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model,
            _tensor(reference),
            positions(0, known)[:, 0],
            sampler=sampler,
            prune_baseline=False,
            cache_root=False,
        )
        worth: Array = acquisition(positions(known, columns[0].shape[-1])).numpy()
    return worth


@contextmanager
def _no_compiler() -> Iterator[None]:
    """Leaves BoTorch's kernel in C++ aside, which it would compile at the first use.

    That takes half a minute of a core, for a list that is weighed in milliseconds; a process that is killed meanwhile
    leaves a lock for which all later ones wait without end; and proposals would differ in their last digits between
    machines with a compiler and without.
    """
    attempted = getattr(logei, "_load_attempted", True)
    logei._load_attempted = True
    try:
        yield
    finally:
        logei._load_attempted = attempted


def _model(columns: Sequence[Array]) -> tuple[Model, MCSampler]:
    """The objectives as one model, and how it is sampled."""
    n_draws = next(len(column) for column in columns if column.ndim == 2)
    models, samplers = zip(*(_column(column, n_draws) for column in columns), strict=True)
    return ModelList(*models), ListSampler(*samplers)


def _column(values: Array, n_draws: int) -> tuple[Model, MCSampler]:
    """One objective as a model, and how it is sampled."""
    if values.ndim == 2:
        return DrawsModel(values), EveryDraw(n_draws)
    exact = _tensor(values)
    model = GenericDeterministicModel(lambda X: exact[X.squeeze(-1).long()].unsqueeze(-1))
    return model, IndexSampler(torch.Size([n_draws]), seed=0)


def _tensor(values: Array) -> Tensor:
    return torch.as_tensor(np.ascontiguousarray(values), dtype=torch.float64)
