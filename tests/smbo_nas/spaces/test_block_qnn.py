from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from predictors.graph import ArchGraph
from smbo_nas.samplers import QLearningSampler
from smbo_nas.spaces import BlockQNNSpace, SpaceError
from tests.smbo_nas.samplers.strategies import run

SPACE = BlockQNNSpace()
INCEPTION = [(1, 1, 1, 0, 0), (2, 1, 3, 0, 0), (3, 1, 5, 1, 0), (4, 2, 3, 0, 0), (5, 7, 0, 0, 0)]
RESIDUAL = [(1, 1, 3, 0, 0), (2, 1, 3, 1, 0), (3, 5, 0, 0, 2), (4, 7, 0, 0, 0)]


def test_codes_of_a_layer_are_those_of_the_table() -> None:
    """Table 1, at index t: t convolutions of 3 kernels, 2 poolings of 2, an identity; t^2 sums, t^2 concatenations."""
    space = BlockQNNSpace(layers=2)
    codes = [space.to_codes(params) for params in space.enumerate()]
    for t in (1, 2):
        assert len({block[t - 1] for block in codes if len(block) >= t}) == 8 * t + 2 * t**2 + (t > 1)  # the terminal
    assert {block[-1][1:] for block in codes} == {(7, 0, 0, 0)}


def test_size() -> None:
    assert BlockQNNSpace(layers=2).size == 10 * 11 * 2 * 2
    assert SPACE.size == pytest.approx(3.1e23, rel=0.01)


def test_what_nothing_takes_is_concatenated() -> None:
    graph = SPACE.graph(SPACE.from_codes(INCEPTION))
    convolutions = ("nor_conv_1x1", "nor_conv_3x3", "nor_conv_5x5")
    assert graph.ops == ("input", *convolutions, "max_pool_3x3", "concat", "output")
    assert graph.edges == ((0, 1), (0, 2), (0, 4), (1, 3), (2, 5), (3, 5), (4, 5), (5, 6))


def test_a_residual_block() -> None:
    graph = SPACE.graph(SPACE.from_codes(RESIDUAL))
    plain = ArchGraph(ops=("input", "nor_conv_3x3", "nor_conv_3x3", "output"), edges=((0, 1), (1, 2), (0, 3), (2, 3)))
    assert graph.digest == plain.digest


def test_what_comes_after_the_terminal_does_not_count() -> None:
    params = SPACE.from_codes(RESIDUAL)
    noisy = {**SPACE.sample(np.random.default_rng(0)), **{k: v for k, v in params.items() if int(k.split("_")[1]) <= 4}}
    assert noisy != params
    assert SPACE.graph(noisy) == SPACE.graph(params)
    assert SPACE.blocks(noisy) == 3
    assert SPACE.to_codes(noisy) == RESIDUAL


def test_the_second_predecessor_counts_only_where_there_are_two() -> None:
    params = SPACE.from_codes(RESIDUAL)
    assert SPACE.graph(params | {"pred2_2": "1"}) == SPACE.graph(params)
    assert SPACE.graph(params | {"pred2_3": "1"}) != SPACE.graph(params)


def test_a_pooling_of_one_pixel_is_an_identity() -> None:
    pooled, same = ([(1, *kind, 0, 0), (2, 1, 3, 1, 0)] for kind in ((2, 1), (4, 0)))
    assert SPACE.graph(SPACE.from_codes(pooled)) == SPACE.graph(SPACE.from_codes(same))


