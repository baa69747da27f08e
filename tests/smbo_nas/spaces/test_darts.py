from __future__ import annotations

import re
from collections import namedtuple
from typing import Any

import pytest

from smbo_nas.spaces import DARTSSpace, SpaceError

Genotype = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")

# github.com/quark0/darts, cnn/genotypes.py
DARTS_V2 = Genotype(
    normal=[
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("skip_connect", 0),
        ("dil_conv_3x3", 2),
    ],
    normal_concat=[2, 3, 4, 5],
    reduce=[
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 1),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
        ("max_pool_3x3", 0),
        ("skip_connect", 2),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
    ],
    reduce_concat=[2, 3, 4, 5],
)


def test_published_size() -> None:
    # Liu et al. 2019, sec. 3.1: pairs of earlier nodes for four nodes, seven operations on each of eight edges
    assert DARTSSpace().size == (1 * 3 * 6 * 10 * 7**8) ** 2
    assert 1e18 < DARTSSpace().size < 2e18


def test_the_published_cells() -> None:
    space = DARTSSpace()
    params = space.from_genotype(DARTS_V2._asdict())
    assert params["normal_4_inputs"] == "0,1"
    assert (params["normal_4_op_a"], params["normal_4_op_b"]) == ("skip_connect", "sep_conv_3x3")
    assert params["normal_5_inputs"] == "0,2"
    assert params["reduce_3_inputs"] == "1,2"
    assert (params["reduce_3_op_a"], params["reduce_3_op_b"]) == ("max_pool_3x3", "skip_connect")

    graph = space.graph(params)
    normal = [op for op, cell in zip(graph.ops, graph.cells, strict=True) if cell == 0]
    reduce = [op for op, cell in zip(graph.ops, graph.cells, strict=True) if cell == 1]
    assert (normal.count("sep_conv_3x3"), normal.count("skip_connect"), normal.count("dil_conv_3x3")) == (5, 2, 1)
    assert (reduce.count("max_pool_3x3"), reduce.count("skip_connect")) == (5, 3)  # the skips take node 2: no stride
    assert normal.count("add") == reduce.count("add") == 4
    assert graph.live == (True,) * graph.n_nodes
    concats = [k for k, op in enumerate(graph.ops) if op == "concat"]
    assert [[graph.ops[i] for i in graph.predecessors()[k]] for k in concats] == [["add"] * 4] * 2
    assert graph.canonical().ops.count("skip_connect") == 0


def test_a_node_is_the_sum_of_its_two_operations() -> None:
    space = DARTSSpace(nodes=1)
    graph = space.graph(
        {
            "normal_2_inputs": "0,1",
            "normal_2_op_a": "sep_conv_3x3",
            "normal_2_op_b": "skip_connect",
            "reduce_2_inputs": "0,1",
            "reduce_2_op_a": "skip_connect",
            "reduce_2_op_b": "max_pool_3x3",
        }
    )
    assert graph.ops[:7] == ("input_0", "input_1", "sep_conv_3x3", "skip_connect", "add", "concat", "output")
    assert graph.ops[7:] == ("input_0", "input_1", "factorized_reduce", "max_pool_3x3", "add", "concat", "output")
    assert graph.edges[:6] == ((0, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 6))
    assert graph.edges[6:] == tuple((i + 7, j + 7) for i, j in graph.edges[:6])
    assert graph.cell == (0,) * 7 + (1,) * 7


def test_a_genotype_lists_the_operations_of_a_node_in_any_order() -> None:
    space = DARTSSpace()
    swapped = {
        cell: [pairs[k ^ 1] for k in range(8)] for cell in ("normal", "reduce") for pairs in [getattr(DARTS_V2, cell)]
    }
    assert space.from_genotype(swapped) == space.from_genotype(DARTS_V2._asdict())


def changed(**fields: Any) -> dict[str, Any]:
    return DARTS_V2._replace(**fields)._asdict()


@pytest.mark.parametrize(
    ("genotype", "message"),
    [
        ({"normal": DARTS_V2.normal}, "a genotype must hold `normal` and `reduce`, but holds normal."),
        (changed(normal=DARTS_V2.normal[:6]), "`normal` must hold 8 (operation, node) pairs, but got 6."),
        (changed(reduce_concat=[3, 4, 5]), "`reduce_concat` must be [2, 3, 4, 5], but got [3, 4, 5]."),
        (changed(normal=[("sep_conv_7x7", 0), *DARTS_V2.normal[1:]]), "but got 'sep_conv_7x7'."),
        (changed(normal=[("sep_conv_3x3", 1), *DARTS_V2.normal[1:]]), "but got '1,1'."),
        (changed(normal=[("sep_conv_3x3", 2), *DARTS_V2.normal[1:]]), "but got '1,2'."),
        (changed(normal=["sep_conv_3x3"] * 8), "`normal` must hold (operation, node) pairs"),
    ],
)
def test_says_what_is_wrong_with_a_genotype(genotype: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        DARTSSpace().from_genotype(genotype)
