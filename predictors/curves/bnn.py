"""The Bayesian network of Klein et al., which predicts curves from what they are curves of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predictors.curves.base import Array, CurvePredictor, Prior, check_curves, pad
from predictors.curves.bnn_errors import DOF, assumed_scale_matrix, condition_t, learn_scale_matrix
from predictors.curves.features import CurveFeatures
from predictors.curves.learning import observed_groups
from predictors.curves.mixture import StudentMixture
from predictors.curves.prior import check_prior, given_final
from predictors.curves.scaling import CurveScale, common_scale, own_scale, with_known
from predictors.threads import single_blas_thread, single_torch_thread

if TYPE_CHECKING:
    import torch

    from predictors.curves.bnn_network import CurveNetwork


class BayesianCurveNetwork(CurvePredictor):
    """LC-Net: a Bayesian neural network whose last layer is made of learning curves.

    Klein, Falkner, Springenberg and Hutter, "Learning Curve Prediction with Bayesian Neural Networks" (ICLR 2017): from
    the features of a curve, say of its architecture and its hyperparameters, a network computes the parameters of five
    basis functions, their weights and an asymptote (section 4, `bnn_network`), so that it predicts a curve of which not
    a point was seen. Sets of weights are drawn from the posterior by adaptive SGHMC (`sghmc`), all chains as one
    batched program. Departures:

    - The network is not trained anew for every point of a running curve. It learns from finished curves; what it does
      not explain is a Student-t process over the steps, which is learned from finished curves that each chain leaves
      out in turn (`bnn_errors`). A partial curve then weighs the sets of weights by how well they explain it, and moves
      the rest of each predicted curve by conditioning.
    - Weights have normal priors scaled by fan-in; the noise has one variance, not one of each point.
    - Values are put between about 0 and 1, rising, by one affine map; steps are shares of the horizon.

    Args:
        horizon: Number of steps of a whole curve; None takes the number of columns in `fit`.
        chains: Number of chains, at least 2.
        burn_in: Steps of a chain in which it adapts, at least 1.
        steps: Steps of a chain that draws are taken from, at least `draws`.
        draws: Sets of weights that are kept of each chain, at least 1.
        hidden: Width of each of the three hidden layers, at least 1.
        batch_size: Curves of a gradient; up to so many, it is exact.
        step_size: epsilon of the sampler, above 0.
        device: Where to train and predict.
        random_state: Seed of the sampler.

    Attributes:
        horizon_: Number of steps of a whole curve.
        n_curves_: Number of finished curves with an observed value.
        scale_: Their units, None if there are no such curves.
        network_: What weights are drawn of.
        weights_: Draws of all chains, `(chains * draws, network_.size)`.
        covariance_: Scale matrix of what the network does not explain, over the steps, `(horizon_, horizon_)`.
    """

    scale_: CurveScale | None
    network_: CurveNetwork
    weights_: torch.Tensor
    covariance_: Array

    def __init__(
        self,
        horizon: int | None = None,
        *,
        chains: int = 5,
        burn_in: int = 500,
        steps: int = 500,
        draws: int = 20,
        hidden: int = 64,
        batch_size: int = 128,
        step_size: float = 0.03,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.horizon = horizon
        self.chains = chains
        self.burn_in = burn_in
        self.steps = steps
        self.draws = draws
        self.hidden = hidden
        self.batch_size = batch_size
        self.step_size = step_size
        self.device = device
        self.random_state = random_state

    @single_blas_thread()
    def fit(self, X: ArrayLike, y: Any = None, features: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """Draws sets of weights given finished curves.

        Args:
            X: Shape `(n_curves, n_steps)`, NaN where not observed; `n_curves` may be 0.
            y: Ignored, here for scikit-learn.
            features: Numbers about what each curve is of, `(n_curves, k)`, NaN where not known; say, those of
                `predictors.encodings.statistics.GraphStatistics`, or a learning rate.

        Raises:
            ValueError: If `X` or `features` are not such matrices, `X` has more steps than `horizon`, or an argument of
                the constructor is out of range.
        """
        import torch

        from predictors.curves.bnn_network import CurveNetwork

        curves = check_curves(X)
        self._check_arguments(curves.shape[1])
        self.horizon_ = curves.shape[1] if self.horizon is None else self.horizon
        self._features = CurveFeatures().fit(features, len(curves))
        read = self._features.transform(features, len(curves))
        seen = np.isfinite(curves).any(1)
        curves, read = pad(curves[seen], self.horizon_), read[seen]
        self.n_curves_ = len(curves)
        self.scale_ = common_scale(curves) if len(curves) else None
        self.network_ = CurveNetwork(read.shape[1], self.hidden)
        rng = np.random.default_rng(self.random_state)
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**63)))
        start = torch.randn(self.chains, self.network_.size, generator=generator, device=self.device)
        assumed = assumed_scale_matrix(self.horizon_)
        if self.scale_ is None:  # Without curves the prior is the posterior.
            more = torch.randn((self.draws - 1) * self.chains, start.shape[1], generator=generator, device=self.device)
            self.weights_, self.covariance_ = torch.cat([start, more]), assumed
            return self
        scaled = self.scale_.apply(curves)
        held_out = (rng.permutation(len(curves)) % self.chains)[None] == np.arange(self.chains)[:, None]
        if len(curves) < 2 * self.chains:  # Too few to do without any.
            held_out[:] = False
        with single_torch_thread():
            draws = self._sample(scaled, read, ~held_out, start, rng, generator)
            found = self._curves(draws.flatten(0, 1), read).reshape(self.draws, self.chains, *scaled.shape)
        self.weights_ = draws.flatten(0, 1)
        self.covariance_ = _learned(scaled, found, held_out, assumed)
        return self

    def _check_arguments(self, n_steps: int) -> None:
        lowest = {"horizon": 1, "chains": 2, "burn_in": 1, "steps": self.draws, "draws": 1, "hidden": 1}
        for name, bound in {**lowest, "batch_size": 1}.items():
            number = getattr(self, name)
            if number is not None and number < bound:
                raise ValueError(f"`{name}` must be at least {bound}, but got {number}.")
        if not self.step_size > 0:
            raise ValueError(f"`step_size` must be above 0, but got {self.step_size}.")
        if self.horizon is not None and n_steps > self.horizon:
            raise ValueError(f"`X` must have at most {self.horizon} steps, the horizon, but got {n_steps}.")

    def _sample(
        self,
        scaled: Array,
        read: Array,
        used: NDArray[np.bool_],
        start: torch.Tensor,
        rng: np.random.Generator,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """Draws of the weights, `(draws, chains, size)`, each chain given the curves that it uses, `(chains, m)`."""
        import torch

        from predictors.curves.sghmc import sample_by_sghmc

        values, features = self._tensor(np.nan_to_num(scaled)), self._tensor(read)
        seen = self._tensor(np.isfinite(scaled)) * self._tensor(used)[..., None]
        n, t = len(scaled), self._steps()
        exact = n <= self.batch_size

        def gradient_of(weights: torch.Tensor) -> torch.Tensor:
            rows = slice(None) if exact else torch.from_numpy(rng.choice(n, self.batch_size, replace=False))
            weights = weights.detach().requires_grad_()
            error = values[rows] - self.network_.curves(weights, features[rows], t)
            log_variance = self.network_.log_variance(weights)[:, None, None]
            losses = 0.5 * seen[:, rows] * (error**2 * torch.exp(-log_variance) + log_variance)
            loss = losses.sum() * (n / error.shape[1]) + 0.5 * (weights**2).sum()
            return torch.autograd.grad(loss, weights)[0]

        return sample_by_sghmc(
            gradient_of,
            start,
            burn_in=self.burn_in,
            steps=self.steps,
            keep=self.draws,
            step_size=self.step_size,
            exact=exact,
            generator=generator,
        )

    def _steps(self) -> torch.Tensor:
        return self._tensor(np.arange(1, self.horizon_ + 1) / self.horizon_)

    def _tensor(self, array: Array | NDArray[np.bool_]) -> torch.Tensor:
        import torch

        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    def _curves(self, weights: torch.Tensor, read: Array) -> Array:
        """The curves of each set of weights, `(s, m, horizon)`."""
        import torch

        with torch.no_grad():
            found = self.network_.curves(weights, self._tensor(read), self._steps())
        return np.asarray(found.cpu().numpy(), dtype=np.float64)

    @single_blas_thread()
    def predictive(
        self, X: ArrayLike, at: int | None = None, prior: Prior | None = None, features: ArrayLike | None = None
    ) -> StudentMixture:
        """The distribution of the measured value at one step; see `CurvePredictor.predictive`.

        Args:
            X: See `CurvePredictor.predictive`; a row without an observed value is predicted from its features.
            at: See `CurvePredictor.predictive`.
            prior: See `CurvePredictor.predictive`; it moves the prediction of the last step only.
            features: Numbers about what each curve is of, `(n_curves, k)`; None where none are known.

        Raises:
            ValueError: If `X` has more steps than the horizon, `at` lies outside 1 and the horizon, the standard
                deviation in `prior` is not above 0, or `features` have not as many columns as in `fit`.
        """
        curves, column = self._check_query(X, at)
        m = len(curves)
        read = self._features.transform(features, m)
        final = None if prior is None else check_prior(prior, m)
        scale = own_scale(curves, final) if self.scale_ is None else self.scale_
        with single_torch_thread():
            predicted = self._curves(self.weights_, read)
        own = StudentMixture(
            np.full((m, len(predicted)), 1.0 / len(predicted)),
            predicted[:, :, column].T,
            np.full((m, len(predicted)), np.sqrt(self.covariance_[column, column])),
            np.full((m, len(predicted)), DOF),
        )
        found = self._conditioned(own, predicted, scale.apply(curves), column)
        found, own = scale.restore(found), scale.restore(own)
        if final is not None and column == self.horizon_ - 1:
            found = given_final(found, own.mean(), own.std(), final)
        return with_known(found, curves, column, final)

    def _conditioned(self, own: StudentMixture, predicted: Array, scaled: Array, column: int) -> StudentMixture:
        """What the observed part of each curve makes of what the network says of it."""
        parts = [part.copy() for part in vars(own).values()]
        for rows, steps in observed_groups(scaled):
            if len(steps) == 0:
                continue
            for row in rows:
                error = scaled[row, steps] - predicted[:, row][:, steps]
                found = condition_t(self.covariance_, error, steps, column)
                for part, value in zip(parts, found, strict=True):
                    part[row] = value
                parts[1][row] += predicted[:, row, column]
        return StudentMixture(*parts)


def _learned(scaled: Array, found: Array, held_out: NDArray[np.bool_], assumed: Array) -> Array:
    """The scale matrix of what a chain's sets of weights do not explain of curves that it left out.

    Args:
        scaled: Curves, `(m, horizon)`.
        found: What each draw of each chain makes of them, `(draws, chains, m, horizon)`.
        held_out: Which curves each chain left out, `(chains, m)`; none if there are few, and nothing is learned.
        assumed: What is assumed without any.
    """
    chain, row = np.nonzero(held_out)
    if len(row) == 0:
        return assumed
    draws = found[:, chain, row]
    mean = draws.mean(0)
    # The draws differ among themselves, which accounts for a part of their mean's error.
    return learn_scale_matrix(scaled[row] - mean, draws - mean, assumed)
