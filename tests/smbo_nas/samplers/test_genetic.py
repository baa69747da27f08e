from __future__ import annotations

import numpy as np
import pytest

from smbo_nas.samplers import GeneticSampler
from smbo_nas.samplers.genetic import roulette
from smbo_nas.samplers.history import Outcome
from tests.smbo_nas.samplers.strategies import SPACE, run, threes


def outcomes(*values: float) -> list[Outcome]:
    return [Outcome(number=k, params={}, digest="", value=value) for k, value in enumerate(values)]


def test_shares_are_what_exceeds_the_worst() -> None:
    assert roulette(outcomes(1.0, 2.0, 4.0)) == pytest.approx([0.0, 0.25, 0.75])
    assert roulette(outcomes(3.0, 3.0)) == pytest.approx([0.5, 0.5])
    assert roulette(outcomes(1.0, 2.0, float("inf"))) == pytest.approx([0.0, 0.5, 0.5])


def test_generations_get_better() -> None:
    study = run(SPACE, GeneticSampler(SPACE, population_size=10, flip=0.2, seed=0), 80)
    values = [threes(t.params) for t in study.trials]
    assert np.mean(values[-20:]) > np.mean(values[:10]) + 1


@pytest.mark.parametrize(
    ("argument", "value"),
    [("population_size", 1), ("crossover", 1.1), ("exchange", 0.0), ("mutation", 0.0), ("flip", 0.0)],
)
def test_bad_arguments_are_refused(argument: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{argument}` must be .* but got {value}"):
        GeneticSampler(SPACE, **{argument: value})
