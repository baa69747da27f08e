"""Curves of any length, scale and direction as the fixed numbers that the prior-fitted network reads.

A task is a set of finished curves and partial ones, all of the partial ones observed up to the
same step. Time is cut into `G` bins of the observed steps, `F` bins between them and the step to
predict, and that step. Values enter as robust scores among the finished curves of the same bin and
as differences to the last observed value. Every quantity is unchanged by an affine map of the
metric, its direction included. Beside them stand *anchors*, classical guesses of the value to
predict, which the network chooses among and corrects: the last value, the change of the finished
curves, ridge regressions on them, and least-squares extrapolations.

Without finished curves, every partial curve is a task of its own, and takes their place where
scale and direction are read.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

G = 16
F = 6
B = G + F + 1
N_ANCHORS = 10
_RIDGES = (0.03, 0.3)
N_TASK = 2 * B + G + 9 + len(_RIDGES)
N_ROW = 3 * B + 8
N_GUESS = N_ANCHORS + 1 + len(_RIDGES)
_SMALL = 1e-4  # Of the range of a curve: differences below it are as good as none.


class Features(NamedTuple):
    """What the network reads of `T` tasks of `C` finished and `Q` partial curves.

    Attributes:
        task: `(T, N_TASK)`.
        context: `(T, C, N_ROW)`.
        query: `(T, Q, N_ROW)`.
        guess: `(T, Q, N_GUESS)`.
        anchors: `(T, Q, N_ANCHORS)`, as signed multiples of `unit` from `center`.
        center: `(T, Q)`, last observed values, in the metric's units.
        unit: `(T, Q)`, never 0; negative for a metric that falls, `value = center + unit * z`.
    """

    task: Tensor
    context: Tensor
    query: Tensor
    guess: Tensor
    anchors: Tensor
    center: Tensor
    unit: Tensor

    def single(self) -> Features:
        """What the network computes with, in single precision; centre and unit stay as they are."""
        return self._replace(**{name: getattr(self, name).float() for name in self._fields[:5]})


def featurise(context: Tensor, query: Tensor, n_seen: Tensor, at: Tensor) -> Features:
    """Computes the features of tasks.

    Args:
        context: Finished curves, `(T, C, H)`, NaN where not observed.
        query: Partial curves, `(T, Q, H)`; what they hold after `n_seen` steps is not read.
        n_seen: How many steps of the partial curves count as observed, `(T,)`, each at least 1 if C is 0.
        at: The step to predict, counted from 1, above `n_seen`, `(T,)`.

    Returns:
        The features; `T` becomes `T * Q` and `Q` becomes 1 if `C` is 0.
    """
    alone = context.shape[1] == 0
    if alone:
        q = query.shape[1]
        query = query.reshape(-1, 1, query.shape[-1])
        context = query[:, :0]
        n_seen, at = n_seen.repeat_interleave(q), at.repeat_interleave(q)
    rows = torch.cat([context, query], 1)
    c = context.shape[1]
    value = _bin_means(rows, n_seen, at)
    value[:, c:, G:] = torch.nan
    observed = rows.masked_fill(torch.arange(rows.shape[-1]) >= n_seen[:, None, None], torch.nan)
    first, last = _ends(observed)
    source = slice(0, 1) if alone else slice(0, c)
    # Direction and scale of the task.
    middle, spread = _middle_and_spread(value[:, source])
    extent = _quantiles(_nan_range(value[:, source]), 0.5)
    end, begin = _last_valid(value[:, source]), _last_valid(value[:, source].flip(-1))
    level = _quantiles(end, 0.5).abs()
    extent = torch.where(extent > 0, extent, torch.where(level > 0, level, 1.0))[:, None]
    sign = torch.sign(_quantiles(end - begin, 0.5)).nan_to_num(0.0)[:, None]
    sign = torch.where(sign == 0, 1.0, sign)
    counts = value[:, source].isfinite().sum(1)
    spread = torch.clamp(spread / extent, min=_SMALL, max=1 / _SMALL)
    blend = torch.where(counts > 1, counts / (counts + 1.0), 0.0)
    spread = extent * torch.exp(blend * spread.log() + (1 - blend) * -2.3)  # towards a tenth of the extent
    unit = spread[:, -1:]
    # Rows without an observed value stand at the middle of the finished ones.
    start = torch.where(middle[:, G - 1 : G].isfinite(), middle[:, G - 1 : G], middle[:, -1:]).nan_to_num(0.0)
    last, first = last.where(last.isfinite(), start), first.where(first.isfinite(), start)
    score = sign[:, :, None] * (value - middle[:, None]) / spread[:, None]
    if alone:
        score = torch.zeros_like(score)
    score = score.nan_to_num(0.0, posinf=0.0, neginf=0.0).clamp(-1e4, 1e4)
    change = sign[:, :, None] * (value - last[..., None]) / extent[:, None]
    shape = sign * (middle - start) / extent
    anchors, errors = _anchors(value, score, last, middle, n_seen, at, c)
    anchors = (sign / unit)[..., None] * (anchors - last[:, c:, None])
    limit = 5.0 * (extent / unit)[..., None]
    anchors = torch.maximum(torch.minimum(anchors, limit), -limit).nan_to_num(0.0)
    row = _row_features(observed, score, change, value, sign, first, last, extent)
    task = _task_features(shape, spread, extent, unit, counts, n_seen, at, rows.shape[-1], c, errors)
    guess = torch.cat([torch.asinh(anchors), _repeat((extent / unit).log(), anchors), _repeat(errors, anchors)], -1)
    signed = (sign * unit).expand(-1, anchors.shape[1])
    return Features(task, row[:, :c], row[:, c:], guess, anchors, last[:, c:], signed)


def _repeat(of_task: Tensor, like: Tensor) -> Tensor:
    return of_task[:, None].expand(-1, like.shape[1], -1)


def _edges(first: Tensor, last: Tensor, n_bins: int) -> Tensor:
    """Edges of bins of the steps from `first` to `last` (exclusive), `(T, n_bins + 1)`; a few fill the last."""
    index = torch.arange(n_bins + 1)
    count = (last - first)[:, None]
    few = torch.clamp(count - n_bins + index, min=0)
    return first[:, None] + torch.where(count >= n_bins, count * index // n_bins, few)


def _bin_means(rows: Tensor, n_seen: Tensor, at: Tensor) -> Tensor:
    """Means over the bins, the last being the step to predict, `(T, R, B)`; NaN for a bin without a value."""
    edges = torch.cat([_edges(torch.zeros_like(n_seen), n_seen, G), _edges(n_seen, at - 1, F)[:, 1:], at[:, None]], 1)
    seen = rows.isfinite()
    zero = rows.new_zeros((*rows.shape[:2], 1))
    total = torch.cat([zero, rows.nan_to_num(0.0).cumsum(-1)], -1)
    number = torch.cat([zero, seen.to(rows.dtype).cumsum(-1)], -1)
    index = edges[:, None].expand(-1, rows.shape[1], -1)
    number = number.gather(-1, index).diff(dim=-1)
    mean = total.gather(-1, index).diff(dim=-1) / number
    return mean.masked_fill(number < 0.5, torch.nan)


def _ends(observed: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the last finite value of every row, NaN without one, `(T, R)` each."""
    return _last_valid(observed.flip(-1)), _last_valid(observed)


