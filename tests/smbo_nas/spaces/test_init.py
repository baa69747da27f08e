from __future__ import annotations

import re
from typing import Any

import pytest

from smbo_nas.spaces import (
    SPACES,
    CellSpace,
    ChainSpace,
    DARTSSpace,
    NASBench101Space,
    NASBench201Space,
    PNASSpace,
    SpaceError,
    get_space,
    space_from_dict,
)

MY_SPACE = CellSpace(nodes=3, ops=("conv_3x3", "skip_connect"), name="mine")
NOT_A_SPACE = 3


def make_space() -> CellSpace:
    return MY_SPACE


def make_nothing() -> None:
    return None


def make_badly() -> CellSpace:
    return CellSpace(nodes=1, ops=("conv_3x3",))


@pytest.mark.parametrize("name", SPACES)
def test_get_space_by_name(name: str) -> None:
    space = get_space(name)
    assert type(space) is SPACES[name]
    assert space.name == name
    assert space.skeleton is not None


@pytest.mark.parametrize("attribute", ["MY_SPACE", "make_space"])
def test_get_space_of_the_user(attribute: str) -> None:
    assert get_space(f"{__name__}:{attribute}") is MY_SPACE


def test_get_space_by_class() -> None:
    assert type(get_space("smbo_nas.spaces:DARTSSpace")) is DARTSSpace


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "nasbench",
            f"unknown space 'nasbench'; it must be one of {', '.join(SPACES)} or `module:attribute`.",
        ),
        ("no_such_module:space", "cannot load the space 'no_such_module:space': No module named 'no_such_module'."),
        (f"{__name__}:no_such", "cannot load the space"),
        (":space", "cannot load the space ':space'"),
        (".relative:space", "cannot load the space '.relative:space'"),
        ("smbo_nas.spaces:CellSpace", "cannot load the space 'smbo_nas.spaces:CellSpace'"),
        (f"{__name__}:make_badly", "`nodes` must be at least 2, but got 1."),
        (f"{__name__}:NOT_A_SPACE", "must be or make a SearchSpace, but is a int."),
        (f"{__name__}:make_nothing", "must be or make a SearchSpace, but is a function."),
    ],
)
def test_get_space_says_what_is_wrong(spec: str, message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        get_space(spec)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"name": "nasbench201", "nodes": 4},
        {"name": "darts", "layers": 3},
        {"name": "mine"},
        {"name": "mine", "nodes": 3, "edges": [[0, 2]]},
        {"name": "mine", "nodes": 3, "ops": ["conv_3x3"], "edges": [[0, 2]], "width": 3},
    ],
)
def test_space_from_dict_refuses(data: dict[str, Any]) -> None:
    with pytest.raises(SpaceError, match="not the description of a space"):
        space_from_dict(data)


def test_space_from_dict_checks_the_arguments() -> None:
    with pytest.raises(SpaceError, match=re.escape("`blocks` must be at least 1, but got 0.")):
        space_from_dict({"name": "pnas", "blocks": 0})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CellSpace(nodes=1, ops=["a"]), "`nodes` must be at least 2, but got 1."),
        (lambda: CellSpace(nodes=3, ops=[]), "`ops` must be distinct operation names, at least one, but got []."),
        (
            lambda: CellSpace(nodes=3, ops="conv"),
            "`ops` must be distinct operation names, at least one, but got 'conv'.",
        ),
        (lambda: CellSpace(nodes=3, ops=["a", "a"]), "`ops` must be distinct operation names"),
        (
            lambda: CellSpace(nodes=3, ops=["a"], edges=[(0, 3)]),
            "an edge must be (i, j) with 0 <= i < j < 3, but got (0",
        ),
        (
            lambda: CellSpace(nodes=3, ops=["a"], edges=[(1, 0)]),
            "an edge must be (i, j) with 0 <= i < j < 3, but got (1",
        ),
        (lambda: CellSpace(nodes=3, ops=["a"], edges=[]), "`edges` must lead from node 0 to node 2, but got []."),
        (lambda: CellSpace(nodes=3, ops=["a"], edges=[(0, 1)]), "`edges` must lead from node 0 to node 2, but got [(0"),
        (lambda: NASBench101Space(vertices=1), "`vertices` must be at least 2, but got 1."),
        (lambda: NASBench101Space(max_edges=0), "`max_edges` must be at least 1, but got 0."),
        (lambda: DARTSSpace(nodes=0), "`nodes` must be at least 1, but got 0."),
        (lambda: PNASSpace(blocks=0), "`blocks` must be at least 1, but got 0."),
        (lambda: PNASSpace(ops=()), "`ops` must be distinct operation names"),
        (lambda: PNASSpace(combine=()), "`combine` must be a selection of 'add' and 'concat', but got ()."),
        (lambda: PNASSpace(combine="add"), "`combine` must be a selection of 'add' and 'concat', but got 'add'."),
        (lambda: PNASSpace(combine=("mul",)), "`combine` must be a selection of 'add' and 'concat'"),
        (lambda: PNASSpace(combine=("add", "add")), "`combine` must be a selection of 'add' and 'concat'"),
        (lambda: ChainSpace(layers=0), "`layers` must be at least 1, but got 0."),
        (lambda: ChainSpace(ops=("a", "a")), "`ops` must be distinct operation names"),
        (lambda: ChainSpace(merge="mul"), "`merge` must be 'add' or 'concat', but got 'mul'."),
        (lambda: ChainSpace(layers=3, stages=4), "`stages` must be from 1 to 3 (`layers`), but got 4."),
        (lambda: ChainSpace(stages=0), "`stages` must be from 1 to 6 (`layers`), but got 0."),
        (lambda: NASBench201Space().check({}), "nasbench201 needs a value for parameter 'edge_0_1'."),
    ],
)
def test_says_what_is_wrong_with_arguments(make: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        make()
