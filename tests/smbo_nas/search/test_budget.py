from __future__ import annotations

import multiprocessing

import pytest

from smbo_nas.search.pool import SharedBudget
from smbo_nas.search.worker import Budget, LocalBudget


def budget_of(kind: str, left: int) -> Budget:
    return LocalBudget(left) if kind == "local" else SharedBudget(multiprocessing.get_context("spawn").Value("i", left))


@pytest.mark.parametrize("kind", ["local", "shared"])
def test_what_is_given_back_can_be_taken_whoever_asked_in_vain_before(kind: str) -> None:
    budget = budget_of(kind, 2)
    assert [budget.claim() for _ in range(4)] == [True, True, False, False]
    budget.give_back()
    assert [budget.claim() for _ in range(2)] == [True, False]


@pytest.mark.parametrize("kind", ["local", "shared"])
def test_where_there_is_more_than_enough_what_is_given_back_begins_nothing(kind: str) -> None:
    budget = budget_of(kind, -1)
    budget.give_back()
    assert not budget.claim()
