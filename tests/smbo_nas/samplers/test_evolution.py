from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from smbo_nas.samplers import RegularizedEvolutionSampler
from smbo_nas.spaces import DARTSSpace
from tests.smbo_nas.samplers.strategies import SPACE, run

WIDE = DARTSSpace()


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
    return sum(a[name] != b[name] for name in b)


def test_children_are_one_change_from_the_best_of_the_youngest() -> None:
    """With as many competing as live, the parent is the best of the last five: the oldest die, however good."""
    values = iter(np.random.default_rng(0).normal(size=20))
    sampler = RegularizedEvolutionSampler(WIDE, population_size=5, sample_size=5, seed=0)
    study = run(WIDE, sampler, 20, lambda _: next(values))
    parents = [max(study.trials[k - 5 : k], key=lambda t: t.value or 0.0) for k in range(5, 20)]
    assert [differences(t.params, p.params) for t, p in zip(study.trials[5:], parents, strict=True)] == [1] * 15
    assert any(p.number != max(study.trials[:k], key=lambda t: t.value or 0.0).number for k, p in enumerate(parents, 5))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [((0, 1), "`population_size` must be at least 1"), ((4, 5), "`sample_size` must be from 1 to 4")],
)
def test_sizes_out_of_range_are_refused(sizes: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RegularizedEvolutionSampler(SPACE, population_size=sizes[0], sample_size=sizes[1])
