from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pytest

from predictors.graph import INPUT, OUTPUT, ArchGraph
from smbo_nas.spaces import CellSpace, DARTSSpace, NASBench201Space, Params, SearchSpace, SpaceError
from tests.strategies import AlternatingSpace

SPACE = CellSpace(nodes=3, ops=("none", "conv_3x3"), name="tiny")
POINT = {"edge_0_1": "conv_3x3", "edge_0_2": "none", "edge_1_2": "conv_3x3"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({**POINT, "width": "3"}, "tiny has no parameter 'width'; it has edge_0_1, edge_0_2, edge_1_2."),
        ({"edge_0_1": "none", "edge_0_2": "none"}, "tiny needs a value for parameter 'edge_1_2'."),
        (
            {**POINT, "edge_0_2": "pool"},
            "parameter 'edge_0_2' of tiny must be one of ['none', 'conv_3x3'], but got 'pool'.",
        ),
        ({**POINT, "edge_0_2": ["none"]}, "but got ['none']."),
    ],
)
def test_says_what_is_wrong_with_params(params: Params, message: str) -> None:
    assert not SPACE.is_valid(params)
    for use in (SPACE.check, SPACE.graph, SPACE.candidate, SPACE.tokens, lambda p: next(SPACE.neighbours(p))):
        with pytest.raises(SpaceError, match=re.escape(message)):
            use(params)
    with pytest.raises(SpaceError, match=re.escape(message)):
        SPACE.mutate(params, np.random.default_rng(0))
    with pytest.raises(SpaceError, match=re.escape(message)):
        SPACE.crossover(POINT, params, np.random.default_rng(0))


