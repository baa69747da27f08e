from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from predictors.graph import ArchGraph
from smbo_nas.spaces import DARTSSpace, MNASNetSpace, SpaceError
from smbo_nas.spaces.mnasnet import MOBILENET_V2

ONE = MNASNetSpace(reference=[(16, 2, 1)])
TWO = MNASNetSpace(reference=[(16, 1, 2), (16, 1, 1)])


def blocks(space: MNASNetSpace, *settings: str) -> dict[str, str]:
    """Params from `op kernel se skip filters layers` of each block."""
    choices = [choice for block in settings for choice in block.split()]
    return dict(zip(space.choices, choices, strict=True))


def nodes(graph: ArchGraph) -> list[tuple[str, float, float]]:
    """Operation, stride and width of each node."""
    return list(zip(graph.ops, graph.attribute("stride") or (), graph.attribute("width") or (), strict=True))


def test_the_size_is_the_papers() -> None:
    """Tan et al., sec. 4.1: "a typical case is S = 432, B = 5 [...], search space size is about 10^13"."""
    assert ONE.size == 432
    assert MNASNetSpace(reference=MOBILENET_V2[1:6]).size == 432**5 == pytest.approx(1e13, rel=0.6)
    assert MNASNetSpace().size == 288**2 * 432**5  # a block of one layer cannot lose it
    assert len(MNASNetSpace().choices) == 6 * 7


def test_every_layer_is_a_node() -> None:
    space = MNASNetSpace(reference=[(16, 1, 1), (24, 2, 2)])
    graph = space.graph(blocks(space, "dconv 3x3 0 none 1 0", "mbconv6 5x5 0.25 none 0.75 +1"))
    assert nodes(graph) == [
        ("input", 1, 32),
        ("dconv_3x3", 1, 16),
        ("mbconv6_5x5_se", 2, 18),
        ("mbconv6_5x5_se", 1, 18),
        ("mbconv6_5x5_se", 1, 18),
        ("output", 1, 18),
    ]
    assert graph.edges == tuple((k, k + 1) for k in range(5))


def test_a_residual_goes_around_layers_that_change_nothing() -> None:
    graph = ONE.graph(blocks(ONE, "conv 3x3 0 residual 1 +1"))  # 32 filters become 16
    assert graph.predecessors() == [[], [0], [1], [1, 2], [1, 2, 3]]
    same = MNASNetSpace(reference=[(32, 1, 1)])
    assert same.graph(blocks(same, "conv 3x3 0 residual 1 0")).predecessors() == [[], [0], [0, 1]]
    strided = TWO.graph(blocks(TWO, "conv 3x3 0 residual 1 0", "conv 3x3 0 residual 1 0"))
    assert strided.predecessors() == [[], [0], [1], [1, 2]]


def test_a_pooling_skip_goes_around_every_layer() -> None:
    space = MNASNetSpace(reference=[(24, 1, 2)])
    graph = space.graph(blocks(space, "mbconv3 3x3 0 pool 1 +1"))
    assert nodes(graph)[1:-1] == [
        ("avg_pool_3x3", 2, 24),
        ("mbconv3_3x3", 2, 24),
        ("avg_pool_3x3", 1, 24),
        ("mbconv3_3x3", 1, 24),
    ]
    assert graph.predecessors() == [[], [0], [0], [1, 2], [1, 2], [3, 4]]


def test_settings_that_differ_are_different_networks() -> None:
    """Where a single block of 16 filters after a stem of 32 has a residual, it has nothing to go around."""
    assert len(ONE.classes) == ONE.size - 4 * 2 * 2 * 3  # with one layer, `residual` is `none`
    same = MNASNetSpace(reference=[(32, 2, 1)])
    assert len(same.classes) == same.size - 4 * 2 * 2 * 2  # but for the 32 filters that the stem has


@pytest.mark.parametrize("space", [MNASNetSpace(), ONE], ids=["mobilenet", "one"])
def test_params_are_read_off_the_graph_and_off_its_canonical_form(space: MNASNetSpace) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        params = space.sample(rng)
        graph = space.graph(params)
        for form in (graph, graph.canonical()):
            found = space.params_of(form, near=params)
            assert found is not None
            assert space.graph(found).digest == graph.digest


def test_other_graphs_have_no_params() -> None:
    space, darts = MNASNetSpace(), DARTSSpace()
    near = space.sample(np.random.default_rng(0))
    assert space.params_of(darts.graph(darts.sample(np.random.default_rng(0))), near=near) is None
    assert space.params_of(ONE.graph(ONE.sample(np.random.default_rng(0))), near=near) is None
    graph = space.graph(near)
    wider = ArchGraph(
        ops=graph.ops,
        edges=graph.edges,
        attributes={**dict(graph.attributes), "width": tuple(9.0 for _ in graph.ops)},  # type: ignore[arg-type]
    )
    assert space.params_of(wider, near=near) is None


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ([], "`reference` must have at least one block, but got []."),
        ([(16, 1)], "`reference` must hold (filters, layers, stride), at least 1, but got (16, 1)."),
        ([(16, 0, 1)], "`reference` must hold (filters, layers, stride), at least 1, but got (16, 0, 1)."),
        ([(16, 1, 1.5)], "`reference` must hold (filters, layers, stride), at least 1, but got (16, 1, 1.5)."),
        ([(18, 1, 1)], "filters must be a multiple of 4 and a stride 1 or 2, but got (18, 1, 1)."),
        ([(16, 1, 3)], "filters must be a multiple of 4 and a stride 1 or 2, but got (16, 1, 3)."),
    ],
)
def test_a_reference_that_is_none(reference: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        MNASNetSpace(reference=reference)
