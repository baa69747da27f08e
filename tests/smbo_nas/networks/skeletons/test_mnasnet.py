from __future__ import annotations

import pytest
import torch

from predictors.graph import ArchGraph, GraphError
from smbo_nas.networks import build_network, count_flops, count_parameters
from smbo_nas.spaces.mnasnet import MOBILENET_V2, MNASNetSpace
from tests.smbo_nas.networks.helpers import seeded

IMAGENET = {"input_shape": (3, 224, 224), "num_classes": 1000}
FIRST = "dconv 3x3 0 none 1 0"
# Operation, kernel, squeeze and excitation, skip, filters and layers of each block
INVERTED = [FIRST, *["mbconv6 3x3 0 residual 1 0"] * 6]
A1 = [
    FIRST,
    "mbconv6 3x3 0 residual 1 0",
    "mbconv3 5x5 0.25 residual 1 0",
    "mbconv6 3x3 0 residual 1 0",
    "mbconv6 3x3 0.25 residual 1 0",
    "mbconv6 5x5 0.25 residual 1 0",
    "mbconv6 3x3 0 residual 1 0",
]
B1 = [
    FIRST,
    "mbconv3 3x3 0 residual 1 0",
    "mbconv3 5x5 0 residual 1 0",
    "mbconv6 5x5 0 residual 1 0",
    "mbconv6 3x3 0 residual 1 0",
    "mbconv6 5x5 0 residual 1 0",
    "mbconv6 3x3 0 residual 1 0",
]
A1_BLOCKS = [(16, 1, 1), (24, 2, 2), (40, 3, 2), (80, 4, 2), (112, 2, 1), (160, 3, 2), (320, 1, 1)]
B1_BLOCKS = [(16, 1, 1), (24, 3, 2), (40, 3, 2), (80, 3, 2), (96, 2, 1), (192, 4, 2), (320, 1, 1)]


def graph_of(space: MNASNetSpace, blocks: list[str]) -> ArchGraph:
    return space.graph(dict(zip(space.choices, " ".join(blocks).split(), strict=True)))


@pytest.mark.parametrize(
    ("reference", "blocks", "parameters", "million_multiply_adds"),
    [
        (MOBILENET_V2, INVERTED, 3_504_872, 300),
        (A1_BLOCKS, A1, 3_887_038, 312),
        (B1_BLOCKS, B1, 4_383_312, None),
    ],
    ids=["MobileNetV2", "MnasNet-A1", "MnasNet-B1"],
)
def test_published_networks(reference, blocks, parameters, million_multiply_adds) -> None:
    """Parameters as torchvision and timm count them; operations: Sandler et al., table 4, and Tan et al., table 1."""
    space = MNASNetSpace(reference=reference)
    with torch.device("meta"):
        network = space.build(graph_of(space, blocks), **IMAGENET)
    assert count_parameters(network) == parameters
    if million_multiply_adds is not None:
        assert count_flops(network, (3, 224, 224)) / 1e6 == pytest.approx(million_multiply_adds, abs=1)


def test_the_space_holds_nearly_mnasnet_a1() -> None:
    """MobileNetV2's 96 filters become 120 in place of A1's 112, which the paper's choices do not give."""
    space = MNASNetSpace()
    blocks = list(A1)
    for b in (2, 3, 4):
        blocks[b] = blocks[b].replace("residual 1 0", f"residual 1.25 {'-1' if b == 4 else '0'}")
    with torch.device("meta"):
        network = space.build(graph_of(space, blocks), **IMAGENET)
    assert count_parameters(network) == pytest.approx(3.9e6, rel=0.02)


def test_channels_scale_with_the_stem() -> None:
    space = MNASNetSpace(reference=[(16, 1, 1), (24, 2, 2)])
    graph = graph_of(space, ["conv 3x3 0 none 1 0", "conv 3x3 0 none 0.75 0"])
    network = build_network(
        graph, skeleton="mnasnet", input_shape=(1, 9, 7), num_classes=3, channels=8, reductions=1, features=5
    )
    assert network.stem(torch.randn(1, 1, 9, 7)).shape == (1, 8, 9, 7)
    assert network.body(torch.randn(1, 8, 9, 7)).shape == (1, 4, 5, 4)  # a quarter of 18, rounded to even
    conv_bn = [9 * 8 * 4 + 2 * 4, 9 * 4 * 4 + 2 * 4, 9 * 4 * 4 + 2 * 4]
    assert count_parameters(network) == 9 * 8 + 16 + sum(conv_bn) + 4 * 5 + 10 + 5 * 3 + 3


@pytest.mark.parametrize(("reductions", "size"), [(9, 2), (5, 2), (4, 4), (2, 16), (1, 32)])
def test_the_first_strides_are_left_out_for_small_images(reductions: int, size: int) -> None:
    """The stem and four blocks of MobileNetV2 have a stride; a skip that pools has its layer's."""
    space = MNASNetSpace()
    graph = graph_of(space, [FIRST, *["mbconv3 3x3 0 pool 1 0"] * 6])
    sizes = {"input_shape": (1, 64, 64), "num_classes": 3, "channels": 4, "features": 8, "reductions": reductions}
    network = space.build(graph, **sizes)
    stem = 64 if reductions < 5 else 32
    maps = network.stem(torch.randn(2, 1, 64, 64))
    assert maps.shape[2:] == (stem, stem)
    assert network.body(maps).shape[2:] == (size, size)
    assert torch.isfinite(network(torch.randn(2, 1, 64, 64))).all()


def test_a_residual_adds_what_comes_in() -> None:
    space = MNASNetSpace(reference=[(16, 3, 2)])
    graph = graph_of(space, ["mbconv3 3x3 0.25 residual 1 0"])
    with seeded():
        network = space.build(graph, input_shape=(1, 8, 8), num_classes=3).eval()
        x = torch.randn(2, 32, 8, 8)
    first, *others = network.body.operations.values()
    for layer in others:
        torch.nn.init.zeros_(layer.project.norm.weight)
    assert torch.equal(network.body(x), first(x))


def test_only_graphs_of_one_cell_with_one_input() -> None:
    graph = ArchGraph(ops=("input_0", "input_1", "output"), edges=((0, 2), (1, 2)))
    with pytest.raises(GraphError, match="the skeleton 'mnasnet' builds graphs of one cell with one input"):
        build_network(graph, skeleton="mnasnet", **IMAGENET)


def test_a_graph_without_attributes() -> None:
    graph = ArchGraph(ops=("input", "mbconv3_3x3", "output"), edges=((0, 1), (1, 2)))
    network = build_network(graph, skeleton="mnasnet", input_shape=(1, 8, 8), num_classes=3, channels=4)
    assert network.body.output.channels == 4
