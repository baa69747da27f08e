from __future__ import annotations

from itertools import combinations

import pytest
import torch

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks import build_network, count_parameters
from smbo_nas.networks.cell import CellGraph
from smbo_nas.networks.layers import ConvBN, Truncate
from smbo_nas.networks.skeletons.nasbench101 import nasbench101_cell, vertex_channels
from smbo_nas.spaces.nasbench101 import NASBench101Space
from tests.smbo_nas.networks.helpers import one_cell, seeded

SPACE = NASBench101Space()

# `module_adjacency` (upper triangle, row by row), `module_operations` (0 conv3x3, 1 conv1x1, 2 maxpool3x3) and
# `trainable_parameters` of eight cells of the nasbench data set of Ying et al. (2019), by the module's hash.
PUBLISHED = {
    "043721b9c7fe8c5fad811d47d83132ec": (2, "1", "", 882_570),
    "19092e5d6cd57f13de1b98f46e22aa22": (4, "111101", "21", 3_667_594),
    "00b363b7eb6f3f87e800db04dfe670ee": (5, "1101101101", "121", 2_277_770),
    "18a1cc20a266630d69f388023fe11581": (6, "101001010101011", "0100", 3_811_924),
    "1bf4dfd11616fe76566694e0b6484b6e": (7, "101000100001001101101", "02021", 2_785_330),
    "05c8c73a56eb7847e2478ad207294d0d": (7, "100000100111000101011", "22022", 809_226),
    "03b781d3064de3b5a88514537ca87a71": (7, "100001100001110100101", "10201", 22_421_642),
    "07cfe9128a99fbd4d03a8bb2943cac06": (7, "100101100011000100101", "20102", 6_667_274),
}


def published_graph(n: int, upper: str, inner: str) -> ArchGraph:
    matrix = [[0] * n for _ in range(n)]
    for (i, j), bit in zip(combinations(range(n), 2), upper, strict=True):
        matrix[i][j] = int(bit)
    ops = ["input", *(SPACE.ops[int(op)] for op in inner), "output"]
    return SPACE.graph(SPACE.from_matrix(matrix, ops))


def last_column(n: int) -> list[int]:
    """Where the edges into the output are in the upper triangle."""
    return [k for k, (_, j) in enumerate(combinations(range(n), 2)) if j == n - 1]


@pytest.mark.parametrize("cell", PUBLISHED)
def test_parameter_counts_are_the_published_ones(cell) -> None:
    n, upper, inner, parameters = PUBLISHED[cell]
    graph = published_graph(n, upper, inner)
    with torch.device("meta"):
        network = SPACE.build(graph, input_shape=(3, 32, 32), num_classes=10)
        smaller = SPACE.build(graph.canonical(), input_shape=(3, 32, 32), num_classes=10)
    assert count_parameters(network) == parameters
    # The canonical form contracts a concatenation of one vertex. It also reorders the vertices, and the first ones get
    # the channels that do not divide: 128 by 3.
    if sum(int(upper[k]) for k in last_column(n)[1:]) != 3:
        assert count_parameters(smaller) == parameters


def test_channels_are_shared_and_propagated_as_in_the_paper() -> None:
    # 1 and 3 and 4 are concatenated (7 channels: 3, 2, 2), 2 feeds 3 and 4.
    conv = "conv3x3-bn-relu"
    graph = one_cell(
        "input",
        conv,
        conv,
        conv,
        conv,
        "concat",
        "output",
        edges=[(0, 1), (0, 2), (1, 2), (2, 3), (2, 4), (1, 5), (3, 5), (4, 5), (5, 6), (0, 6)],
    )
    cell = CellGraph.of(graph)
    assert vertex_channels(cell, 7) == [0, 3, 2, 2, 2, 7, 7]
    built = nasbench101_cell(cell, 4, 7)
    kinds = {edge: type(module) for edge, module in built.adapters.items()}
    # The input is projected to vertices 1 and 2 and onto the output; 1 is truncated for 2.
    assert kinds == {"0_1_0": ConvBN, "0_2_0": ConvBN, "0_6_0": ConvBN, "1_2_0": Truncate}


def test_the_cell_adds_the_input_to_the_concatenation() -> None:
    conv = "conv1x1-bn-relu"
    graph = one_cell("input", conv, conv, "concat", "output", edges=[(0, 1), (1, 2), (1, 3), (2, 3), (3, 4), (0, 4)])
    with seeded():
        cell = nasbench101_cell(CellGraph.of(graph), 4, 6).eval()
        x = torch.randn(2, 4, 5, 5)
    first = cell.operations["1"](cell.adapters["0_1_0"](x))
    joined = torch.cat([first, cell.operations["2"](first)], dim=1)
    torch.testing.assert_close(cell(x), joined + cell.adapters["0_4_0"](x))


def test_vertices_that_lead_nowhere_are_not_built() -> None:
    params = {f"op_{k}": SPACE.ops[0] for k in range(1, 6)}
    params |= {f"inputs_{k}": "0" for k in range(1, 6)} | {"inputs_6": "1"}
    network = SPACE.build(SPACE.graph(params), input_shape=(3, 8, 8), num_classes=2, channels=8)
    assert set(network.body[0].operations) == {"1"}


def test_downsampling_and_doubling() -> None:
    network = build_network(
        published_graph(4, "111101", "21"),
        skeleton="nasbench101",
        input_shape=(1, 17, 9),
        num_classes=5,
        channels=4,
        cells_per_stack=1,
    )
    shapes = []
    for layer in network.body:
        layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    assert network(torch.randn(2, 1, 17, 9)).shape == (2, 5)
    assert shapes == [(4, 17, 9), (4, 9, 5), (8, 9, 5), (8, 5, 3), (16, 5, 3)]


def test_too_few_channels_to_share() -> None:
    graph = published_graph(7, "100000100111000101011", "22022")
    sources = len(CellGraph.of(graph).sources[-2])
    with pytest.raises(ValueError, match=f"`channels` must be at least {sources} for this cell, but got {sources - 1}"):
        SPACE.build(graph, input_shape=(1, 8, 8), num_classes=2, channels=sources - 1)


def test_only_graphs_of_one_cell_with_one_input() -> None:
    graph = ArchGraph(ops=("input_0", "input_1", "output"), edges=((0, 2), (1, 2)))
    with pytest.raises(GraphError, match="one cell with one input"):
        build_network(graph, skeleton="nasbench101", input_shape=(1, 8, 8), num_classes=2)
