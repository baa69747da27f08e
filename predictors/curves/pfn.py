"""A prior-fitted network as a curve predictor: the posterior in one pass, learned from no data but its prior."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from predictors.curves.base import CurvePredictor, Prior, check_curves, pad
from predictors.curves.learning import last_values
from predictors.curves.mixture import StudentMixture
from predictors.curves.pfn_features import featurise
from predictors.curves.pfn_network import DOF, CurveNetwork, Mixture
from predictors.curves.pfn_training import load_network
from predictors.curves.prior import check_prior, given_final
from predictors.threads import single_torch_thread

Array = NDArray[np.float64]

WEIGHTS = Path(__file__).parent / "data" / "pfn.safetensors"
"""The weights in this package; their metadata say how they were made."""
_FAR = 1e6  # A value further than this many spreads from the centre is as far as that.
_SURE = 1e-6  # A prior this much narrower than what a curve says is as sure as can be.
_CHUNK = 2048  # Curves in one pass of the network.
_SMALL = 32  # Tasks of no more curves than this are computed so many at a time.
_FOLDS = 5
_SHARES = (0.1, 0.25, 0.5, 0.8)
_STRETCHES = np.exp(np.linspace(np.log(0.5), np.log(3.0), 25))
_STIFFNESS = 30.0  # Pull of the common stretch to 1: half of it times its squared logarithm is lost in log score.
_OWN_STIFFNESS = 10.0  # Likewise, of the stretch at a share to the common one,
_OWN_CURVES = 20  # which it is with fewer finished curves.
_SHARPEST = 100.0  # Log density of a curve read alone, at most, where that is learned:
_ALONE = np.array([0.0, 0.05, 0.1])  # shares of reading a curve alone, of which the likeliest is taken.
_AGAINST = 0.5  # That share of a curve that goes against most of the finished ones, where these are few
_CONTESTED = 0.2  # and so many of them do, too.


class PFNCurvePredictor(CurvePredictor):
    """A transformer trained on curves drawn from a prior, which reads finished curves beside the partial one.

    Prior-fitted networks for learning curves are from Adriaensen, Rakotoarison, Mueller and Hutter,
    "Efficient Bayesian Learning Curve Extrapolation using Prior-Data Fitted Networks" (NeurIPS
    2023). It departs from the paper: finished curves of the same study are part of the input, one
    token each, so that the network learns from them in context; metrics have any scale and direction;
    curves are cut into bins, so that the cost does not depend on their length; and the output is
    a mixture of Student-t distributions about classical guesses instead of a histogram.
    After the network, the spread is stretched by what finished curves held out say of it, by how much of the
    way to the step to predict was observed; and the predictive is mixed with that of the curve read alone, by as much
    as makes those likelier. Where few finished curves do not agree on a direction, one that goes against most of them
    is read half and half: if three of five have diverged, the others are still to be believed.

    A curve without finished ones beside it and with a single value has no scale but that value's size,
    and a constant one no direction.

    Args:
        horizon: Number of steps of a whole curve; None takes the number of columns in `fit`.
        max_curves: More finished curves than this are thinned to it, evenly by final value.
        weights: File that `python -m predictors train-pfn` wrote; None takes the ones in the package.

    Attributes:
        horizon_: Number of steps of a whole curve.
        n_curves_: Number of finished curves with an observed value.
    """

    def __init__(self, horizon: int | None = None, max_curves: int = 48, weights: str | Path | None = None) -> None:
        self.horizon = horizon
        self.max_curves = max_curves
        self.weights = weights

    def fit(self, X: ArrayLike, y: Any = None) -> Self:  # noqa: ARG002
        """Keeps the finished curves to be read beside partial ones, and calibrates on them.

        Args:
            X: Shape `(n_curves, n_steps)`, NaN where not observed; `n_curves` may be 0.
            y: Ignored, here for scikit-learn.

        Raises:
            ValueError: If `X` is not such a matrix, has more steps than `horizon`, if `horizon` or
                `max_curves` is less than 1, or the file of the weights is not one.
        """
        curves = check_curves(X)
        horizon = curves.shape[1] if self.horizon is None else self.horizon
        if horizon < 1:
            raise ValueError(f"`horizon` must be at least 1, but got {horizon}.")
        if self.max_curves < 1:
            raise ValueError(f"`max_curves` must be at least 1, but got {self.max_curves}.")
        if curves.shape[1] > horizon:
            raise ValueError(f"`X` must have at most {horizon} steps, the horizon, but got {curves.shape[1]}.")
        self._network()  # what is wrong with its file shows before anything is learned
        curves = pad(curves[np.isfinite(curves).any(1)], horizon)
        self.horizon_ = horizon
        self.n_curves_ = len(curves)
        if len(curves) > self.max_curves:
            order = np.argsort(last_values(curves), kind="stable")
            curves = curves[order[np.linspace(0, len(curves) - 1, self.max_curves).round().astype(np.intp)]]
        self._finished = curves
        self._stretch, self._alone = np.zeros((2, 1)), 0.0
        if len(curves) > 1 and horizon > 1:
            self._stretch, self._alone = self._calibrated()
        return self

    def predictive(self, X: ArrayLike, at: int | None = None, prior: Prior | None = None) -> StudentMixture:
        """The distribution of the measured value at one step; see `CurvePredictor.predictive`.

        What a curve shows after `at` is not used, also where its value at `at` is missing.

        Raises:
            ValueError: If `X` has more steps than the horizon, `at` lies outside 1 and the
                horizon, or the standard deviation in `prior` is not above 0.
        """
        curves, column = self._check_query(X, at)
        m = len(curves)
        final = None if prior is None else check_prior(prior, m)
        distribution = self._run(self._finished, curves, column)
        if final is not None:
            distribution = self._informed(distribution, curves, column, final)
        known = np.isfinite(curves[:, [column]])
        return replace(
            distribution,
            loc=np.where(known, curves[:, [column]], distribution.loc),
            scale=np.where(known, 0.0, distribution.scale),
        )

    def _informed(
        self, distribution: StudentMixture, curves: Array, column: int, final: tuple[Array, Array]
    ) -> StudentMixture:
        """The predictive under a prior of the final value in place of the finished curves' own."""
        mean, std = final[0], np.maximum(final[1], _SURE * distribution.std())
        last = self.horizon_ - 1
        if column < last:  # The prior is carried to the step by how finished curves, or this one, go on from there.
            change = self._finished[:, column] - self._finished[:, last]
            change = change[np.isfinite(change)]
            if len(change) > 1:
                mean, std = mean + np.median(change), np.hypot(std, np.subtract(*np.percentile(change, [90, 10])) / 2)
            else:
                end = self._run(self._finished, curves, last)
                gap = distribution.mean() - end.mean()
                mean, std = mean + gap, np.hypot(std, np.abs(gap))
        if self.n_curves_ > 0:
            blank = np.full((1, self.horizon_), np.nan)
            own = self._run(self._finished, blank, column)
            low, middle, high = (float(own.quantile(q)[0]) for q in (0.1, 0.5, 0.9))
            return given_final(distribution, middle, max((high - low) / 2.563, np.finfo(np.float64).tiny), (mean, std))
        flat = 1e3 * (distribution.std() + std + np.abs(distribution.mean() - mean))
        informed = given_final(distribution, mean, flat, (mean, std))
        unseen = (~np.isfinite(curves[:, :column])).all(1, keepdims=True)
        return replace(
            informed,
            loc=np.where(unseen, mean[:, None], informed.loc),
            scale=np.where(unseen, std[:, None], informed.scale),
        )

    def _run(self, finished: Array, curves: Array, column: int) -> StudentMixture:
        """The predictives of curves at a column from what is observed before it, in the metric's units."""
        together = self._read(finished, curves, column)
        if not len(finished):
            return together
        share = self._share_alone(finished, curves[:, :column])
        if not share.any():
            return together
        return StudentMixture.mixed([together, self._read(finished[:0], curves, column)], [1.0 - share, share])

    def _share_alone(self, finished: Array, begun: Array) -> Array:
        """How far each curve is not to be read beside the finished ones but alone, `(m,)`."""
        if not begun.shape[1]:
            return np.zeros(len(begun))
        share = np.full(len(begun), self._alone)
        change = np.sign(last_values(finished) - _first_values(finished))
        least = min((change > 0).sum(), (change < 0).sum())
        if len(finished) < _OWN_CURVES and least >= _CONTESTED * len(finished):
            against = np.sign(last_values(begun) - _first_values(begun)) == -np.sign(np.median(change))
            share[against] = _AGAINST
        return np.where(_moves(begun), share, 0.0)

    def _read(self, finished: Array, curves: Array, column: int) -> StudentMixture:
        """What the network says of curves beside finished ones, or of each alone."""
        center, unit = _units(finished, curves[:, :column])
        parts = self._passes(finished, curves, column, center, unit)
        k = len(DOF)
        m = len(curves)
        weights, dof = np.full((m, k), 1.0 / k), np.full((m, k), 3.0)
        loc, scale = np.repeat(center[:, None], k, 1), np.repeat(unit[:, None], k, 1)
        stretch = np.ones(m)
        if len(finished):
            stretch = np.exp(np.interp(_lengths(curves[:, :column]) / max(column, 1), *self._stretch))
        for rows, mixture, base, size in parts:
            spread = mixture.stretched(torch.from_numpy(stretch[rows, None]).float())
            weights[rows] = spread.log_weights.double().exp().numpy()
            weights[rows] /= weights[rows].sum(1, keepdims=True)
            at = base[:, None] + size[:, None] * spread.loc.double().numpy()
            loc[rows] = center[rows, None] + unit[rows, None] * at
            scale[rows] = unit[rows, None] * np.abs(size)[:, None] * spread.log_scale.double().exp().numpy()
            dof[rows] = spread.dof.double().numpy()
        if len(finished):
            return StudentMixture(weights, loc, scale, dof)
        # Without a direction, what may be ahead lies on either side.
        begun = curves[:, :column]
        still = (_first_values(begun) == last_values(begun))[:, None] if column else np.ones((m, 1), dtype=np.bool_)
        other = np.where(still, 2 * center[:, None] - loc, loc)
        twice = [np.concatenate([part, part], 1) for part in (0.5 * weights, scale, dof)]
        return StudentMixture(twice[0], np.concatenate([loc, other], 1), twice[1], twice[2])

    def _network(self) -> CurveNetwork:
        return _loaded(WEIGHTS if self.weights is None else Path(self.weights))

    def _passes(
        self, finished: Array, curves: Array, column: int, center: Array, unit: Array
    ) -> list[tuple[NDArray[np.intp], Mixture, Array, Array]]:
        """Rows, and their mixtures in units of the features with the centres and units of these."""
        if not len(curves):
            return []
        network = self._network()
        scaled = np.clip((curves - center[:, None]) / unit[:, None], -_FAR, _FAR)
        n_seen = _lengths(curves[:, :column])
        parts = []
        if len(finished):
            context = torch.from_numpy(np.clip((finished - center[:1]) / unit[:1], -_FAR, _FAR))[None]
        else:
            context = torch.empty((1, 0, curves.shape[1]), dtype=torch.float64)
        with single_torch_thread(), torch.inference_mode():
            for tasks in _batches(n_seen, together=len(finished) > 0):
                size = max(map(len, tasks))
                rows = np.array([np.resize(task, size) for task in tasks])
                real = torch.from_numpy(np.arange(size) < np.array([len(task) for task in tasks])[:, None]).flatten()
                n = torch.from_numpy(n_seen[rows[:, 0]])
                query = torch.from_numpy(scaled[rows])
                features = featurise(context.expand(len(n), -1, -1), query, n, torch.full_like(n, column + 1))
                mixture = network(features.single())
                log_weights, loc, log_scale = (part.flatten(0, 1)[real] for part in mixture[:3])
                base, unit_of = (part.flatten()[real].numpy() for part in (features.center, features.unit))
                parts.append(
                    (rows.flatten()[real.numpy()], Mixture(log_weights, loc, log_scale, mixture.dof), base, unit_of)
                )
        return parts

    def _calibrated(self) -> tuple[Array, float]:
        """The stretches and the share of reading curves alone under which finished curves held out are likeliest.

        Empirical Bayes in two levels: a common stretch near 1, and near it the one of each share of a curve.

        Returns:
            Observed shares and the logarithms of the stretches there, `(2, n_shares)`, and the share of reading alone.
        """
        curves, last = self._finished, self.horizon_ - 1
        fold = np.arange(len(curves)) % _FOLDS
        lengths = sorted({int(np.ceil(share * last)) for share in _SHARES})
        score = np.zeros((len(lengths), len(_STRETCHES), len(_ALONE)))
        stretches = torch.from_numpy(_STRETCHES).float()[:, None, None]
        with np.errstate(divide="ignore"):
            beside, apart = np.log1p(-_ALONE), np.log(_ALONE)
        for held_out in range(min(_FOLDS, len(curves))):
            rest, tested = curves[fold != held_out], curves[(fold == held_out) & np.isfinite(curves[:, last])]
            center, unit = (np.tile(part, len(lengths)) for part in _units(rest, tested))
            truth, cut = np.tile(tested[:, last], len(lengths)), np.repeat(lengths, len(tested))
            begun = np.where(np.arange(self.horizon_) < cut[:, None], np.tile(tested, (len(lengths), 1)), np.nan)
            alone = self._read(rest[:0], begun, last).log_density(truth)
            for rows, mixture, base, size in self._passes(rest, begun, last, center, unit):
                value = (truth[rows] - center[rows]) / unit[rows]
                target = torch.from_numpy((value - base) / size).float()
                found = mixture.stretched(stretches).log_density(target).double().numpy()
                single = np.clip(alone[rows] + np.log(unit[rows] * np.abs(size)), -_SHARPEST, _SHARPEST)
                single = np.where(_moves(begun[rows]), single, found)
                both = np.logaddexp(beside + found[..., None], apart + single[..., None])
                np.add.at(score, np.searchsorted(lengths, cut[rows]), np.maximum(both, -20.0).swapaxes(0, 1))
        logs = np.log(_STRETCHES)
        likelihood = score.mean(0) - 0.5 * _STIFFNESS * logs[:, None] ** 2 + np.log1p(-_ALONE)
        common, k = np.unravel_index(likelihood.argmax(), likelihood.shape)
        own = logs[(score[:, :, k] - 0.5 * _OWN_STIFFNESS * (logs - logs[common]) ** 2).argmax(1)]
        if len(curves) < _OWN_CURVES:
            own = np.full_like(own, logs[common])
        return np.stack([np.array(lengths) / last, own]), float(_ALONE[k])


