from __future__ import annotations

import numpy as np
import pytest

from smbo_nas.proposers import Elite, ProgressiveProposer
from smbo_nas.spaces import DPPNetSpace, SpaceError

CONDENSENET = {
    "norm_1": "bn_relu",
    "conv_1": "learned_group_conv_1x1",
    "norm_2": "bn_relu",
    "conv_2": "group_conv_3x3",
}


def test_size() -> None:
    # Dong et al. 2018: three normalisations and six convolutions by turns
    space = DPPNetSpace()
    assert space.size == (3 * 6) ** 2 == 324
    assert len(space.classes) == 324, "no two cells of four layers are alike"
    assert list(DPPNetSpace(layers=3).choices) == ["norm_1", "conv_1", "norm_2"]
    assert DPPNetSpace(layers=3).size == 3 * 6 * 3


def test_the_cell_of_condensenet() -> None:
    graph = DPPNetSpace().graph(CONDENSENET)
    assert graph.ops == ("input", *CONDENSENET.values(), "concat", "output")
    assert graph.edges == ((0, 1), (0, 5), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6))
    assert graph.live == (True,) * 7


def test_no_normalisation_is_no_layer() -> None:
    space = DPPNetSpace(min_layers=2)
    point = {"layers": "4", **CONDENSENET, "norm_2": "identity"}
    assert space.graph(point).canonical().ops.count("learned_group_conv_1x1") == 1
    assert len(space.graph(point).canonical().ops) == 6
    # A third layer that is none is no layer at all.
    three, two = ({**point, "layers": n} for n in "32")
    assert space.graph(three) != space.graph(two)
    assert space.graph(three).digest == space.graph(two).digest


def test_each_step_has_the_papers_number_of_cells() -> None:
    # Three times as many where a normalisation is added, six times where a convolution is
    space = DPPNetSpace(layers=5, min_layers=2)
    layer = list(space.expansions())
    assert len(layer) == 3 * 6
    for times in (3, 6, 3):
        grown = [list(space.expansions(params)) for params in layer]
        assert {len(larger) for larger in grown} == {times}
        layer = [params for larger in grown for params in larger][:: times**2]
    assert all(list(space.expansions(params)) == [] for params in layer)
    assert {space.blocks(params) for params in layer} == {4}


def test_progressive_search_mutates_the_best_cells() -> None:
    space = DPPNetSpace(min_layers=2)
    measured = [Elite(params, float(k)) for k, params in enumerate(space.expansions())]
    pool = ProgressiveProposer(beam=2).pool(space, measured, frozenset(), np.random.default_rng(0))
    assert {space.blocks(params) for params in pool.params} == {2}
    assert {params["conv_1"] for params in pool.params} == {measured[k].params["conv_1"] for k in (-1, -2)}
    assert {params["norm_2"] for params in pool.params} >= {"bn", "bn_relu"}


def test_fewer_layers_leave_the_others_out() -> None:
    space = DPPNetSpace(min_layers=2)
    rng = np.random.default_rng(0)
    for _ in range(20):
        params = space.sample(rng)
        n = int(params["layers"])
        assert space.graph(params).ops[1:-2] == tuple(params[name] for name in list(CONDENSENET)[:n])
        assert space.blocks(params) == n - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 1}, "`layers` must be at least 2, but got 1"),
        ({"min_layers": 1}, r"`min_layers` must be from 2 to 4 \(`layers`\), but got 1"),
        ({"layers": 3, "min_layers": 4}, r"`min_layers` must be from 2 to 3 \(`layers`\), but got 4"),
    ],
)
def test_says_what_is_wrong(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        DPPNetSpace(**arguments)
