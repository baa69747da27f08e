"""Sets of earlier nodes as one readable categorical choice: `none`, `0`, `0,2`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import cache

NO_NODE = "none"


@cache
def subset_choices(n: int) -> tuple[str, ...]:
    """Every subset of `range(n)`: `none` first, then by size, then in order; `2 ** n` choices."""
    members = [str(k) for k in range(n)]
    return (NO_NODE, *(",".join(s) for size in range(1, n + 1) for s in itertools.combinations(members, size)))


@cache
def parse_subset(choice: str) -> tuple[int, ...]:
    """The nodes a choice of `subset_choices` stands for, ascending."""
    return () if choice == NO_NODE else tuple(int(k) for k in choice.split(","))


def as_choice(nodes: Iterable[int]) -> str:
    """Inverse of `parse_subset`; nodes in any order."""
    return ",".join(str(k) for k in sorted(nodes)) or NO_NODE