def _batches(n_seen: NDArray[np.intp], *, together: bool) -> list[list[NDArray[np.intp]]]:
    """Rows as tasks of equal numbers of observed steps, and tasks as batches; several small tasks make one.

    Without finished curves (`together` is False) each row is a task, and those without an observed value are left out.
    """
    if not together:
        rows = np.flatnonzero(n_seen > 0)
        return (
            [[row[None] for row in part] for part in np.array_split(rows, -(-len(rows) // _CHUNK))] if len(rows) else []
        )
    groups = [np.flatnonzero(n_seen == n) for n in np.unique(n_seen)]
    tasks = [part for rows in groups for part in np.array_split(rows, -(-len(rows) // _CHUNK))]
    small = [task for task in tasks if len(task) <= _SMALL]
    batches = [[task] for task in tasks if len(task) > _SMALL]
    return batches + [small[begin : begin + _SMALL] for begin in range(0, len(small), _SMALL)]


def _lengths(curves: Array) -> NDArray[np.intp]:
    """How many steps there are up to the last observed one, `(m,)`."""
    steps: NDArray[np.intp] = np.where(np.isfinite(curves), np.arange(1, curves.shape[1] + 1), 0)
    return np.asarray(steps.max(1, initial=0))


def _first_values(curves: Array) -> Array:
    return last_values(curves[:, ::-1])


def _moves(curves: Array) -> NDArray[np.bool_]:
    """Which curves show more than one value, and so a scale of their own, `(m,)`."""
    seen = np.isfinite(curves)
    high = np.where(seen, curves, -np.inf).max(1, initial=-np.inf)
    return np.asarray(high > np.where(seen, curves, np.inf).min(1, initial=np.inf))


def _units(finished: Array, curves: Array) -> tuple[Array, Array]:
    """Centre and unit of every curve, `(m,)` each, of the finished curves or of the curve itself; against overflow."""
    m = len(curves)
    if len(finished):
        values = finished[np.isfinite(finished)]
        middle = float(np.median(last_values(finished)))
        low, high = np.percentile(values, [10, 90])
        size = float(high - low) or float(np.ptp(values)) or abs(middle) or 1.0
        return np.full(m, middle), np.full(m, size)
    if curves.shape[1] == 0:
        return np.zeros(m), np.ones(m)
    center = np.nan_to_num(last_values(curves))
    gap = np.abs(curves - center[:, None])
    extent = np.where(np.isfinite(gap), gap, 0.0).max(1)
    return center, np.where(extent > 0, extent, np.where(center != 0, np.abs(center), 1.0))


@lru_cache(maxsize=4)
def _loaded(path: Path) -> CurveNetwork:
    return load_network(path)
