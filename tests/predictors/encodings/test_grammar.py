from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.encodings.grammar import Place, TokenGrammar
from predictors.encodings.tokens import END, TokenEncoder
from predictors.graph import ArchGraph
from tests.predictors.architecture.graphs import EDGES, OPS, cell, random_cells
from tests.strategies import SPACES, arch_graphs, seeds


@given(st.lists(arch_graphs(), min_size=1, max_size=5), seeds)
@settings(max_examples=100, deadline=None)
def test_whatever_is_drawn_reads_back_as_a_graph(graphs: list[ArchGraph], seed: int) -> None:
    graphs = [graph for graph in graphs if dict(graph.attributes).keys() == dict(graphs[0].attributes).keys()]
    encoder = TokenEncoder().fit(graphs)
    grammar = TokenGrammar(encoder).fit(graphs)
    rng = np.random.default_rng(seed)
    for _ in range(5):
        tokens = grammar.sample(rng)
        assert encoder.encode(encoder.decode(tokens)) == tokens


@pytest.mark.parametrize("name", SPACES)
def test_each_graph_of_fit_is_of_the_layout(name: str) -> None:
    rng = np.random.default_rng(0)
    graphs = [SPACES[name].graph(SPACES[name].sample(rng)) for _ in range(20)]
    encoder = TokenEncoder().fit(graphs)
    grammar = TokenGrammar(encoder).fit(graphs)
    for graph in graphs:
        place = Place()
        for token in encoder.encode(graph):
            assert token in grammar.allowed(place)
            place = grammar.advance(place, token)
        assert token == END


def test_where_all_have_the_same_edges_so_has_what_is_drawn() -> None:
    graphs = random_cells(30)
    encoder = TokenEncoder().fit(graphs)
    grammar = TokenGrammar(encoder).fit(graphs)
    rng = np.random.default_rng(0)
    drawn = [encoder.decode(grammar.sample(rng)) for _ in range(300)]
    assert {graph.edges for graph in drawn} == {EDGES}
    assert len(set(drawn) - set(graphs)) > 200
    assert {graph.ops[3] for graph in drawn} == set(OPS)


def test_an_operation_stays_where_it_was_seen() -> None:
    graphs = [cell(*["nor_conv_3x3"] * 6), cell("none", *["nor_conv_3x3"] * 5)]
    encoder = TokenEncoder().fit(graphs)
    grammar = TokenGrammar(encoder).fit(graphs)
    rng = np.random.default_rng(0)
    assert {encoder.decode(grammar.sample(rng)) for _ in range(20)} == set(graphs)


def test_inputs_are_not_taken_twice_where_none_was() -> None:
    def pair(i: int, j: int) -> ArchGraph:
        ops = ("input_0", "input_1", "input_2", "conv", "output")
        return ArchGraph(ops=ops, edges=((i, 3), (j, 3), (3, 4)))

    rng = np.random.default_rng(0)
    graphs = [pair(0, 1), pair(1, 2)]
    encoder = TokenEncoder().fit([*graphs, pair(0, 0)])
    grammar = TokenGrammar(encoder).fit(graphs)
    assert {encoder.decode(grammar.sample(rng)) for _ in range(50)} == {pair(0, 1), pair(0, 2), pair(1, 2)}
    grammar.fit([*graphs, pair(0, 0)])
    assert pair(1, 1) in {encoder.decode(grammar.sample(rng)) for _ in range(50)}