def test_says_why_a_combination_is_invalid() -> None:
    space = AlternatingSpace(layers=2)
    with pytest.raises(SpaceError, match=re.escape("no architecture of alternating: two neighbours are alike.")):
        space.graph({"op_0": "conv_3x3", "op_1": "conv_3x3"})


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ((0, 1), "tiny needs 3 tokens, but got 2."),
        ((0, 1, 0, 1), "tiny needs 3 tokens, but got 4."),
        ((0, 2, 0), "a token must be in [0, 2), but got 2."),
        ((0, -1, 0), "a token must be in [0, 2), but got -1."),
    ],
)
def test_says_what_is_wrong_with_tokens(tokens: tuple[int, ...], message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        SPACE.from_tokens(tokens)


def test_a_token_of_another_parameter_is_refused() -> None:
    space = AlternatingSpace(layers=2)
    with pytest.raises(SpaceError, match="two neighbours are alike"):
        space.from_tokens((1, 1))


def test_check_puts_the_parameters_in_order() -> None:
    assert list(SPACE.check(dict(reversed(POINT.items())))) == ["edge_0_1", "edge_0_2", "edge_1_2"]


def test_a_single_point_has_nothing_to_mutate() -> None:
    space = CellSpace(nodes=2, ops=("conv_3x3",))
    point = space.sample(np.random.default_rng(0))
    assert list(space.neighbours(point)) == []
    with pytest.raises(SpaceError, match=re.escape("cell has a single point: nothing to mutate.")):
        space.mutate(point, np.random.default_rng(0))


class AllAlike(SearchSpace):
    """Two valid points, which differ in both parameters."""

    name = "alike"
    choices = {"op_0": ("conv", "pool"), "op_1": ("conv", "pool")}  # type: ignore[assignment]  # noqa: RUF012

    def why_invalid(self, params: Params) -> str | None:
        return None if params["op_0"] == params["op_1"] else "the layers differ"

    def _graph(self, params: Params) -> ArchGraph:
        return ArchGraph(ops=(INPUT, *params.values(), OUTPUT), edges=((0, 1), (1, 2), (2, 3)))


def test_moves_where_no_single_change_is_valid() -> None:
    space, rng = AllAlike(), np.random.default_rng(0)
    conv, pool = space.enumerate()
    assert list(space.neighbours(conv)) == []
    assert space.mutate(conv, rng) == pool
    assert space.crossover(conv, pool, rng) in (conv, pool)


def test_a_space_without_a_valid_point_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smbo_nas.spaces.base._MAX_REJECTIONS", 50)
    space = AllAlike()
    monkeypatch.setattr(AllAlike, "why_invalid", lambda self, params: "never")
    with pytest.raises(SpaceError, match="found no valid point of alike in 50 draws"):
        space.sample(np.random.default_rng(0))
    assert list(space.enumerate()) == []


def test_a_mutation_draws_the_parameter_uniformly() -> None:
    space = NASBench201Space()
    rng = np.random.default_rng(0)
    origin = space.sample(rng)
    changed = dict.fromkeys(origin, 0)
    for _ in range(1200):
        mutant = space.mutate(origin, rng)
        changed[next(name for name in origin if mutant[name] != origin[name])] += 1
    assert all(140 < count < 260 for count in changed.values())  # 200 each, standard deviation 13


def test_points_alike_are_the_rest_of_the_class() -> None:
    members: dict[str, list[Params]] = {}
    for params in SPACE.enumerate():
        members.setdefault(SPACE.graph(params).digest, []).append(params)
    assert max(map(len, members.values())) > 1
    for points in members.values():
        for params in points:
            assert list(SPACE.alike(params)) == [point for point in points if point != params]


def test_points_alike_of_a_space_that_is_too_large_to_list_are_one_change_away() -> None:
    space = DARTSSpace()
    rng = np.random.default_rng(0)
    for params in (space.sample(rng) for _ in range(5)):
        alike = list(space.alike(params))
        expected = [p for p in space.neighbours(params) if space.graph(p).digest == space.graph(params).digest]
        assert alike == expected


def test_classes_hold_one_point_per_digest() -> None:
    classes = SPACE.classes
    digests = [SPACE.graph(params).digest for params in SPACE.enumerate()]
    assert list(classes) == list(dict.fromkeys(digests))
    assert all(candidate.graph.digest == digest for digest, candidate in classes.items())
    assert len(classes) == 4  # nothing, conv, conv after conv, and these two together


def test_candidates_without_a_skeleton_are_not_built() -> None:
    candidate = AlternatingSpace().candidate(next(AlternatingSpace().enumerate()))
    with pytest.raises(SpaceError, match="alternating does not say how its networks are stacked: set `skeleton`"):
        candidate.build(input_shape=(1, 8, 8), num_classes=10)


def test_a_users_own_cell_is_one_call() -> None:
    space = CellSpace(nodes=3, ops=["conv_3x3", "conv_5x5", "skip_connect"], edges=[(0, 1), (1, 2), (0, 2)])
    assert space.size == 27
    assert space.graph(space.sample(np.random.default_rng(0))).ops[0] == INPUT


def test_a_users_own_space_is_a_short_dataclass() -> None:
    @dataclass(frozen=True)
    class PlainNetworks(SearchSpace):
        """A few layers in a row."""

        layers: int = 2
        name = "plain"
        skeleton = "chain"

        @property
        def choices(self) -> dict[str, tuple[str, ...]]:
            return {f"op_{k}": ("conv_3x3", "max_pool_3x3", "skip_connect") for k in range(self.layers)}

        def _graph(self, params: Params) -> ArchGraph:
            ops = (INPUT, *params.values(), OUTPUT)
            return ArchGraph(ops=ops, edges=tuple((k, k + 1) for k in range(len(ops) - 1)))

    space = PlainNetworks()
    assert space == PlainNetworks(layers=2)
    assert space.size == 9
    assert len(space.classes) == 7  # skip then x is x then skip: conv, pool, nothing and the four pairs
    assert PlainNetworks(layers=4).mutate({f"op_{k}": "conv_3x3" for k in range(4)}, np.random.default_rng(0))
