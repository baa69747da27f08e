from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from predictors.curves.pfn import WEIGHTS, PFNCurvePredictor
from tests.predictors.curves.synthetic import cosine, saturating

H = 20


def curves(n_curves: int = 30, generate=saturating, seed: int = 0) -> np.ndarray:
    return generate(np.random.default_rng(seed), n_curves, H)


def none() -> np.ndarray:
    return np.empty((0, H))


def check(distribution, n_curves: int) -> None:
    assert len(distribution.loc) == n_curves
    for part in (distribution.weights, distribution.loc, distribution.scale, distribution.dof):
        assert np.isfinite(part).all()
    assert distribution.weights.sum(1) == pytest.approx(1.0)
    assert (distribution.scale >= 0).all()
    assert (distribution.dof > 2).all()


@pytest.mark.parametrize("generate", [saturating, cosine])
@pytest.mark.parametrize("n_finished", [1, 5, 30])
def test_beats_the_last_value_and_covers_what_comes(generate, n_finished: int) -> None:
    ranks, errors, last = [], [], []
    for seed in range(3):
        table = curves(n_finished + 80, generate, seed)
        model = PFNCurvePredictor().fit(table[:n_finished])
        for n_seen in (3, 6, 12):
            begun, final = table[n_finished:, :n_seen], table[n_finished:, -1]
            distribution = model.predictive(begun)
            check(distribution, 80)
            ranks.append(distribution.cdf(final))
            errors.append(np.abs(distribution.mean() - final).mean())
            last.append(np.abs(begun[:, -1] - final).mean())
    assert np.mean(np.abs(np.concatenate(ranks) - 0.5) < 0.4) == pytest.approx(
        0.8, abs=0.2 if n_finished == 1 else 0.12
    )
    assert np.mean(errors) < 0.6 * np.mean(last)


def test_learns_from_finished_curves_in_context() -> None:
    table = curves(200, cosine)
    begun, final = table[100:, :6], table[100:, -1]
    error = {n: np.abs(PFNCurvePredictor(H).fit(table[:n]).predict(begun) - final).mean() for n in (0, 40)}
    assert error[40] < 0.5 * error[0]


def test_a_schedules_jump_is_known_from_finished_curves() -> None:
    rng = np.random.default_rng(0)
    jump = np.where(np.arange(H) >= 16, 0.2, 0.0)
    table = rng.uniform(0.4, 0.6, (40, 1)) + 0.1 * (1 - np.exp(-np.arange(H) / 4)) + jump
    table += 0.003 * rng.standard_normal(table.shape)
    mean = PFNCurvePredictor().fit(table[:20]).predict(table[20:, :12])
    assert np.abs(mean - table[20:, -1]).mean() < 0.02


@pytest.mark.parametrize("finished", [none(), curves(1), curves(20)], ids=["none", "one", "twenty"])
@pytest.mark.parametrize("scale", [1.0, 1e12, 1e-9, -1.0, -37.0])
def test_predictions_follow_units_and_direction(finished, scale: float) -> None:
    begun = curves(8, seed=1)[:, :7]
    begun[0, 2:4] = np.nan
    begun[1] = np.nan
    begun[1, 3] = 0.4
    begun[2] = 0.5
    shift = 3.0 * scale
    base = PFNCurvePredictor(H).fit(finished)
    other = PFNCurvePredictor(H).fit(shift + scale * finished)
    begun_too = begun if len(finished) else begun[[0, 3, 4, 5, 6, 7]]
    mean, std = base.predict(begun_too, return_std=True)
    mean_other, std_other = other.predict(shift + scale * begun_too, return_std=True)
    assert (mean_other - shift) / scale == pytest.approx(mean, abs=1e-3)
    assert std_other / abs(scale) == pytest.approx(std, rel=1e-2)


