"""ParetoRound: what fitted predictors and computed costs say about the next candidates, of several objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri

from predictors.architecture.inputs import Described
from smbo_nas.joint_scores import JointScores
from smbo_nas.proposers import Pool

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from predictors.graph import ArchGraph
    from smbo_nas.objectives import Cost

Array = NDArray[np.float64]

_SHORTLIST = 64
"""Candidates that are weighed by Monte Carlo; the others by the closed form alone."""
_DRAWS = 128
_OUTLOOK = 32
"""Values that stand for a distribution before that."""
_HOPE = 0.9
"""Quantile of what a candidate may turn out to be that counts as its best.

Chosen on devices and seeds that no results are of: with the median the costly end is not found in 100 trainings, with
the best of all values the first 25 are spent on it.
"""
_BEYOND = 1.0
"""Units of score by which a value may exceed all that a predictor was fitted on."""


class Objective(Protocol):
    """One objective, larger is better."""

    def outlook(self, graphs: Sequence[ArchGraph]) -> Array:
        """Values of equal probability, each graph on its own, `(s, len(graphs))`; exact ones `(len(graphs),)`."""

    def values(self, graphs: Sequence[ArchGraph], given: Mapping[ArchGraph, float], rng: np.random.Generator) -> Array:
        """Joint draws `(s, len(graphs))`, or the exact values `(len(graphs),)`.

        Args:
            graphs: No two of them isomorphic.
            given: What was measured since the fit.
            rng: The only source of randomness.
        """


class Computed:
    """An objective that is known without training.

    Args:
        cost: In the study's units.
        sign: 1 where larger is better, else -1.
    """

    def __init__(self, cost: Cost, sign: float) -> None:
        self._cost, self._sign = cost, sign

    def outlook(self, graphs: Sequence[ArchGraph]) -> Array:
        """See `Objective`."""
        return self.values(graphs)

    def values(
        self,
        graphs: Sequence[ArchGraph],
        given: Mapping[ArchGraph, float] | None = None,  # noqa: ARG002
        rng: np.random.Generator | None = None,  # noqa: ARG002
    ) -> Array:
        """See `Objective`."""
        return np.array([self._sign * float(self._cost(architecture(graph))) for graph in graphs])


class Learned:
    """An objective, or what a constraint limits, that a predictor learned.

    Args:
        predictor: Fitted on the values.
        rng: Makes the order of its `outlook`.
    """

    def __init__(self, predictor: ArchitecturePredictor, rng: np.random.Generator) -> None:
        self.predictor = predictor
        self._order = rng.permutation(_OUTLOOK)

    def outlook(self, graphs: Sequence[ArchGraph]) -> Array:
        """See `Objective`; the order of the values has nothing to do with that of another objective."""
        mean, std = self.predictor.predict_scores(graphs)
        at = ndtri((self._order + 0.5) / _OUTLOOK)
        return self.predictor.score_map_.to_values(mean + std * at[:, None])

    def values(self, graphs: Sequence[ArchGraph], given: Mapping[ArchGraph, float], rng: np.random.Generator) -> Array:
        """See `Objective`."""
        from smbo_nas.botorch_models import joint_model, positions

        known = self.predictor.score_map_
        scores = {g.digest: known.to_scores(np.array([value]))[0] for g, value in given.items()}
        # As `FittedRound.score`: where the predictor saw no such values, the map is a mere straight line.
        scores = {
            k: float(np.clip(v, known.scores[0] - _BEYOND, known.scores[-1] + _BEYOND)) for k, v in scores.items()
        }
        joint = JointScores.of(self.predictor, [*graphs, *given], rng).given(scores)
        model, sampler = joint_model(joint, graphs, _DRAWS, rng)
        draws = sampler(model.posterior(positions(0, len(graphs))[:, 0])).detach().numpy()
        return known.to_values(draws.reshape(_DRAWS, len(graphs)))

    def log_probability_at_most(self, limit: float, graphs: Sequence[ArchGraph]) -> Array:
        """Logarithm of the probability that a value does not exceed `limit`, `(len(graphs),)`."""
        mean, std = self.predictor.predict_scores(graphs)
        at: float = self.predictor.score_map_.to_scores(np.array([limit]))[0]
        return cast(Array, log_ndtr((at - mean) / np.maximum(std, 1e-9)))


class ParetoRound:
    """A pool of candidates and all that was fitted to rank them, until the next fit.

    A candidate is worth what it is expected to add to the hypervolume of the front that was measured, times the
    probability that it is feasible (Gardner et al., "Bayesian Optimization with Inequality Constraints", ICML 2014;
    Daulton et al. 2021). The candidates' own distributions choose a short list of the pool, where DPP-Net (Dong et al.,
    ECCV 2018) takes the predicted Pareto front, and the joint posterior chooses of that.
    Volumes are measured from BoTorch's reference point of the front measured and of what each candidate may turn out
    to be with one objective at its best: at a cost that no measured architecture has, something may be worth finding.
    (Where each is what it is expected to be, few are better than the best measured; the costly end of the front is then
    beyond the reference point, and is not looked at.)

    Args:
        pool: The candidates.
        objectives: `m` objectives.
        limits: What must be at most 0, predicted.
    """

    def __init__(self, pool: Pool, objectives: Sequence[Objective], limits: Sequence[Learned]) -> None:
        self.pool = pool
        self.objectives = objectives
        self._outlook = [objective.outlook(pool.graphs) for objective in objectives]
        self._log_feasible = np.zeros(len(pool.graphs))
        for limit in limits:
            self._log_feasible += limit.log_probability_at_most(0.0, pool.graphs)

    def choose(
        self,
        kept: Sequence[int],
        front: Array,
        *,
        pending: Sequence[ArchGraph],
        since: Mapping[ArchGraph, Array],
        rng: np.random.Generator,
    ) -> int:
        """The candidate to measure next, a position in the pool.

        Args:
            kept: Positions to choose of, at least one.
            front: Values measured and feasible, `(f, m)`; may be empty.
            pending: What is being measured.
            since: Values measured since the fit, `(m,)` each.
            rng: The only source of randomness.
        """
        from smbo_nas.hypervolume import expected_improvement, log_noisy_improvement, pareto, reference_point

        rows = np.asarray(kept)
        if not len(front):  # first of all something feasible
            return int(rows[np.argmax(self._log_feasible[rows])])
        front = front[pareto(front)]
        frame = np.concatenate([front, self._foreseen(rows)])
        low = reference_point(frame)
        width = np.maximum(frame.max(axis=0) - low, np.finfo(np.float32).tiny)
        scaled, reference = (front - low) / width, np.zeros(front.shape[1])
        outlook = [(values[..., rows] - low[k]) / width[k] for k, values in enumerate(self._outlook)]
        with np.errstate(divide="ignore"):
            worth = np.log(expected_improvement(outlook, scaled, reference)) + self._log_feasible[rows]
        short = rows[np.argsort(-worth, kind="stable")[:_SHORTLIST]]
        candidates = [self.pool.graphs[k] for k in short]
        begun = list({graph.digest: graph for graph in pending}.values())
        columns = []
        for k, objective in enumerate(self.objectives):
            given = {graph: float(values[k]) for graph, values in since.items()}
            values = (objective.values([*begun, *candidates], given, rng) - low[k]) / width[k]
            columns.append(values)
        if begun:
            measured = [np.broadcast_to(scaled[:, k], (*c.shape[:-1], len(scaled))) for k, c in enumerate(columns)]
            known = [np.concatenate(pair, axis=-1) for pair in zip(measured, columns, strict=True)]
            worth = log_noisy_improvement(known, len(scaled) + len(begun), reference)
        else:  # the front is known, and its cells are the same for all draws
            with np.errstate(divide="ignore"):
                worth = np.log(expected_improvement(columns, scaled, reference))
        worth += self._log_feasible[short]
        return int(short[np.argmax(worth)])

    def _foreseen(self, rows: NDArray[np.intp]) -> Array:
        """Candidates as each may turn out with one objective at its best and the others in the middle."""
        outlook = [np.atleast_2d(values)[:, rows] for values in self._outlook]
        middle = np.stack([np.median(values, axis=0) for values in outlook], axis=1)
        best = np.stack([np.quantile(values, _HOPE, axis=0) for values in outlook], axis=1)
        objectives = np.arange(len(outlook))
        return np.concatenate([np.where(objectives == k, best, middle) for k in objectives])


def architecture(graph: ArchGraph | Described) -> ArchGraph:
    """The architecture without the hyperparameters that may ride along."""
    return graph.graph if isinstance(graph, Described) else graph
