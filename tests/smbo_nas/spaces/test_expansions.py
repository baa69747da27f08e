"""Growing architectures block by block, and finding the params of a graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from smbo_nas.spaces import (
    BlockQNNSpace,
    CellSpace,
    ChainSpace,
    DARTSSpace,
    DPPNetSpace,
    GeNetSpace,
    NASBench101Space,
    NASBench201Space,
    PNASSpace,
    SearchSpace,
    SpaceError,
    space_from_dict,
)
from tests.smbo_nas.spaces.test_properties import every_space, few
from tests.strategies import seeds

GROWING = {
    "blockqnn": BlockQNNSpace(layers=2),
    "pnas": PNASSpace(blocks=2, ops=("conv", "identity"), min_blocks=1),
    "pnas-combine": PNASSpace(blocks=2, ops=("conv", "pool"), combine=("add", "concat"), min_blocks=1),
    "nasbench101": NASBench101Space(vertices=4, max_edges=5),
    "chain": ChainSpace(layers=4, ops=("conv_3x3", "skip_connect"), stages=1),
    "genet": GeNetSpace(nodes=(3, 2)),
    "dppnet": DPPNetSpace(min_layers=2),
    "nasbench201": CellSpace(nodes=4, ops=("none", "skip_connect", "conv")),
    "cell": CellSpace(nodes=4, ops=("conv", "pool", "zero"), edges=[(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)]),
}
every_growing = pytest.mark.parametrize("space", GROWING.values(), ids=GROWING)


@every_growing
def test_every_architecture_grows_from_one_block(space: SearchSpace) -> None:
    layer, reached, blocks = list(space.expansions()), set(), 1
    while layer:
        assert {space.blocks(params) for params in layer} == {blocks}
        reached |= {space.graph(params).digest for params in layer}
        following = {tuple(larger.items()): larger for params in layer for larger in space.expansions(params)}
        assert all(list(space.check(larger)) == list(space.choices) for larger in following.values())
        layer, blocks = list(following.values()), blocks + 1
    grown = {digest for digest, c in space.classes.items() if space.blocks(c.params) > 0}
    assert grown == reached


def test_one_block_of_pnas_is_the_published_136_cells() -> None:
    # Liu et al. 2018, sec. 3.1: 256 settings, "only 136 unique"
    space = PNASSpace(ops=tuple(f"op_{k}" for k in range(8)), min_blocks=1)
    smallest = list(space.expansions())
    assert len(smallest) == len({space.graph(params).digest for params in smallest}) == 136
    assert len(list(space.expansions(smallest[0]))) == 24 * 25 // 2  # pairs of three inputs with eight operations


def test_unused_blocks_do_not_count() -> None:
    space = PNASSpace(blocks=3, min_blocks=1)
    small = next(space.expansions())
    other = {name: small[name] if name.startswith(("block_1", "blocks")) else space.choices[name][-1] for name in small}
    assert (
        space.graph(other)
        == space.graph(small)
        == PNASSpace(blocks=1).graph({name: choice for name, choice in small.items() if name.startswith("block_1_")})
    )
    assert space_from_dict(space.to_dict()).choices == space.choices
    assert "blocks" not in PNASSpace(blocks=3).choices


def test_the_smallest_cells_of_the_benchmarks() -> None:
    # One vertex with one of three operations, with or without an edge around it.
    assert len(list(NASBench101Space().expansions())) == 6
    # Paths from node 0 to node 3 with one of four operations on each edge: directly, through 1, through 2, through both
    assert len(list(NASBench201Space().expansions())) == 4 + 16 + 16 + 64


def test_what_leads_nowhere_is_dropped_before_growing() -> None:
    space = NASBench201Space()
    params = dict.fromkeys(space.choices, "none") | {"edge_0_3": "skip_connect", "edge_0_1": "nor_conv_3x3"}
    assert space.blocks(params) == 1
    larger = list(space.expansions(params))
    assert any(p["edge_0_1"] == "avg_pool_3x3" and p["edge_1_3"] == "skip_connect" for p in larger)
    assert {space.blocks(p) for p in larger} == {2}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (DARTSSpace(), "darts does not say what a smaller architecture is"),
        (DPPNetSpace(), "no cells of two layers to begin with: set `min_layers` to 2"),
        (PNASSpace(), "no cells of one block to begin with: set `min_blocks` to 1"),
        (ChainSpace(ops=("conv_3x3",)), "'skip_connect' is not among its operations"),
        (CellSpace(nodes=3, ops=("conv",)), "`none` is not among its operations"),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_spaces_that_do_not_grow_say_why(space: SearchSpace, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        next(space.expansions())


def test_min_blocks_has_to_be_possible() -> None:
    with pytest.raises(SpaceError, match=r"`min_blocks` must be from 1 to 5 \(`blocks`\), but got 6"):
        PNASSpace(min_blocks=6)


@every_space
@given(seed=seeds)
@few
def test_the_params_of_a_graph_are_found(space: SearchSpace, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph, near = space.graph(space.sample(rng)), space.sample(rng)
    found = space.params_of(graph, near=near)
    if found is not None:  # projections of a chain move its nodes
        assert space.graph(found).digest == graph.digest
    assert found is not None or space.name == "chain"


def test_a_graph_of_another_space_has_no_params() -> None:
    darts, pnas = DARTSSpace(), PNASSpace()
    near = pnas.sample(np.random.default_rng(0))
    assert pnas.params_of(darts.graph(darts.sample(np.random.default_rng(0))), near=near) is None
    cell = CellSpace(nodes=3, ops=("none", "conv"))
    graph = CellSpace(nodes=2, ops=("pool",)).graph({"edge_0_1": "pool"})
    assert cell.params_of(graph, near=next(cell.enumerate())) is None
