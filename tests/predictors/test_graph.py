from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from predictors.graph import ArchGraph, GraphError
from tests.strategies import arch_graphs

DIAMOND = ArchGraph(ops=("input", "conv", "pool", "output"), edges=((0, 1), (0, 2), (1, 3), (2, 3)))
TWO_CELLS = ArchGraph(
    ops=("input_0", "input_1", "conv", "output", "input_0", "pool", "output"),
    edges=((0, 2), (1, 2), (2, 3), (4, 5), (5, 6)),
    attributes=(("stride", (1, 1, 1, 1, 1, 2, 1)),),
    cell=(0, 0, 0, 0, 1, 1, 1),
)
IO = ("input", "conv", "output")


def graph(ops: Any, edges: Any = (), **fields: Any) -> Callable[[], ArchGraph]:
    return lambda: ArchGraph(ops=ops, edges=edges, **fields)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (graph(IO, [(0, 1), (2, 1)]), "edge (2, 1) goes backwards: nodes must be in topological order and without a"),
        (graph(IO, [(1, 1)]), "edge (1, 1) goes backwards"),
        (graph(IO, [(0, 3)]), "edge (0, 3) leaves the graph of 3 nodes."),
        (graph(IO, [(-1, 2)]), "edge (-1, 2) leaves the graph of 3 nodes."),
        (graph((*IO, *IO), [(1, 4)], cell=(0, 0, 0, 1, 1, 1)), "edge (1, 4) joins two cells."),
        (graph(("input_0", "input_1", "output"), [(0, 1)]), "edge (0, 1) enters an input."),
        (graph(()), "the first node must be an input, but the operations are ()."),
        (graph(("conv", "output")), "the first node must be an input, but the operations are ('conv', 'output')."),
        (graph((*IO, "conv", "output"), cell=(0, 0, 0, 1, 1)), "the first node in cell 1 must be an input"),
        (graph(("input", "conv")), "the last node, and no other, must be 'output'"),
        (graph(("input", "output", "conv")), "the last node, and no other, must be 'output'"),
        (graph(("input", "output", "output")), "the last node, and no other, must be 'output'"),
        (graph((*IO, "input"), cell=(0, 0, 0, 1)), "the last node in cell 1, and no other, must be 'output'"),
        (graph(("input", "conv", "input_1", "output")), "inputs must come first"),
        (graph(IO, attributes={"width": (1, 2)}), "attribute 'width' must have one value for each of the 3 nodes, but"),
        (graph(IO, attributes={"width": (1, 2, float("nan"))}), "attribute 'width' must be finite"),
        (graph(IO, attributes={3: (1, 2, 3)}), "an attribute's name must be a non-empty string, but got 3."),
        (graph(IO, attributes={"width": ("wide",) * 3}), "the graph's fields are of the wrong type"),
        (graph(IO, attributes=7), "the graph's fields are of the wrong type"),
        (graph(IO, cell=(0, 0)), "`cell` must have one index for each of the 3 nodes, but got 2."),
        (
            graph((*IO, *IO), cell=(0, 0, 0, 2, 2, 2)),
            "`cell` must count 0, 0, ..., 1, 1, ..., but got (0, 0, 0, 2, 2, 2)",
        ),
        (graph((*IO, *IO), cell=(1, 1, 1, 0, 0, 0)), "`cell` must count 0, 0, ..., 1, 1, ..."),
        (graph(IO, cell=(0.0, 0.0, 0.0)), "the graph's fields are of the wrong type"),
        (graph(("input", 3, "output")), "`ops` must be non-empty strings, but got ('input', 3, 'output')."),
        (graph(("input", "", "output")), "`ops` must be non-empty strings"),
        (graph(IO, [(0, 0.5)]), "the graph's fields are of the wrong type"),
        (graph(IO, [("0", "1")]), "the graph's fields are of the wrong type"),
        (graph(IO, [(0, 1, 2)]), "the graph's fields are of the wrong type"),
        (graph(3), "the graph's fields are of the wrong type"),
        (graph(IO, None), "the graph's fields are of the wrong type"),
    ],
)
def test_says_what_is_wrong_with_a_graph(make: Callable[[], ArchGraph], message: str) -> None:
    with pytest.raises(GraphError, match=re.escape(message)):
        make()


