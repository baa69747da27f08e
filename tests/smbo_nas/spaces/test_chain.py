from __future__ import annotations

from collections import defaultdict
from itertools import islice

import pytest

from predictors.graph import ArchGraph
from smbo_nas.spaces import ChainSpace


def point(space: ChainSpace, *ops: str, **skips: str) -> dict[str, str]:
    params = dict.fromkeys(space.choices, "none")
    return {**params, **{f"op_{k}": op for k, op in enumerate(ops, 1)}, **skips}


def test_size() -> None:
    # Zoph and Le 2017, sec. 3.3: any subset of the earlier layers may be skipped to; here the layer before always is
    assert ChainSpace(layers=4, ops=("a", "b"), stages=1).size == 2**4 * (1 * 2 * 4 * 8)
    assert ChainSpace().size == 7**6 * 2**15


def test_a_plain_chain() -> None:
    space = ChainSpace(layers=3, ops=("conv_3x3", "max_pool_3x3"), stages=1)
    graph = space.graph(point(space, "conv_3x3", "max_pool_3x3", "conv_3x3"))
    assert graph.ops == ("input", "conv_3x3", "max_pool_3x3", "conv_3x3", "output")
    assert graph.edges == ((0, 1), (1, 2), (2, 3), (3, 4))


def test_a_layer_adds_what_it_skips_to() -> None:
    space = ChainSpace(layers=3, ops=("conv_3x3",), stages=1)
    graph = space.graph(point(space, *["conv_3x3"] * 3, skips_2="0", skips_3="0,1"))
    assert graph.edges == ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 4))


def test_a_layer_concatenates_what_it_skips_to() -> None:
    space = ChainSpace(layers=3, ops=("conv_3x3",), stages=1, merge="concat")
    graph = space.graph(point(space, *["conv_3x3"] * 3, skips_3="1"))
    assert graph.ops == ("input", "conv_3x3", "conv_3x3", "concat", "conv_3x3", "output")
    assert graph.edges == ((0, 1), (1, 2), (1, 3), (2, 3), (3, 4), (4, 5))
    added = ChainSpace(layers=3, ops=("conv_3x3",), stages=1)
    assert graph.digest != added.graph(point(added, *["conv_3x3"] * 3, skips_3="1")).digest


def nodes(graph: ArchGraph) -> list[tuple[str, float, float]]:
    """Operation, stride and width of each node."""
    return list(zip(graph.ops, graph.attribute("stride") or (), graph.attribute("width") or (), strict=True))


def test_stages_halve_the_resolution_and_double_the_channels() -> None:
    space = ChainSpace(layers=5, ops=("conv_3x3", "skip_connect"), stages=3)
    graph = space.graph(point(space, "conv_3x3", "conv_3x3", "skip_connect", "skip_connect", "conv_3x3"))
    assert nodes(graph) == [
        ("input", 1, 1),
        ("conv_3x3", 1, 1),
        ("conv_3x3", 1, 1),
        ("factorized_reduce", 2, 2),  # a strided skip is no identity
        ("skip_connect", 1, 2),
        ("conv_3x3", 2, 4),
        ("output", 1, 4),
    ]


def test_what_comes_from_an_earlier_stage_is_projected() -> None:
    space = ChainSpace(layers=6, ops=("conv_3x3",), stages=3)
    graph = space.graph(point(space, *["conv_3x3"] * 6, skips_3="1", skips_6="1,3"))
    projected = [k for k, op in enumerate(graph.ops) if op == "factorized_reduce"]
    assert [nodes(graph)[k][1:] for k in projected] == [(4, 4), (2, 4)]  # layer 3 still reads its own stage's maps
    first, second = projected
    assert graph.predecessors()[first] == [1]
    assert graph.predecessors()[second] == [3]
    assert graph.predecessors()[second + 1] == [5, first, second]


@pytest.mark.parametrize("merge", ["add", "concat"])
def test_networks_of_equal_digest_have_equally_many_parameters(merge: str) -> None:
    space = ChainSpace(layers=4, ops=("conv_3x3", "skip_connect"), stages=2, merge=merge)
    counts: dict[str, set[int]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for params in islice(space.enumerate(), 0, None, 5):
        candidate = space.candidate(params)
        network = candidate.build(input_shape=(1, 8, 8), num_classes=2, channels=4)
        counts[candidate.graph.digest].add(sum(weight.numel() for weight in network.parameters()))
        sizes[candidate.graph.digest] += 1
    assert max(sizes.values()) > 1
    assert all(len(found) == 1 for found in counts.values())


def test_a_skip_after_a_concatenation_is_a_projection() -> None:
    space = ChainSpace(layers=3, ops=("conv_3x3", "skip_connect"), stages=1, merge="concat")
    joined = space.graph(point(space, "conv_3x3", "skip_connect", "conv_3x3", skips_2="0"))
    assert joined.ops == ("input", "conv_3x3", "concat", "factorized_reduce", "conv_3x3", "output")
    plain = space.graph(point(space, "conv_3x3", "skip_connect", "conv_3x3", skips_3="0"))
    assert plain.canonical().ops == ("input", "conv_3x3", "concat", "conv_3x3", "output")


def test_a_skip_layer_makes_the_chain_shorter() -> None:
    space = ChainSpace(layers=3, ops=("conv_3x3", "max_pool_3x3", "skip_connect"), stages=1)
    orders = [("conv_3x3", "max_pool_3x3"), ("conv_3x3", "skip_connect", "max_pool_3x3")]
    middle = space.graph(point(space, *orders[1]))
    last = space.graph(point(space, *orders[0], "skip_connect"))
    assert middle.digest == last.digest


def test_a_single_layer() -> None:
    space = ChainSpace(layers=1, ops=("conv_3x3",), stages=1)
    assert list(space.choices) == ["op_1"]
    assert space.graph({"op_1": "conv_3x3"}).ops == ("input", "conv_3x3", "output")