@pytest.mark.parametrize("n_finished", [0, 1, 2, 12])
def test_any_curve_has_a_valid_predictive(n_finished: int) -> None:
    table = curves(n_finished + 12)
    finished, begun = table[:n_finished], table[n_finished:, :9]
    if n_finished > 2:
        finished[0, 5:] = np.inf
        finished[1] = 1e30
        finished[2, ::2] = np.nan
    begun[0] = np.nan
    begun[1, 1:] = np.nan
    begun[2] = 7.0
    begun[3] = begun[3, ::-1]
    begun[4] = -1e12 * begun[4]
    begun[5, 4:] = 1e90
    begun[6, ::2] = np.nan
    begun[7] = 0.0
    begun[8] *= 1e-12
    begun[9, 4:] = np.inf
    begun[10, 5] = -1e60
    model = PFNCurvePredictor(H).fit(finished)
    for at in (None, 12, 5, 1):
        check(model.predictive(begun, at=at), 12)
        check(model.predictive(begun, at=at, prior=(0.8, 0.05)), 12)


@pytest.mark.parametrize("n_finished", [0, 10])
def test_what_comes_later_is_not_read(n_finished: int) -> None:
    table = curves(n_finished + 5)
    model = PFNCurvePredictor(H).fit(table[:n_finished])
    short = table[n_finished:].copy()
    short[:, 9] = np.nan
    long = short.copy()
    short[:, 9:] = np.nan
    long[:, 10:] *= -3
    assert model.predict(long, at=10) == pytest.approx(model.predict(short, at=10), rel=1e-12)


def test_intervals_hold_after_noise_that_says_nothing_of_the_noise_to_come() -> None:
    """One stretch for all lengths cannot do this: the first half is noise, on the rest it fades."""
    rng = np.random.default_rng(0)
    left = 1 - np.arange(1, 17) / 16
    table = rng.normal(size=(340, 1)) - 3 * left**2 + 0.1 * left * rng.normal(size=(340, 16))
    table[:, :8] = 0.3 * rng.normal(size=(340, 8)) - 3
    model = PFNCurvePredictor().fit(table[:40])
    inside = [np.mean(np.abs(model.predictive(table[40:, :n]).cdf(table[40:, -1]) - 0.5) < 0.4) for n in (6, 13, 15)]
    assert inside == pytest.approx([0.8] * 3, abs=0.13)


def towards(begin: float, end: float, speed: float) -> np.ndarray:
    """A curve of 51 steps."""
    return end + (begin - end) * np.exp(-speed * np.arange(51))


def test_a_few_finished_curves_most_of_which_diverged_do_not_turn_the_others_around() -> None:
    diverged = [np.where(np.arange(51) > n, -4.9, -2.4) for n in (0, 1, 2)]
    finished = np.stack([*diverged, towards(-2.45, -2.3, 0.1), towards(-2.45, -1.5, 0.05)])
    begun = np.stack([towards(-3.4, -0.7, speed)[:6] + np.linspace(0.0, 0.05, 6) for speed in (2.0, 3.0, 4.0)])
    median, _ = PFNCurvePredictor().fit(finished).predictive(begun).bulk()
    assert (np.abs(median - begun[:, -1]) < 0.5).all()


def test_a_study_in_which_curves_say_most_by_themselves_reads_them_so() -> None:
    """Each curve stays where it jumped to, at once and exactly, and nothing is like anything else."""
    levels = np.exp(np.random.default_rng(0).normal(size=40) * 2)
    table = np.column_stack([np.zeros(40), *[levels] * (H - 1)])
    model = PFNCurvePredictor().fit(table[:10])
    assert 0 < model._alone <= 0.1
    assert PFNCurvePredictor().fit(curves(30))._alone < model._alone
    found, final = model.predictive(table[10:, :6]), table[10:, -1]
    alone = PFNCurvePredictor(H).fit(none()).predictive(table[10:, :6])
    assert (found.log_density(final) > alone.log_density(final) + np.log(model._alone) - 1e-6).all()


def test_an_observed_value_is_its_own_prediction() -> None:
    table = curves()
    mean, std = PFNCurvePredictor().fit(table[:10]).predict(table[10:], at=4, return_std=True, prior=(0.3, 0.01))
    assert mean == pytest.approx(table[10:, 3], rel=1e-12)
    assert std == pytest.approx(np.zeros(20), abs=1e-12)