def test_codes_round_trip() -> None:
    rng = np.random.default_rng(0)
    for space in (SPACE, BlockQNNSpace(layers=1), BlockQNNSpace(layers=23)):
        for _ in range(30):
            params = space.sample(rng)
            codes = space.to_codes(params)
            for written in (codes, codes[:-1]):  # the terminal may be left out
                assert space.graph(space.from_codes(written)) == space.graph(params)
                assert space.to_codes(space.from_codes(written)) == codes


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([(2, 1, 1, 0, 0)], "code 1 must be (1, type, kernel size, pred1, pred2), but got (2, 1, 1, 0, 0)."),
        ([(1, 1, 7, 0, 0)], "code 1 must be (1, type, kernel size, pred1, pred2), but got (1, 1, 7, 0, 0)."),
        ([(1, 4, 0, 0)], "code 1 must be (1, type, kernel size, pred1, pred2), but got (1, 4, 0, 0)."),
        ([*RESIDUAL, (5, 4, 0, 0, 0)], "code 5 must be (5, type, kernel size, pred1, pred2), but got (5, 4, 0, 0, 0)."),
        ([(1, 1, 1, 1, 0)], "parameter 'pred1_1' of blockqnn must be one of ['0'], but got '1'."),
        ([(1, 7, 0, 0, 0)], "parameter 'op_1' of blockqnn must be one of"),
        ([], "parameter 'op_1' of blockqnn must be one of"),
        ([(k, 4, 0, 0, 0) for k in range(1, 12)], "blockqnn has no parameter 'op_11'"),
    ],
)
def test_codes_that_are_no_block(codes: Any, message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        SPACE.from_codes(codes)


def test_params_are_read_off_the_graph_and_off_its_canonical_form() -> None:
    rng, small = np.random.default_rng(0), BlockQNNSpace(layers=6)
    for _ in range(200):
        params = small.sample(rng)
        graph = small.graph(params)
        for space, form in ((small, graph), (BlockQNNSpace(layers=15), graph.canonical())):  # sums are layers again
            found = space.params_of(form, near={})
            assert found is not None
            assert space.graph(found).digest == graph.digest


def test_other_graphs_have_no_params() -> None:
    for ops in (("input_0", "input_1", "output"), ("input", "sep_conv_3x3", "output")):
        graph = ArchGraph(ops=ops, edges=((0, 2), (1, 2)) if len(ops) == 3 else ())
        assert SPACE.params_of(graph, near={}) is None
    nothing = ArchGraph(ops=("input", "output"), edges=())
    assert SPACE.params_of(nothing, near={}) is None
    wide = ArchGraph(ops=("input", *["nor_conv_1x1"] * 11, "output"), edges=tuple((k, k + 1) for k in range(12)))
    assert SPACE.params_of(wide, near={}) is None
    assert BlockQNNSpace(layers=11).params_of(wide, near={}) is not None


def test_a_crossover_takes_whole_layers() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = SPACE.sample(rng), SPACE.sample(rng)
        child = SPACE.crossover(first, second, rng)
        for gene in SPACE.genes:
            parts = [tuple(params[name] for name in gene) for params in (child, first, second)]
            assert parts[0] in parts[1:]


def test_growth_adds_a_layer_at_the_end() -> None:
    smallest = list(SPACE.expansions())
    assert {SPACE.blocks(params) for params in smallest} == {1}
    assert len(smallest) == 10  # ten types, and the input as the only predecessor
    larger = list(SPACE.expansions(SPACE.from_codes(RESIDUAL)))
    assert len(larger) == 8 * 4 + 2 * 10  # eight types of one of four, a sum or a concatenation of two of four
    assert all(SPACE.to_codes(params)[:3] == RESIDUAL[:3] and SPACE.blocks(params) == 4 for params in larger)
    assert not list(BlockQNNSpace(layers=1).expansions(BlockQNNSpace(layers=1).from_codes([(1, 4, 0, 0, 0)])))


def test_q_learning_ends_up_at_what_is_rewarded() -> None:
    space = BlockQNNSpace(layers=4)
    study = run(
        space,
        QLearningSampler(space, n_trials=80, seed=0),
        100,
        lambda params: float(sum(code[1:3] == (1, 5) for code in space.to_codes(params))),
    )
    early, late = (np.mean([t.value for t in study.trials[k : k + 20]]) for k in (0, 80))
    assert late > early + 0.5
    assert len({space.graph(t.params).digest for t in study.trials}) == 100


def test_a_block_needs_a_layer() -> None:
    with pytest.raises(SpaceError, match=re.escape("`layers` must be at least 1, but got 0.")):
        BlockQNNSpace(layers=0)
