"""What every operation of every space keeps true."""

from __future__ import annotations

import json
from itertools import islice
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings

from smbo_nas.spaces import Params, SearchSpace, SpaceError, space_from_dict
from tests.strategies import SPACES, seeds

few = settings(deadline=None, max_examples=15)
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def distance(a: Params, b: Params) -> int:
    assert list(a) == list(b)
    return sum(a[name] != b[name] for name in a)


@every_space
@given(seed=seeds)
@few
def test_a_sample_is_a_readable_valid_point(space: SearchSpace, seed: int) -> None:
    params = space.sample(np.random.default_rng(seed))
    assert space.is_valid(params)
    assert space.check(params) == params
    assert list(params) == list(space.choices)
    assert all(type(choice) is str for choice in params.values())
    assert json.loads(json.dumps(params)) == params
    assert space.sample(np.random.default_rng(seed)) == params


@every_space
def test_samples_reach_every_choice(space: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    small = {name: set(choices) for name, choices in space.choices.items() if len(choices) <= 8}
    if space.name == "nasbench101":  # an output that takes nothing is no architecture
        small.get(list(space.choices)[-1], set()).discard("none")
    seen: dict[str, set[str]] = {name: set() for name in small}
    for _ in range(200):
        params = space.sample(rng)
        for name in small:
            seen[name].add(params[name])
    assert seen == small


@every_space
@given(seed=seeds)
@few
def test_a_mutation_changes_one_parameter(space: SearchSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    params = space.sample(rng)
    before = dict(params)
    mutant = space.mutate(params, rng)
    assert params == before
    assert space.is_valid(mutant)
    assert distance(params, mutant) == 1
    assert space.mutate(params, np.random.default_rng(seed)) == space.mutate(params, np.random.default_rng(seed))


@every_space
@given(seed=seeds)
@few
def test_neighbours_are_all_single_changes(space: SearchSpace, seed: int) -> None:
    params = space.sample(np.random.default_rng(seed))
    neighbours = list(space.neighbours(params))
    changes = [{**params, name: choice} for name, choices in space.choices.items() for choice in choices]
    assert neighbours == [change for change in changes if change != params and space.is_valid(change)]
    assert len({tuple(n.values()) for n in neighbours}) == len(neighbours)
    if "nasbench101" not in space.name and space.name != "alternating":  # every combination is valid
        assert len(neighbours) == sum(len(choices) - 1 for choices in space.choices.values())
    for neighbour in islice(neighbours, seed % 7, None, 40):
        assert distance(params, neighbour) == 1
        assert params in space.neighbours(neighbour)


@every_space
@given(seed=seeds)
@few
def test_a_child_takes_each_parameter_from_a_parent(space: SearchSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = space.sample(rng), space.sample(rng)
    child = space.crossover(a, b, rng)
    assert space.is_valid(child)
    assert all(child[name] in (a[name], b[name]) for name in child)
    assert space.crossover(a, a, rng) == a


@every_space
def test_children_mix_their_parents(space: SearchSpace) -> None:
    rng = np.random.default_rng(1)
    mixed = 0
    for _ in range(100):
        a, b = space.sample(rng), space.sample(rng)
        mixed += space.crossover(a, b, rng) not in (a, b)
    assert mixed > 20


@every_space
@given(seed=seeds)
@few
def test_tokens_round_trip(space: SearchSpace, seed: int) -> None:
    params = space.sample(np.random.default_rng(seed))
    tokens = space.tokens(params)
    assert len(tokens) == len(space.choices)
    assert all(0 <= token < len(space.vocabulary) for token in tokens)
    assert [space.vocabulary[token] for token in tokens] == list(params.values())
    assert space.from_tokens(tokens) == params
    assert space.from_tokens(np.array(tokens)) == params  # type: ignore[arg-type]
    assert space.tokens(space.from_tokens(tokens)) == tokens


@every_space
@given(seed=seeds)
@few
def test_the_graph_is_valid_and_deterministic(space: SearchSpace, seed: int) -> None:
    params = space.sample(np.random.default_rng(seed))
    graph = space.graph(params)  # an ArchGraph validates itself
    assert graph == space.graph(dict(reversed(params.items())))
    assert graph == space.candidate(params).graph
    graph.require_ops(space.operations)


@every_space
def test_size_and_enumeration(space: SearchSpace) -> None:
    assert space.size == prod(len(choices) for choices in space.choices.values())
    if not space.is_enumerable:
        with pytest.raises(SpaceError, match=rf"^{space.name} has {space.size} settings, more than the \d+ that are"):
            next(space.enumerate())
        with pytest.raises(SpaceError, match="settings, more than"):
            _ = space.classes
        return
    points = list(space.enumerate())
    assert len({tuple(params.values()) for params in points}) == len(points) <= space.size
    assert (len(points) == space.size) == all(space.is_valid(dict(p)) for p in _every_combination(space))
    assert all(space.is_valid(params) for params in points[:: len(points) // 50 + 1])


def _every_combination(space: SearchSpace) -> list[Params]:
    combinations: list[Params] = [{}]
    for name, choices in space.choices.items():
        combinations = [{**params, name: choice} for params in combinations for choice in choices]
    return combinations


@every_space
def test_the_description_makes_the_space_again(space: SearchSpace) -> None:
    description = json.loads(json.dumps(space.to_dict()))
    if space.name == "alternating":
        with pytest.raises(SpaceError, match="not the description of a space of this package"):
            space_from_dict(description)
        return
    again = space_from_dict(description)
    assert type(again) is type(space)
    assert again.to_dict() == space.to_dict()
    assert dict(again.choices) == dict(space.choices)
    assert again.skeleton == space.skeleton
    params = space.sample(np.random.default_rng(0))
    assert again.graph(params) == space.graph(params)
    assert type(space).__name__ in repr(space)
