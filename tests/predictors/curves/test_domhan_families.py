"""The families against what Table 1 of Domhan et al. says, written down once more, one step and one curve at a time."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from predictors.curves.domhan_families import FAMILIES, N_PARAMETERS, family_values
from predictors.curves.domhan_model import N_DIMENSIONS, CurveCombination

TABLE_1 = {
    "vapor pressure": lambda x, a, b, c: exp(a + b / x + c * log(x)),
    "pow3": lambda x, c, a, alpha: c - a * x**-alpha,
    "log log linear": lambda x, a, b: log(a * log(x) + b),
    "Hill3": lambda x, y_max, eta, kappa: y_max * x**eta / (kappa**eta + x**eta),
    "log power": lambda x, a, b, c: a / (1 + (x / exp(b)) ** c),
    "pow4": lambda x, c, a, b, alpha: c - (a * x + b) ** -alpha,
    "MMF": lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) / (1 + (kappa * x) ** delta),
    "exp4": lambda x, c, a, b, alpha: c - exp(-a * x**alpha + b),
    "Janoschek": lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) * exp(-kappa * x**delta),
    "Weibull": lambda x, alpha, beta, kappa, delta: alpha - (alpha - beta) * exp(-((kappa * x) ** delta)),
    "ilog2": lambda x, c, a: c - a / log(x + 1),
}


@pytest.mark.parametrize("family", TABLE_1)
def test_a_family_is_that_of_the_paper(family: str) -> None:
    model = CurveCombination(30)
    theta = model.parameters(np.random.default_rng(0).standard_normal((20, N_DIMENSIONS)))
    x = np.array([1.0, 2.0, 7.0, 30.0])
    found = family_values(theta, x)[:, list(FAMILIES).index(family)]
    first = sum(len(names) for names in list(FAMILIES.values())[: list(FAMILIES).index(family)])
    own = theta[:, first : first + len(FAMILIES[family])]
    expected = [[TABLE_1[family](step, *row) for step in x] for row in own]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("horizon", [1, 2, 30, 3000])
def test_values_are_finite_wherever_the_prior_reaches(horizon: int) -> None:
    z = np.random.default_rng(1).standard_normal((500, N_DIMENSIONS))
    z[:100] = 8.0 * np.sign(z[:100])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        values = CurveCombination(horizon).values(z, np.unique(np.linspace(1, horizon, 50).round()))
    assert np.isfinite(values).all()


def test_weights_are_uniform_on_the_simplex_and_the_noise_log_uniform() -> None:
    """The moments of the flat Dirichlet distribution: 1 / K, and 2 / (K (K + 1)) of the square."""
    model, z = CurveCombination(30), np.random.default_rng(2).standard_normal((20_000, N_DIMENSIONS))
    weights = model.weights(z)
    assert (weights > 0).all()
    assert weights.sum(1) == pytest.approx(1)
    assert weights.mean(0) == pytest.approx(1 / 11, rel=0.03)
    assert (weights**2).mean(0) == pytest.approx(2 / 132, rel=0.08)
    assert np.median(model.sigma(z)) == pytest.approx((1e-3 * 0.3) ** 0.5, rel=0.1)
    assert N_PARAMETERS == 36
