from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from predictors.graph import ArchGraph, is_input
from smbo_nas.report.diagram import cell_titles, describe_cell, draw_cells, draw_graph
from tests.smbo_nas.report import graphs

SVG = "{http://www.w3.org/2000/svg}"


def nodes_of(svg: str) -> dict[int, ET.Element]:
    found = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if "data-node" in g.attrib]
    nodes = {int(g.attrib["data-node"]): g for g in found}
    assert len(nodes) == len(found)
    return nodes


def box_of(node: ET.Element) -> tuple[float, float, float, float]:
    rect = node.find(f"{SVG}rect")
    assert rect is not None
    x, y, w, h = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, x + w, y + h


@pytest.mark.parametrize("make", [graphs.nasbench201, graphs.nasbench101, graphs.darts])
@pytest.mark.parametrize("seed", range(6))
def test_boxes_do_not_overlap_and_every_live_node_has_one(
    make: Callable[[np.random.Generator], ArchGraph], seed: int
) -> None:
    graph = make(np.random.default_rng(seed))
    seen: set[int] = set()
    for svg in draw_cells(graph):
        nodes = nodes_of(svg)
        seen |= set(nodes)
        _, _, width, height = (float(v) for v in ET.fromstring(svg).attrib["viewBox"].split())
        boxes = [box_of(node) for node in nodes.values()]
        for a, b in combinations(boxes, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        for left, top, right, bottom in boxes:
            assert left >= 0
            assert top >= 0
            assert right <= width
            assert bottom <= height
    ends = {k for k, op in enumerate(graph.ops) if is_input(op) or op == "output"}
    assert seen == {k for k, live in enumerate(graph.live) if live} | ends
    assert set(nodes_of(draw_graph(graph))) == seen


@pytest.mark.parametrize("make", [graphs.nasbench201, graphs.nasbench101, graphs.darts])
def test_an_edge_is_drawn_for_every_distinct_live_edge_and_data_flows_down(
    make: Callable[[np.random.Generator], ArchGraph],
) -> None:
    graph = make(np.random.default_rng(3))
    edges = {(i, j) for i, j in graph.edges if graph.live[i] and graph.live[j]}
    drawn = [p for p in ET.fromstring(draw_graph(graph)).iter(f"{SVG}path") if p.attrib["class"] == "edge"]
    assert len(drawn) == len(edges) > 0
    nodes = nodes_of(draw_graph(graph))
    for i, j in edges:
        assert box_of(nodes[i])[3] < box_of(nodes[j])[1]


def test_a_repeated_edge_is_drawn_once_with_its_number() -> None:
    graph = ArchGraph(ops=("input", "conv_3x3", "output"), edges=((0, 1), (1, 2), (1, 2), (1, 2)))
    root = ET.fromstring(draw_graph(graph))
    assert [t.text for t in root.iter(f"{SVG}text") if t.attrib.get("class") == "times"] == ["\N{MULTIPLICATION SIGN}3"]
    assert sum(p.attrib["class"] == "edge" for p in root.iter(f"{SVG}path")) == 2


def test_what_carries_no_signal_is_left_out_and_dead_ends_are_grey() -> None:
    graph = ArchGraph(ops=("input_0", "input_1", "none", "conv_3x3", "output"), edges=((0, 3), (1, 2), (2, 4), (3, 4)))
    nodes = nodes_of(draw_graph(graph))
    assert {k: node.attrib["class"] for k, node in nodes.items()} == {
        0: "node end", 1: "node dead", 3: "node convolution", 4: "node end",
    }  # fmt: skip
    nothing = ArchGraph(ops=("input", "none", "output"), edges=((0, 1), (1, 2)))
    nodes = nodes_of(draw_graph(nothing))
    assert {k: node.attrib["class"] for k, node in nodes.items()} == {0: "node dead", 2: "node dead"}
    assert box_of(nodes[0])[3] < box_of(nodes[2])[1]
    assert "no path from input to output" in draw_graph(nothing)


def test_attributes_and_names_of_operations_are_told_and_escaped() -> None:
    op = "<b>&conv"
    graph = ArchGraph(ops=("input", op, "output"), edges=((0, 1), (1, 2)), attributes=(("channels", (3, 16, 16)),))
    title = nodes_of(draw_graph(graph))[1].find(f"{SVG}title")
    assert title is not None
    assert title.text == f"{op}, channels 16"


def test_cells_side_by_side_do_not_overlap_and_have_titles() -> None:
    graph = graphs.darts(np.random.default_rng(0))
    assert cell_titles(graph) == ["Normal cell", "Reduction cell"]
    root = ET.fromstring(draw_graph(graph))
    assert [t.text for t in root.iter(f"{SVG}text") if t.attrib.get("class") == "title"] == cell_titles(graph)
    first = float(ET.fromstring(draw_cells(graph)[0]).attrib["width"])
    shifts = [g.attrib["transform"] for g in root.findall(f"{SVG}g")]
    assert shifts[0] == "translate(0.0 0)"
    assert float(shifts[1].removeprefix("translate(").split()[0]) > first


def test_the_description_says_what_each_node_takes() -> None:
    graph = ArchGraph(ops=("input", "conv_3x3", "conv_3x3", "output"), edges=((0, 1), (0, 2), (0, 2), (1, 3), (2, 3)))
    text = describe_cell(graph, 0).replace("\N{MULTIPLICATION SIGN}", "x")
    assert text == (
        "Cell: conv 3x3 #1 takes input; conv 3x3 #2 takes 2 times input; output takes conv 3x3 #1 and conv 3x3 #2."
    )


def test_a_long_chain_is_drawn() -> None:
    n = 40
    ops = ("input", *["conv_3x3"] * n, "output")
    skips = [(k, k + 7) for k in range(0, n - 7, 5)]
    graph = ArchGraph(ops=ops, edges=(*((k, k + 1) for k in range(n + 1)), *skips))
    assert len(nodes_of(draw_graph(graph))) == n + 2
