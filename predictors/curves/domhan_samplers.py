"""Two ways to draw from the posterior of Domhan et al.'s combination of curves.

One is collapsed and fast; the other is the paper's, MCMC with emcee, by which the first is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri, ndtri_exp

from predictors.curves.domhan_model import N_DIMENSIONS, CurveCombination

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Told = tuple[Array, Array]
Seed = np.random.SeedSequence | int

_SIGMAS = 24
_POWERS = np.linspace(0.1, 1.0, 10) ** 3


class CollapsedSampler:
    """Importance sampling in which all that `f` is linear in is integrated out.

    Given the weights and the nonlinear parameters, of which `size` sets are drawn from the prior once and for all,
    `f = base + design @ b` with `b ~ N(0, I)`: the likelihood of each set, for each sigma on a grid, is a closed form
    (Bishop 2006, section 3.3), and so is the posterior of `b`, also where `f` must rise. Only what a curve says little
    about is left to the draws (Rao-Blackwellisation; Liu, "Monte Carlo Strategies in Scientific Computing", 2001,
    section 2.3).

    Args:
        model: What to sample.
        size: Number of sets, at least 1.
        seed: Of the sets, and of the draws of each curve.
    """

    def __init__(self, model: CurveCombination, size: int, seed: Seed) -> None:
        self._model = model
        self._seed = seed
        self._z = np.random.default_rng(seed).standard_normal((size, N_DIMENSIONS))
        self._z[:, model.linear] = 0.0
        self._levels = np.zeros((_SIGMAS, N_DIMENSIONS))
        self._levels[:, -1] = ndtri((np.arange(_SIGMAS) + 0.5) / _SIGMAS)

    def draw(self, x: Array, y: Array, n: int, told: Told | None = None) -> Iterator[Array]:
        """Yields equally likely draws of the coordinates of the model, `(n, N_DIMENSIONS)`, for each curve.

        Args:
            x: Steps observed by all curves, `(s,)`; may be none.
            y: Values there, `(m, s)`.
            n: Number of draws of each curve.
            told: Mean and standard deviation of `f(H)` as known from elsewhere, `(m,)` each.
        """
        base, design = self._affine(np.concatenate([x, [1.0, self._model.horizon]]))
        seen = design[:, : len(x)]
        variance, axes = np.linalg.eigh(np.swapaxes(seen, 1, 2) @ seen)
        # In these axes the posterior of b is independent.
        sets = _Sets(base, design @ axes, np.maximum(variance, 0.0), self._model.sigma(self._levels) ** 2, len(x))
        finals = [None] * len(y) if told is None else list(zip(*told, strict=True))
        for row, final in zip(y, finals, strict=True):
            which, level, b = sets.draw(row, n, np.random.default_rng(self._seed), final)
            z = self._z[which]
            z[:, -1] = self._levels[level, -1]
            z[:, self._model.linear] = np.einsum("prq,pq->pr", axes[which], b)
            yield z

    def _affine(self, x: Array) -> tuple[Array, Array]:
        """`base` `(size, len(x))` and `design` `(size, len(x), r)`."""
        base = self._model.values(self._z, x)
        columns = []
        for coordinate in np.flatnonzero(self._model.linear):
            moved = self._z.copy()
            moved[:, coordinate] = 1.0
            columns.append(self._model.values(moved, x) - base)
        return base, np.stack(columns, axis=-1)


@dataclass(frozen=True)
class _Sets:
    """All sets of weights and nonlinear parameters, at the observed steps, the first and the last.

    Attributes:
        base: `(size, s + 2)`.
        design: `(size, s + 2, r)`, in axes in which the observed part is orthogonal.
        variance: Its squared lengths there, `(size, r)`.
        grid: Noise variances, `(S,)`.
        n_seen: Number of observed steps, s.
    """

    base: Array
    design: Array
    variance: Array
    grid: Array
    n_seen: int

    def draw(
        self, y: Array, n: int, rng: np.random.Generator, final: tuple[float, float] | None
    ) -> tuple[Index, Index, Array]:
        """Draws from the posterior of one curve `(s,)`: sets and places on the grid, `(n,)` each, and b, `(n, r)`."""
        s, grid = self.n_seen, self.grid[:, None]
        total = self.variance[:, None] + grid  # (size, S, r)
        spread = grid / total  # Posterior variances of b.
        rest = y - self.base[:, :s]
        onto = np.einsum("psr,ps->pr", self.design[:, :s], rest)[:, None]
        mean = onto / total
        squares = ((rest**2).sum(1)[:, None] - (onto * mean).sum(2)) / self.grid
        log_det = np.log(total).sum(2) + (s - total.shape[2]) * np.log(self.grid)
        score = -0.5 * (squares + log_det)

        last = self.design[:, -1, None]
        rise = last - self.design[:, -2, None]
        along = spread * rise
        center = self.base[:, -1:] - self.base[:, -2:-1] + (mean * rise).sum(2)
        if final is not None:
            gain = spread * last
            around = (gain * last).sum(2) + final[1] ** 2
            gap = final[0] - self.base[:, -1:] - (mean * last).sum(2)
            score -= 0.5 * (gap**2 / around + np.log(around))
            shared = (gain * rise).sum(2) / around
            mean = mean + gain * (gap / around)[..., None]
            center = center + shared * gap
            along = along - gain * shared[..., None]
        width = np.sqrt(np.maximum((along * rise).sum(2), 1e-300))
        score += log_ndtr(center / width)

        share = np.exp(score - score.max())
        which, level = np.divmod(_systematic(share.ravel(), n, rng), len(self.grid))
        deviation = np.sqrt(spread[which, level]) * rng.standard_normal((n, total.shape[2]))
        if final is not None:
            surprise = (deviation * last[which, 0]).sum(1) + final[1] * rng.standard_normal(n)
            deviation -= gain[which, level] * (surprise / around[which, level])[:, None]
        # Given what it is, the rise is moved to where a normal distribution cut at 0 has it.
        center, width = center[which, level], width[which, level]
        cut = -ndtri_exp(log_ndtr(center / width) + np.log1p(-rng.random(n)))
        missing = cut * width - (deviation * rise[which, 0]).sum(1)
        return which, level, mean[which, level] + deviation + along[which, level] * (missing / width**2)[:, None]


def _systematic(share: Array, n: int, rng: np.random.Generator) -> Index:
    """Systematic resampling."""
    bounds = np.cumsum(share)
    places = (np.arange(n) + rng.random()) / n * bounds[-1]
    return np.asarray(np.minimum(np.searchsorted(bounds, places), len(share) - 1), dtype=np.intp)


def ensemble_draws(
    model: CurveCombination,
    x: Array,
    y: Array,
    *,
    n: int,
    walkers: int,
    steps: int,
    seed: Seed,
    told: tuple[float, float] | None = None,
    start: Array | None = None,
) -> Array:
    """Draws from the posterior of one curve by emcee (Foreman-Mackey et al. 2013), `(n, N_DIMENSIONS)`.

    All walkers start from the prior. The first half of the steps is burn-in, in which the likelihood comes in by rising
    powers. Proposals are those of differential evolution, not the paper's stretch moves, which hardly move in 48
    dimensions (Huijser, Goodman and Brewer 2015).

    Args:
        model: What to sample, on the whole of it.
        x: Steps observed, `(s,)`.
        y: Values there, `(s,)`.
        n: Number of draws, evenly from all walkers.
        walkers: Number of chains.
        steps: Length of each.
        seed: Of the walkers.
        told: Mean and standard deviation of `f(H)` as known from elsewhere.
        start: Where the walkers start, `(walkers, N_DIMENSIONS)`; there is no burn-in then.
    """
    import emcee

    rng = np.random.default_rng(seed)

    def log_density(z: Array, power: float) -> Array:
        prior = -0.5 * (z**2).sum(1)
        found = model.log_posterior(z, x, y) - prior
        if told is not None:
            found -= 0.5 * ((model.values(z, np.array([float(model.horizon)]))[:, 0] - told[0]) / told[1]) ** 2
        return np.asarray(prior + power * found)

    def run(power: float, state: Array, steps: int) -> emcee.EnsembleSampler:
        # Not DESnookerMove as well, whose acceptance is wrong in emcee 3.1.6 (its pull request 531).
        moves = emcee.moves.DEMove()
        sampler = emcee.EnsembleSampler(*state.shape, log_density, args=(power,), vectorize=True, moves=moves)
        sampler.random_state = np.random.RandomState(int(rng.integers(2**32))).get_state()
        sampler.run_mcmc(state, steps, skip_initial_state_check=True)
        return sampler

    state = rng.standard_normal((walkers, N_DIMENSIONS)) if start is None else start
    while not (possible := np.isfinite(log_density(state, 1.0))).all():
        state[~possible] = rng.standard_normal((int((~possible).sum()), N_DIMENSIONS))
    if start is None:
        steps //= 2
        for power in _POWERS:
            state = run(power, state, steps // len(_POWERS)).get_last_sample().coords
    chain = run(1.0, state, steps).get_chain(flat=True)
    return np.asarray(chain[np.linspace(0, len(chain) - 1, n).astype(np.intp)])
