from __future__ import annotations

import numpy as np
import pytest

from smbo_nas import NASBench201Space
from smbo_nas.spaces.base import SpaceError
from smbo_nas.spaces.listed import ListedSpace

SPACE = NASBench201Space()


@pytest.fixture(scope="module")
def listed() -> ListedSpace:
    points = list({c.graph.digest: c.params for c in list(SPACE.classes.values())[::400]}.values())
    return ListedSpace(SPACE, points)


def test_the_list_is_the_space(listed: ListedSpace) -> None:
    points = list(listed.enumerate())
    assert len(points) == len(listed) == len(listed.classes) == 14
    assert [listed.place(listed.graph(params)) for params in points] == list(range(14))
    rng = np.random.default_rng(0)
    drawn = {tuple(listed.sample(rng).values()) for _ in range(200)}
    assert drawn == {tuple(params.values()) for params in points}
    assert listed.candidate(points[3]).graph == SPACE.graph(points[3])


def test_isomorphic_points_are_listed_too_and_others_are_not(listed: ListedSpace) -> None:
    digests = set(listed.classes)
    valid = [params for params in SPACE.enumerate() if listed.is_valid(params)]
    assert {SPACE.graph(params).digest for params in valid} == digests
    assert len(valid) > len(listed)
    other = next(params for params in SPACE.enumerate() if SPACE.graph(params).digest not in digests)
    with pytest.raises(SpaceError, match="not among the 14 that are listed"):
        listed.check(other)


def test_the_nearest_is_itself_or_differs_least(listed: ListedSpace) -> None:
    points = [tuple(params.values()) for params in listed.enumerate()]
    rng = np.random.default_rng(1)
    for _ in range(50):
        params = SPACE.sample(rng)
        found = listed.nearest(params)
        place = listed.place(SPACE.graph(params))
        if place is not None:
            assert found == place
        else:
            distances = [sum(a != b for a, b in zip(point, params.values(), strict=True)) for point in points]
            assert distances[found] == min(distances)


def test_bad_lists() -> None:
    with pytest.raises(SpaceError, match="at least one"):
        ListedSpace(SPACE, [])
    point = SPACE.sample(np.random.default_rng(0))
    with pytest.raises(SpaceError, match="isomorphic"):
        ListedSpace(SPACE, [point, point])