def _last_valid(values: Tensor) -> Tensor:
    n = values.shape[-1]
    place = torch.where(values.isfinite(), torch.arange(n), -1).amax(-1, keepdim=True)
    return values.gather(-1, place.clamp(min=0))[..., 0]


def _nan_range(values: Tensor) -> Tensor:
    known = values.isfinite()
    high = values.masked_fill(~known, -torch.inf).amax(-1)
    low = values.masked_fill(~known, torch.inf).amin(-1)
    return torch.where(known.any(-1), high - low, torch.nan)


def _quantiles(values: Tensor, *levels: float) -> Tensor:
    """Quantiles over dimension 1, NaN left out; symmetric under a change of sign, which `torch.nanmedian` is not."""
    count = values.isfinite().sum(1, keepdim=True)
    ordered = values.masked_fill(~values.isfinite(), torch.nan).sort(1).values
    found = []
    for level in levels:
        place = level * (count - 1).clamp(min=0)
        low = place.floor().long()
        high = torch.minimum(low + 1, (count - 1).clamp(min=0))
        share = (place - low).to(values.dtype)
        found.append((ordered.gather(1, low) * (1 - share) + ordered.gather(1, high) * share)[:, 0])
    return found[0] if len(found) == 1 else torch.stack(found)


def _middle_and_spread(values: Tensor) -> tuple[Tensor, Tensor]:
    """Median and robust standard deviation of every bin over the source curves, `(T, B)` each."""
    low, middle, high = _quantiles(values, 0.1, 0.5, 0.9)
    return middle, ((high - low) / 2.563).nan_to_num(0.0)


