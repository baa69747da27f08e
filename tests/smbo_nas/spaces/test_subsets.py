from __future__ import annotations

import pytest

from smbo_nas.spaces.subsets import parse_subset, subset_choices


def test_choices_in_order() -> None:
    assert subset_choices(0) == ("none",)
    assert subset_choices(3) == ("none", "0", "1", "2", "0,1", "0,2", "1,2", "0,1,2")


@pytest.mark.parametrize("n", range(8))
def test_every_subset_once(n: int) -> None:
    parsed = [parse_subset(choice) for choice in subset_choices(n)]
    assert len(set(parsed)) == len(parsed) == 2**n
    assert all(list(nodes) == sorted(set(nodes) & set(range(n))) for nodes in parsed)