@pytest.mark.parametrize("n_finished", [0, 10])
def test_curves_do_not_tell_each_other_anything(n_finished: int) -> None:
    table = curves(n_finished + 6)
    model = PFNCurvePredictor(H).fit(table[:n_finished])
    begun = table[n_finished:, :8]
    alone = np.concatenate([model.predict(row[None]) for row in begun])
    assert model.predict(begun) == pytest.approx(alone, rel=1e-5)
    assert (model.predict(begun) == model.predict(begun)).all()


def test_a_prior_moves_what_the_curve_leaves_open() -> None:
    table = curves(40)
    model = PFNCurvePredictor().fit(table[:20])
    early, late, known = table[20:, :2], table[20:, :18], (table[20:, -1] + 0.02, 0.02)
    moved = [np.abs(model.predict(x, prior=known) - model.predict(x)).mean() for x in (early, late)]
    assert moved[0] > 3 * moved[1]
    unseen = PFNCurvePredictor(H).fit(none()).predict(np.full((1, 3), np.nan), prior=(0.7, 0.01))
    assert unseen == pytest.approx([0.7])


def test_more_finished_curves_than_it_reads_are_thinned() -> None:
    table = curves(120)
    model = PFNCurvePredictor(max_curves=10).fit(table[:100])
    assert model.n_curves_ == 100
    assert np.abs(model.predict(table[100:, :15]) - table[100:, -1]).mean() < 0.02


def test_bad_input_is_refused() -> None:
    model = PFNCurvePredictor()
    with pytest.raises(NotFittedError):
        model.predict(curves())
    with pytest.raises(ValueError, match="`horizon` must be at least 1"):
        PFNCurvePredictor(0).fit(none())
    with pytest.raises(ValueError, match="`max_curves` must be at least 1"):
        PFNCurvePredictor(max_curves=0).fit(curves())
    with pytest.raises(ValueError, match="at most 10 steps"):
        PFNCurvePredictor(10).fit(curves())
    model.fit(curves())
    with pytest.raises(ValueError, match="at most 20 steps, the horizon, but got 21"):
        model.predict(np.zeros((1, H + 1)))
    with pytest.raises(ValueError, match="`prior` must be"):
        model.predict(curves(), prior=(0.5, 0.0))
    assert clone(model).get_params() == model.get_params()


def test_bad_weights_are_refused(tmp_path) -> None:
    path = tmp_path / "weights.safetensors"

    def fit() -> None:
        PFNCurvePredictor(H, weights=path).fit(none())

    with pytest.raises(FileNotFoundError):
        fit()
    content = WEIGHTS.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        fit()
    weights = safetensors.torch.load(content)
    safetensors.torch.save_file(weights, path)
    with pytest.raises(ValueError, match="must have the format"):
        fit()
    with safetensors.safe_open(WEIGHTS, "pt") as file:
        about = file.metadata()
    fewer = {name: tensor for name, tensor in weights.items() if name != "head.bias"}
    safetensors.torch.save_file(fewer, path, about)
    with pytest.raises(ValueError, match="must be those of a curve network"):
        fit()
    safetensors.torch.save_file({**weights, "head.bias": weights["head.bias"][:3].clone()}, path, about)
    with pytest.raises(ValueError, match="must be those of a curve network"):
        fit()
    safetensors.torch.save_file({**weights, "head.bias": weights["head.bias"] * np.nan}, path, about)
    with pytest.raises(ValueError, match="must be finite"):
        fit()


def test_the_shipped_weights_say_how_they_were_made() -> None:
    assert WEIGHTS.stat().st_size < 8e6
    with safetensors.safe_open(WEIGHTS, "pt") as file:
        made = json.loads(file.metadata()["made"])
    assert made.keys() >= {"command", "seed", "steps", "seconds"}


def test_no_curve_at_all_and_none_that_reaches_the_horizon() -> None:
    short = np.linspace([0.1, 0.2, 0.3], [0.6, 0.7, 0.9], 8).T
    predictor = PFNCurvePredictor(horizon=12).fit(short)
    assert np.isfinite(predictor.predict(short)).all()
    assert predictor.predict(np.empty((0, 8))).shape == (0,)