def test_normalises_its_fields() -> None:
    loose = ArchGraph(
        ops=["input", "conv", "output"],  # type: ignore[arg-type]
        edges=np.array([[1, 2], [0, 1]]),  # type: ignore[arg-type]
        attributes={"width": [2, 2, 2], "stride": [1, 2, 1]},  # type: ignore[arg-type]
        cell=[0, 0, 0],  # type: ignore[arg-type]
    )
    assert loose == ArchGraph(
        ops=("input", "conv", "output"),
        edges=((0, 1), (1, 2)),
        attributes=(("stride", (1.0, 2.0, 1.0)), ("width", (2.0, 2.0, 2.0))),
    )
    assert loose.attribute("stride") == (1.0, 2.0, 1.0)
    assert loose.attribute("kernel") is None
    assert loose.cells == (0, 0, 0)
    assert all(type(i) is int for edge in loose.edges for i in edge)


def test_is_frozen_hashable_and_copies_as_a_value() -> None:
    twin = ArchGraph.from_json(DIAMOND.to_json())
    assert {DIAMOND: "seen"}[twin] == "seen"
    assert DIAMOND != TWO_CELLS
    with pytest.raises(FrozenInstanceError):
        DIAMOND.ops = ()  # type: ignore[misc]
    for clone in (copy.deepcopy(DIAMOND), pickle.loads(pickle.dumps(DIAMOND))):
        assert (clone, clone.digest) == (DIAMOND, DIAMOND.digest)


