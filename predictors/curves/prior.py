"""What is known of a final value from elsewhere, brought into a predictive that did not know it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from predictors.curves.mixture import StudentMixture

Array = NDArray[np.float64]

_TRUST = ((0.25, 0.5), (0.4, 1.0))
_KNOWS_NOTHING = 0.99
"""Share of the marginal variance above which a predictive is taken to say next to nothing."""


def usual_trust(shares: Array) -> Array:
    """How much of what a curve claims counts beside what a graph says, by the share of the training it shows.

    Early on curves and graphs err together; `JointPredictor` learns about as much from finished networks.
    """
    return np.asarray(np.interp(shares, *_TRUST), dtype=np.float64)


def evidence(
    mean: Array, std: Array, marginal: tuple[float, float], within: tuple[float, float]
) -> tuple[Array, Array]:
    """What curves say of final values by themselves, without what is common to all curves.

    A predictive is prior times likelihood; who has a better prior wants the likelihood. All three taken as Gaussians,
    it has the precision `1 / std**2 - 1 / marginal_std**2`: next to none where a curve says nothing yet.

    Args:
        mean: Of the predictives, `(m,)`.
        std: Their standard deviations, `(m,)`.
        marginal: Mean and standard deviation of a value before anything was observed; with a deviation of 0, nothing
            is taken off.
        within: The lowest and the highest mean that is believed: what a wide likelihood has for a mean means nothing.

    Returns:
        Means and standard deviations, `(m,)` each.
    """
    center, spread = marginal
    if spread <= 0:
        return mean, std
    var = np.minimum((std / spread) ** 2, _KNOWS_NOTHING)
    low, high = np.minimum(within[0], mean), np.maximum(within[1], mean)
    return np.clip(center + (mean - center) / (1.0 - var), low, high), spread * np.sqrt(var / (1.0 - var))


def check_prior(prior: tuple[ArrayLike, ArrayLike], n_curves: int) -> tuple[Array, Array]:
    """The prior means and standard deviations of `n_curves` final values, `(n_curves,)` each.

    Raises:
        ValueError: When one is not finite, or a standard deviation is not above 0.
    """
    mean, std = (np.broadcast_to(np.asarray(part, dtype=np.float64), n_curves) for part in prior)
    if not (np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()):
        raise ValueError(f"`prior` must be finite means and standard deviations above 0, but got {prior}.")
    return mean, std


def tempered(mixture: StudentMixture, marginal_mean: Array, marginal_std: Array, trust: Array) -> StudentMixture:
    """Predictives whose evidence, what they say beyond their marginal, counts for less or for more than it claims.

    Every component becomes `N(marginal) * (component / N(marginal)) ** trust`, both taken as Gaussians; its weight and
    degrees of freedom stay. One that is wider than the marginal is taken to be as wide.

    Args:
        mixture: Predictives of `m` values.
        marginal_mean: Mean of the value before anything was observed, `(m,)`.
        marginal_std: Its standard deviation, `(m,)`, above 0.
        trust: 0 gives the marginal, 1 leaves everything as it is, `(m,)`.
    """
    mean, std, share = marginal_mean[:, None], marginal_std[:, None], trust[:, None]
    var = np.minimum((mixture.scale / std) ** 2 * mixture.dof / (mixture.dof - 2), 1.0)
    shrink = share + (1.0 - share) * var
    loc = mean + share * (mixture.loc - mean) / shrink
    return StudentMixture(mixture.weights, loc, mixture.scale / np.sqrt(shrink), mixture.dof)


def given_final(
    mixture: StudentMixture,
    marginal_mean: ArrayLike,
    marginal_std: ArrayLike,
    prior: tuple[ArrayLike, ArrayLike],
) -> StudentMixture:
    """Replaces the prior that a predictive of the final value was made with by another one.

    By Bayes' rule the new predictive is the old one times `N(prior) / N(marginal)`. Every component is taken as the
    Gaussian of its mean and variance, which makes its product a closed form; its weight is multiplied by how well the
    new prior explains it, its degrees of freedom stay. Two departures keep the quotient from growing without bound: a
    component wider than the marginal is taken to have had a marginal as wide as itself, and a prior wider than the
    marginal to be as wide as it: it can know less than nothing no more than the curve can.

    Args:
        mixture: Predictives of `m` final values, each made with the prior `N(marginal_mean, marginal_std**2)`.
        marginal_mean: One number or one per curve.
        marginal_std: Likewise, above 0.
        prior: Mean and standard deviation known from elsewhere, one number or one per curve each.

    Raises:
        ValueError: When a number is not finite, or a standard deviation is not above 0.
    """
    m = len(mixture.loc)
    mean, std = check_prior(prior, m)
    if not (
        np.isfinite(marginal_mean).all() and np.isfinite(marginal_std).all() and (np.asarray(marginal_std) > 0).all()
    ):
        raise ValueError(
            f"`marginal_mean` and `marginal_std` must be finite and the latter above 0, but got {marginal_mean!r} "
            f"and {marginal_std!r}."
        )
    own_mean = np.broadcast_to(np.asarray(marginal_mean, dtype=np.float64), m)[:, None]
    own_var = np.broadcast_to(np.asarray(marginal_std, dtype=np.float64) ** 2, m)[:, None]
    var = mixture.scale**2 * mixture.dof / (mixture.dof - 2)
    own_var = np.maximum(own_var, var)
    new_var = np.minimum(own_var, std[:, None] ** 2)
    # In units of a component's own variance and from its own centre, so that a value known exactly stays.
    to_new, to_own = mean[:, None] - mixture.loc, own_mean - mixture.loc
    shrink = 1.0 + var / new_var - var / own_var
    pull = to_new / new_var - to_own / own_var
    log_gain = 0.5 * (np.log(own_var / new_var) - np.log(shrink))
    log_gain += 0.5 * (to_own**2 / own_var - to_new**2 / new_var + var * pull**2 / shrink)
    with np.errstate(divide="ignore"):
        weights = softmax(np.log(mixture.weights) + log_gain, axis=1)
    return StudentMixture(weights, mixture.loc + var * pull / shrink, mixture.scale / np.sqrt(shrink), mixture.dof)
