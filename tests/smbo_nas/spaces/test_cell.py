from __future__ import annotations

from smbo_nas.spaces import CellSpace, NASBench201Space


def test_nasbench201_is_a_cell_of_four_nodes() -> None:
    named = NASBench201Space()
    plain = CellSpace(nodes=4, ops=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))
    assert dict(plain.choices) == dict(named.choices)
    point = dict.fromkeys(plain.choices, "nor_conv_3x3")
    assert plain.graph(point) == named.graph(point)


def test_edges_are_kept_in_order_and_once() -> None:
    space = CellSpace(nodes=4, ops=("a", "b"), edges=[(2, 3), (0, 1), (0, 2), (1, 2), (0, 1)])
    assert space.edges == ((0, 1), (0, 2), (1, 2), (2, 3))
    assert list(space.choices) == ["edge_0_1", "edge_0_2", "edge_1_2", "edge_2_3"]


def test_graph_of_a_cell_with_edges_of_its_own() -> None:
    space = CellSpace(nodes=4, ops=("a", "b", "c", "d"), edges=[(0, 1), (0, 2), (1, 2), (2, 3)])
    graph = space.graph({"edge_0_1": "a", "edge_0_2": "b", "edge_1_2": "c", "edge_2_3": "d"})
    assert graph.ops == ("input", "a", "b", "c", "d", "output")
    named = [(graph.ops[i], graph.ops[j]) for i, j in graph.edges]
    assert sorted(named) == [("a", "c"), ("b", "d"), ("c", "d"), ("d", "output"), ("input", "a"), ("input", "b")]


def test_the_smallest_cell() -> None:
    space = CellSpace(nodes=2, ops=("conv_3x3", "none"))
    graphs = [space.graph(params) for params in space.enumerate()]
    assert [graph.canonical().ops for graph in graphs] == [("input", "conv_3x3", "output"), ("input", "output")]
    assert len(space.classes) == 2


def test_what_a_node_without_input_feeds_is_dead() -> None:
    space = CellSpace(nodes=3, ops=("conv_3x3",), edges=[(0, 2), (1, 2)])
    graph = space.graph({"edge_0_2": "conv_3x3", "edge_1_2": "conv_3x3"})
    assert graph.canonical().ops == ("input", "conv_3x3", "output")