def test_with_other_ops_it_is_the_graph_of_these() -> None:
    pattern = ArchGraph(("input", "conv", "pool", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
    found = pattern.with_ops(["input", "skip_connect", "conv", "output"])
    assert found == ArchGraph(("input", "skip_connect", "conv", "output"), pattern.edges)
    assert found.digest == ArchGraph(found.ops, found.edges).digest != pattern.digest


@pytest.mark.parametrize(
    ("ops", "message"),
    [
        (("input", "conv", "pool"), "edge (1, 3) leaves the graph of 3 nodes"),
        (("input", "conv", "input_1", "output"), "edge (0, 2) enters an input"),
        (("input", "conv", "output", "output"), "the last node, and no other, must be 'output'"),
        (("input", "", "pool", "output"), "`ops` must be non-empty strings"),
        (("input", 3, "pool", "output"), "`ops` must be non-empty strings"),
    ],
)
def test_says_what_is_wrong_with_other_ops(ops: tuple[str, ...], message: str) -> None:
    pattern = ArchGraph(("input", "conv", "pool", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
    with pytest.raises(GraphError, match=re.escape(message)):
        pattern.with_ops(ops)


def test_predecessors_keep_multiplicities() -> None:
    doubled = ArchGraph(ops=("input", "conv", "output"), edges=((1, 2), (0, 2), (0, 1), (0, 1)))
    assert doubled.predecessors() == [[], [0, 0], [0, 1]]
    assert doubled.n_nodes == 3


@settings(deadline=None, max_examples=100)
@given(arch_graphs())
def test_json_round_trip(graph: ArchGraph) -> None:
    assert ArchGraph.from_json(graph.to_json()) == graph
    assert "\n" not in graph.to_json()
    assert ArchGraph.from_dict(json.loads(json.dumps(graph.to_dict()))) == graph


def test_json_holds_only_the_fields_in_use() -> None:
    assert set(DIAMOND.to_dict()) == {"ops", "edges"}
    assert set(TWO_CELLS.to_dict()) == {"ops", "edges", "attributes", "cell"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON: "),
        ("[]", "a graph must be an object with `ops` and `edges`, but got []."),
        ('{"ops": ["input", "output"]}', "a graph must be an object with `ops` and `edges`"),
        ('{"ops": ["input", "output"], "edges": [], "nodes": 2}', "a graph has no field 'nodes'."),
        ('{"ops": "input", "edges": []}', "`ops` must be a list of strings, but got 'input'."),
        ('{"ops": ["input", "output"], "edges": 3}', "the graph's fields are of the wrong type"),
        ('{"ops": ["input", "output"], "edges": [[0, 2]]}', "edge (0, 2) leaves the graph of 2 nodes."),
        ('{"ops": ["input", "output"], "edges": [], "attributes": {"width": [1, NaN]}}', "must be finite"),
        ('{"ops": ["input", "output"], "edges": [], "cell": null}', "the graph's fields are of the wrong type"),
    ],
)
def test_says_what_is_wrong_with_json(text: str, message: str) -> None:
    with pytest.raises(GraphError, match=re.escape(message)):
        ArchGraph.from_json(text)


def test_from_matrix_takes_any_node_order() -> None:
    ops = ["output", "pool", "conv", "input"]
    matrix = [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 2, 0]]
    built = ArchGraph.from_matrix(matrix, ops)
    assert built.ops[0] == "input"
    assert built.ops[-1] == "output"
    assert sorted((built.ops[i], built.ops[j]) for i, j in built.edges) == [
        ("conv", "output"),
        ("input", "conv"),
        ("input", "conv"),
        ("input", "pool"),
        ("pool", "output"),
    ]
    assert ArchGraph.from_matrix(np.array(matrix), ops) == built  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 1, 0], [0, 0, 1]], "`matrix` must be 3 x 3"),
        ([[0, 1], [0, 0], [0, 0]], "`matrix` must be 3 x 3"),
        ([[0, 1, 0], [0, 1, 1], [0, 0, 0]], "the graph has a cycle."),
        ([[0, 1, 0], [0, 0, 1], [0, 1, 0]], "the graph has a cycle."),
        ([[0, -1, 0], [0, 0, 1], [0, 0, 0]], "`matrix` must hold whole numbers of at least 0, but got -1."),
        ([[0, 0.5, 0], [0, 0, 1], [0, 0, 0]], "`matrix` must hold whole numbers of at least 0, but got 0.5."),
    ],
)
def test_says_what_is_wrong_with_a_matrix(matrix: list[list[int]], message: str) -> None:
    with pytest.raises(GraphError, match=re.escape(message)):
        ArchGraph.from_matrix(matrix, ["input", "conv", "output"])


def test_require_ops() -> None:
    DIAMOND.require_ops({"conv", "pool"})
    ArchGraph(ops=("input_0", "input_1", "add", "concat", "output"), edges=((0, 2), (2, 3), (3, 4))).require_ops(())
    with pytest.raises(
        GraphError, match=re.escape("unknown operation 'pool' at node 2; known operations: conv, skip.")
    ):
        DIAMOND.require_ops(["skip", "conv"])


def test_live_nodes_lie_on_a_path_without_none() -> None:
    ops = ("input", "conv", "none", "pool", "conv", "conv", "output")
    edges = ((0, 1), (1, 6), (0, 2), (2, 3), (3, 6), (0, 4), (5, 6))
    # pool comes after `none`, the second conv leads nowhere, the third takes nothing
    assert ArchGraph(ops=ops, edges=edges).live == (True, True, False, False, False, False, True)


def test_nothing_is_live_without_a_path() -> None:
    assert ArchGraph(ops=("input", "none", "output"), edges=((0, 1), (1, 2))).live == (False, False, False)
    assert ArchGraph(ops=("input", "output"), edges=()).live == (False, False)
    two_inputs = ArchGraph(ops=("input_0", "input_1", "conv", "output"), edges=((1, 2), (2, 3)))
    assert two_inputs.live == (False, True, True, True)
