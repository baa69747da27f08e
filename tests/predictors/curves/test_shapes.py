from __future__ import annotations

import numpy as np
import pytest

from predictors.curves.shapes import empirical_shapes, parametric_shapes

X = np.arange(1.0, 51.0)
TABLE_1 = {  # The eleven models of Domhan et al. (2015), with ordinary parameters.
    "vapor pressure": np.exp(-0.3 - 0.6 / X + 0.03 * np.log(X)),
    "pow3": 0.9 - 0.5 * X**-0.6,
    "log log linear": np.log(0.4 * np.log(X) + 1.3),
    "Hill3": 0.9 * X**1.2 / (4.0**1.2 + X**1.2),
    "log power": 0.9 / (1 + (X / np.exp(1.5)) ** -1.3),
    "pow4": 0.9 - (0.3 * X + 1.2) ** -1.5,
    "MMF": 0.9 - (0.9 - 0.1) / (1 + (0.2 * X) ** 1.4),
    "exp4": 0.9 - np.exp(-0.5 * X**0.7 + 0.1),
    "Janoschek": 0.9 - 0.6 * np.exp(-0.2 * X**0.9),
    "Weibull": 0.9 - 0.6 * np.exp(-((0.15 * X) ** 1.2)),
    "ilog2": 0.9 - 0.4 / np.log(X + 1),
}


@pytest.mark.parametrize("name", TABLE_1)
def test_every_model_of_the_paper_is_near_a_shape(name: str) -> None:
    curve = TABLE_1[name]
    phi, _ = parametric_shapes(50)
    shape = (curve - curve[-1]) / (curve[0] - curve[-1])
    assert np.abs(phi - shape).max(1).min() < 0.08


@pytest.mark.parametrize("horizon", [1, 2, 3, 12, 100, 300])
def test_shapes_are_normalised_and_distinct(horizon: int) -> None:
    phi, weights = parametric_shapes(horizon)
    assert phi.shape == (len(weights), horizon)
    assert weights.sum() == pytest.approx(1)
    assert phi[:, -1] == pytest.approx(0)
    assert set(np.round(phi[:, 0], 12)) <= {0.0, 1.0}
    assert len(np.unique(np.round(phi, 3), axis=0)) == len(phi)


def test_the_shape_of_a_schedule_is_learned() -> None:
    truth = np.concatenate([np.linspace(1, 0.8, 9), [0.0]])
    rng = np.random.default_rng(0)
    curves = rng.normal(0.9, 0.1, (20, 1)) - rng.uniform(0.2, 0.6, (20, 1)) * truth
    shapes = empirical_shapes(curves)
    assert shapes[0] == pytest.approx(truth)


def test_constant_curves_teach_no_shape() -> None:
    assert empirical_shapes(np.full((6, 10), 0.5)).shape == (0, 10)
