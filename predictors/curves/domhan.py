"""The learning-curve model of Domhan et al.: eleven parametric families, added up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from predictors.curves.base import Array, CurvePredictor, Prior, check_curves
from predictors.curves.domhan_model import N_DIMENSIONS, CurveCombination
from predictors.curves.domhan_samplers import CollapsedSampler, Seed, Told, ensemble_draws
from predictors.curves.learning import observed_groups
from predictors.curves.mixture import StudentMixture
from predictors.curves.prior import check_prior
from predictors.curves.scaling import common_scale, own_scale, with_known
from predictors.threads import single_blas_thread

_GAUSSIAN = 1e6  # Degrees of freedom: of a normal distribution.


class _DomhanPredictor(CurvePredictor):
    """What both predictors share: the model, its units, and what is made of draws from its posterior."""

    horizon: int | None
    draws: int
    random_state: int | None

    @single_blas_thread()
    def fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002
        """Takes the units from finished curves; nothing else is learned of them.

        Args:
            X: Shape `(n_curves, n_steps)`, NaN where not observed; `n_curves` may be 0.
            y: Ignored, here for scikit-learn.

        Raises:
            ValueError: If `X` is not such a matrix or has more steps than `horizon`, or an argument of the constructor
                is out of range.
        """
        curves = check_curves(X)
        horizon = curves.shape[1] if self.horizon is None else self.horizon
        self._check_arguments(horizon, curves.shape[1])
        self.horizon_ = horizon
        curves = curves[np.isfinite(curves).any(1)]
        self.n_curves_ = len(curves)
        self.scale_ = common_scale(curves) if len(curves) else None
        self._model = CurveCombination(horizon)
        return self

    def _check_arguments(self, horizon: int, n_steps: int) -> None:
        lowest = {"horizon": 1, "sets": 1, "draws": 1, "walkers": 2 * N_DIMENSIONS, "steps": 20}
        for name, number in {**self.get_params(), "horizon": horizon}.items():
            if name in lowest and number < lowest[name]:
                raise ValueError(f"`{name}` must be at least {lowest[name]}, but got {number}.")
        if n_steps > horizon:
            raise ValueError(f"`X` must have at most {horizon} steps, the horizon, but got {n_steps}.")

    @single_blas_thread()
    def predictive(self, X: ArrayLike, at: int | None = None, prior: Prior | None = None) -> StudentMixture:
        """The distribution of the measured value at one step; see `CurvePredictor.predictive`.

        What is known of the final value counts as one more observation of it. Where no value was observed, it is the
        answer; without it, the model's prior is.

        Raises:
            ValueError: If `X` has more steps than the horizon, `at` lies outside 1 and the horizon, or the standard
                deviation in `prior` is not above 0.
        """
        curves, column = self._check_query(X, at)
        m = len(curves)
        final = None if prior is None else check_prior(prior, m)
        scale = own_scale(curves, final) if self.scale_ is None else self.scale_
        scaled = scale.apply(curves)
        told = None if final is None else scale.moments(*final)
        n = self.draws
        loc, sigma = np.zeros((m, n)), np.zeros((m, n))
        seed = np.random.SeedSequence(self.random_state)  # The same for all curves: none depends on the others.
        for rows, steps in observed_groups(scaled):
            if column in steps:
                continue
            of_rows = None if told is None else (told[0][rows], told[1][rows])
            x, step = steps.astype(np.float64) + 1.0, np.array([column + 1.0])
            for row, z in zip(rows, self._draw(x, scaled[np.ix_(rows, steps)], of_rows, seed), strict=True):
                loc[row], sigma[row] = self._model.values(z, step)[:, 0], self._model.sigma(z)
        weights = np.full((m, n), 1.0 / n)
        mixture = scale.restore(StudentMixture(weights, loc, sigma, np.full((m, n), _GAUSSIAN)))
        return with_known(mixture, curves, column, final)

    @abstractmethod
    def _draw(self, x: Array, y: Array, told: Told | None, seed: Seed) -> Iterable[Array]:
        """See `CollapsedSampler.draw`."""


class DomhanCurvePredictor(_DomhanPredictor):
    """A weighted sum of eleven parametric learning curves, sampled for many partial curves at once.

    The model is that of Domhan, Springenberg and Hutter, "Speeding up Automatic Hyperparameter Optimization of Deep
    Neural Networks by Extrapolation of Learning Curves" (IJCAI 2015, section 3): `f(t) = sum_k w_k f_k(t | theta_k)`
    over the families of Table 1, plus Gaussian noise, weights above 0, the last value above the first, and nothing
    learned from other curves. It departs from the paper:

    - The priors are proper: in place of flat ones without bounds, parameters are uniform within wide bounds, or normal
      where a family is linear in them, the weights add up to 1, and the noise is log-uniform (`domhan_model`).
    - Instead of MCMC, whatever the curve is linear in is integrated out, and the rest is drawn by importance
      (`CollapsedSampler`). `DomhanMCMCPredictor` has the same posterior by MCMC.
    - The paper's curves are accuracies between 0 and 1. Here an affine map makes any metric one, falling ones turned
      over: that of the finished curves, or for want of those one of each partial curve's own (`scaling`).

    Args:
        horizon: Number of steps of a whole curve; None takes the number of columns in `fit`.
        sets: Number of sets of weights and nonlinear parameters to weigh, at least 1.
        draws: Components of a predictive distribution, at least 1.
        random_state: Seed of the sets and the draws.

    Attributes:
        horizon_: Number of steps of a whole curve.
        n_curves_: Number of finished curves with an observed value.
        scale_: Their units, None if there are no such curves.
    """

    def __init__(
        self, horizon: int | None = None, *, sets: int = 2000, draws: int = 300, random_state: int | None = None
    ) -> None:
        self.horizon = horizon
        self.sets = sets
        self.draws = draws
        self.random_state = random_state

    def _draw(self, x: Array, y: Array, told: Told | None, seed: Seed) -> Iterable[Array]:
        return CollapsedSampler(self._model, self.sets, seed).draw(x, y, self.draws, told)


class DomhanMCMCPredictor(_DomhanPredictor):
    """As `DomhanCurvePredictor`, by Markov chain Monte Carlo with emcee: slow, and there to check the other.

    It needs the extra `mcmc`. Unlike the paper's, its chains start from the prior, not from a maximum of the
    likelihood.

    Args:
        horizon: Number of steps of a whole curve; None takes the number of columns in `fit`.
        walkers: Number of chains of the ensemble, at least 96: twice as many as dimensions.
        steps: Length of each, at least 20; the first half is burn-in.
        draws: Components of a predictive distribution, at least 1.
        random_state: Seed of the chains.

    Attributes:
        horizon_: Number of steps of a whole curve.
        n_curves_: Number of finished curves with an observed value.
        scale_: Their units, None if there are no such curves.
    """

    def __init__(
        self,
        horizon: int | None = None,
        *,
        walkers: int = 128,
        steps: int = 5000,
        draws: int = 300,
        random_state: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.walkers = walkers
        self.steps = steps
        self.draws = draws
        self.random_state = random_state

    def _draw(self, x: Array, y: Array, told: Told | None, seed: Seed) -> Iterable[Array]:
        finals = [None] * len(y) if told is None else list(zip(*told, strict=True))
        return [
            ensemble_draws(
                self._model, x, row, n=self.draws, walkers=self.walkers, steps=self.steps, seed=seed, told=final
            )
            for row, final in zip(y, finals, strict=True)
        ]
