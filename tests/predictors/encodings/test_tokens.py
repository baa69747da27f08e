from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.encodings.tokens import END, TokenEncoder
from predictors.graph import ArchGraph, GraphError
from tests.predictors.architecture.graphs import cell, random_cells
from tests.strategies import SPACES, arch_graphs

CHAIN = ArchGraph(ops=("input", "conv", "conv", "output"), edges=((0, 1), (1, 2), (0, 3), (2, 3), (2, 3)))


@given(arch_graphs(), arch_graphs())
@settings(max_examples=150, deadline=None)
def test_any_graph_can_be_read_again(graph: ArchGraph, other: ArchGraph) -> None:
    graphs = [graph, other] if dict(graph.attributes).keys() == dict(other.attributes).keys() else [graph]
    encoder = TokenEncoder().fit(graphs)
    batch = encoder.transform(graphs)
    for row, length, written in zip(batch.tokens.tolist(), batch.lengths.tolist(), graphs, strict=True):
        assert encoder.decode(row) == encoder.decode(row[: length - 1]) == written
        assert row[length - 1 :] == [END] * (len(row) - length + 1)
        assert max(row) < encoder.n_tokens


@given(arch_graphs())
@settings(max_examples=100, deadline=None)
def test_graphs_larger_than_those_of_fit_are_written_without_loss(graph: ArchGraph) -> None:
    small = ArchGraph(
        ops=("input", "output"), edges=(), attributes=[(name, (1.0, 2.0)) for name, _ in graph.attributes]
    )
    encoder = TokenEncoder(graph.ops).fit([small])
    assert encoder.decode(encoder.encode(graph)) == graph


@pytest.mark.parametrize("name", SPACES)
def test_every_space_can_be_read_again(name: str) -> None:
    rng = np.random.default_rng(0)
    graphs = [SPACES[name].graph(SPACES[name].sample(rng)) for _ in range(30)]
    encoder = TokenEncoder().fit(graphs)
    assert [encoder.decode(row) for row in encoder.transform(graphs).tokens.tolist()] == graphs


def test_the_tokens_of_a_chain() -> None:
    encoder = TokenEncoder().fit([CHAIN])
    assert encoder.ops_ == ("conv", "input", "output")
    (conv, inp, out), from_input, one_back = (1, 2, 3), 4, 5
    assert encoder.encode(CHAIN) == [inp, conv, from_input, conv, one_back, out, from_input, one_back, one_back, END]
    assert encoder.n_tokens == 6


def test_what_follows_a_block_reads_the_same_wherever_it_is() -> None:
    def chain(n: int) -> ArchGraph:
        return ArchGraph(ops=("input", *["conv"] * n, "output"), edges=tuple((k, k + 1) for k in range(n + 1)))

    encoder = TokenEncoder().fit([chain(2)])
    assert max(encoder.encode(chain(9))) < encoder.n_tokens


def test_another_value_of_an_attribute_becomes_the_nearest() -> None:
    def wide(*width: float) -> ArchGraph:
        return ArchGraph(ops=("input", "conv", "output"), edges=((0, 1), (1, 2)), attributes=(("width", width),))

    encoder = TokenEncoder().fit([wide(1, 4, 8)])
    assert encoder.decode(encoder.encode(wide(-3, 5, 99))) == wide(1, 4, 8)
    with pytest.raises(GraphError, match=r"must have the attributes \['width'\], but one has \[\]"):
        encoder.encode(ArchGraph(ops=("input", "output"), edges=()))


def test_what_fit_has_not_seen_is_named() -> None:
    encoder = TokenEncoder().fit([CHAIN])
    with pytest.raises(GraphError, match=r"unknown operation 'nor_conv_3x3'; .* conv, input, output"):
        encoder.transform([cell(*["nor_conv_3x3"] * 6)])
    with pytest.raises(GraphError, match="at least one graph"):
        TokenEncoder().fit([])


BAD = [
    ([], "first node"),
    ([END], "first node"),
    ([4, 2, 3], "token 4 at place 0 is no operation"),
    ([2, 1, -1], "token -1 at place 2"),
    ([2, 1, 4, 1, 5, 3, 6], "token 5 of node 2 refers to an input that its cell does not have"),
    ([2, 1, 7, 3, 6], "token 7 of node 1 refers to a node that is not in its cell"),
    ([2, 3, END, 3], "tokens follow the end at place 2"),
    ([2, 3, 3], "the first node in cell 1 must be an input"),
    ([2, 2, 4, 3], "enters an input"),
    ([2, 1], "must be 'output'"),
]


@pytest.mark.parametrize(("tokens", "message"), BAD)
def test_what_is_no_graph_is_refused(tokens: list[int], message: str) -> None:
    two_inputs = ArchGraph(ops=("input", "input", "output"), edges=())
    encoder = TokenEncoder().fit([CHAIN, two_inputs])
    with pytest.raises(GraphError, match=message):
        encoder.decode(tokens)


@given(st.lists(st.integers(-1, 12), max_size=20))
@settings(max_examples=300, deadline=None)
def test_decoding_gives_a_graph_or_says_why_not(tokens: list[int]) -> None:
    encoder = TokenEncoder().fit([CHAIN])
    try:
        graph = encoder.decode(tokens)
    except GraphError:
        return
    assert encoder.decode(encoder.encode(graph)) == graph


def test_a_batch_can_be_cut() -> None:
    encoder = TokenEncoder().fit([CHAIN, *random_cells(3)])
    batch = encoder.transform([CHAIN, *random_cells(3)])
    assert batch[:1].tokens.tolist() == [encoder.encode(CHAIN)]
    assert len(batch[batch.lengths > 10]) == 3
    assert len(encoder.transform([])) == 0
