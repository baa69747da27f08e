from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("merge", ["add", "concat"])
def test_stages_halve_the_resolution_and_double_the_channels(merge: str) -> None:
    space = ChainSpace(layers=4, ops=("conv_3x3", "skip_connect"), stages=2, merge=merge)
    graph = space.graph(point(space, "conv_3x3", "conv_3x3", "skip_connect", "skip_connect", skips_4="2"))
    at = {op: k for k, op in enumerate(graph.ops)}
    stride, width = graph.attribute("stride"), graph.attribute("width")
    assert stride is not None
    assert width is not None
    assert graph.ops.count("factorized_reduce") == 1  # the strided skip is no identity
    assert [stride[at[op]] for op in ("input", "conv_3x3", "factorized_reduce", "skip_connect")] == [1, 1, 2, 1]
    assert [width[at[op]] for op in ("input", "conv_3x3", "factorized_reduce", "skip_connect")] == [1, 1, 2, 2]
    assert sum(stride) == graph.n_nodes + 1
    assert width[-1] == 2
    assert ("concat" in at) == (merge == "concat")


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