def _anchors(
    value: Tensor, score: Tensor, last: Tensor, middle: Tensor, n_seen: Tensor, at: Tensor, c: int
) -> tuple[Tensor, Tensor]:
    """Guesses of the value to predict of every partial curve, `(T, Q, N_ANCHORS)`, and errors of the regressions."""
    query = value[:, c:, :G]
    recent = torch.nanmean(query[..., G - 3 :], -1)
    recent = recent.where(recent.isfinite(), last[:, c:])
    found = [last[:, c:], recent]
    seconds = _bin_times(n_seen, at).to(value.dtype)
    shapes = [seconds**-0.5, 1 / seconds, seconds.log()]
    found += [_extrapolate(query, shape[:, None, :G], shape[:, None, -1]) for shape in shapes]
    if c == 0:
        errors = value.new_zeros((len(value), len(_RIDGES)))
        found += [found[0]] * (N_ANCHORS - len(found))
        return torch.stack(found, -1), errors
    label = value[:, :c, -1]
    moved = _quantiles(label - last[:, :c], 0.5)[:, None]
    found += [last[:, c:] + moved.nan_to_num(0.0), middle[:, -1:].expand_as(recent)]
    found.append(_extrapolate(query, middle[:, None, :G], middle[:, None, -1]))
    spread = (label - middle[:, -1:]).abs()
    spread = _quantiles(spread, 0.8)[:, None].nan_to_num(0.0)
    guesses, errors = _ridge(score, label, middle[:, -1:], spread, c)
    return torch.stack([*found, *guesses], -1), errors


def _bin_times(n_seen: Tensor, at: Tensor) -> Tensor:
    """Centres of the observed bins and the step to predict, counted from 1, `(T, G + 1)`."""
    edges = _edges(torch.zeros_like(n_seen), n_seen, G)
    centre = (edges[:, 1:] + edges[:, :-1] + 1) / 2
    return torch.cat([centre, at[:, None]], 1).clamp(min=1.0)


def _extrapolate(values: Tensor, shape: Tensor, at_shape: Tensor) -> Tensor:
    """Least squares of `a + b * shape` through the recent values, with a weak pull of `b` to 0, `(T, Q)`."""
    weight = torch.linspace(0.1, 1.0, values.shape[-1], dtype=values.dtype)
    weight = weight * (values.isfinite() & shape.isfinite())
    total = weight.sum(-1).clamp(min=1e-9)
    x, y = shape.nan_to_num(0.0), values.nan_to_num(0.0)
    x_mean, y_mean = (weight * x).sum(-1) / total, (weight * y).sum(-1) / total
    x_gap = x - x_mean[..., None]
    variance = (weight * x_gap**2).sum(-1)
    slope = (weight * x_gap * y).sum(-1) / (variance * 1.02 + 1e-12 * (x_mean**2 + 1e-12))
    return y_mean + slope * (at_shape - x_mean)


def _ridge(score: Tensor, label: Tensor, center: Tensor, spread: Tensor, c: int) -> tuple[list[Tensor], Tensor]:
    """Ridge regressions of the value to predict on the scores of the observed bins, with leave-one-out errors."""
    size = torch.where(spread > 0, spread, 1.0)
    known = label.isfinite()
    target = torch.where(known, (label - center) / size, 0.0).clamp(-4, 4)
    inputs = score[..., :G].clamp(-4, 4) * torch.linspace(0.5, 1.5, G, dtype=score.dtype)
    inputs = inputs / G**0.5
    train = inputs[:, :c] * known[..., None]
    gram = train @ train.transpose(1, 2)
    cross = inputs[:, c:] @ train.transpose(1, 2)
    guesses, errors = [], []
    eye = torch.eye(c, dtype=score.dtype)
    for ridge in _RIDGES:
        inverse = torch.linalg.inv(gram + ridge * eye)
        weights = inverse @ target[..., None]
        guesses.append(center + size * (cross @ weights)[..., 0])
        left_out = weights[..., 0] / inverse.diagonal(dim1=1, dim2=2)
        mean_square = (left_out**2 * known).sum(1) / known.sum(1).clamp(min=1)
        errors.append(0.5 * (mean_square + 1e-8).log())
    return guesses, torch.stack(errors, -1)


def _row_features(
    observed: Tensor,
    score: Tensor,
    change: Tensor,
    value: Tensor,
    sign: Tensor,
    first: Tensor,
    last: Tensor,
    extent: Tensor,
) -> Tensor:
    mask = value.isfinite()
    change = torch.asinh(10 * change.nan_to_num(0.0).clamp(-1e4, 1e4))
    own_range = _nan_range(observed).nan_to_num(0.0) / extent
    step = observed.diff(dim=-1) if observed.shape[-1] > 1 else torch.zeros_like(observed)
    number = step.isfinite().sum(-1).clamp(min=1)
    rough = (step.nan_to_num(0.0).square().sum(-1) / number).sqrt() / extent
    bend = value[..., :G].diff(dim=-1).diff(dim=-1)
    bend = (bend.nan_to_num(0.0).square().sum(-1) / bend.isfinite().sum(-1).clamp(min=1)).sqrt() / extent
    recent = value[..., G - 2 : G].diff(dim=-1)[..., 0].nan_to_num(0.0) * sign / extent
    best = sign[..., None] * observed.nan_to_num(0.0)
    best = best.masked_fill(~observed.isfinite(), -torch.inf).amax(-1)
    behind = torch.where(best.isfinite(), (best - sign * last) / extent, 0.0)
    small = torch.stack(
        [
            _log(own_range),
            _log(rough),
            _log(bend),
            torch.asinh(100 * recent.clamp(-1e4, 1e4)),
            torch.asinh(10 * behind.clamp(-1e4, 1e4)),
            torch.asinh(10 * (sign * (last - first) / extent).clamp(-1e4, 1e4)),
            mask[..., :G].any(-1).to(value.dtype),
            mask[..., -1].to(value.dtype),
        ],
        -1,
    )
    return torch.cat([torch.asinh(score), change, mask.to(value.dtype), small], -1)


def _log(x: Tensor) -> Tensor:
    return (x.clamp(max=1e6) + _SMALL).log()


def _task_features(
    shape: Tensor,
    spread: Tensor,
    extent: Tensor,
    unit: Tensor,
    counts: Tensor,
    n_seen: Tensor,
    at: Tensor,
    horizon: int,
    c: int,
    errors: Tensor,
) -> Tensor:
    dtype = shape.dtype
    n, a = n_seen.to(dtype), at.to(dtype)
    whole = torch.full_like(n, float(horizon))
    time = torch.stack(
        [
            n / horizon,
            a / horizon,
            (a - n) / horizon,
            (n + 1).log(),
            a.log(),
            whole.log(),
            counts[:, -1].to(dtype).log1p() if c else torch.zeros_like(n),
            torch.full_like(n, float(c == 0)),
            (extent / unit).log()[:, 0],
        ],
        -1,
    )
    bends = shape[:, :G].diff(dim=-1, prepend=shape[:, :1])
    return torch.cat(
        [
            torch.asinh(10 * shape.nan_to_num(0.0).clamp(-1e4, 1e4)),
            (spread / extent).log(),
            torch.asinh(100 * bends.nan_to_num(0.0).clamp(-1e4, 1e4)),
            time,
            errors,
        ],
        -1,
    )
