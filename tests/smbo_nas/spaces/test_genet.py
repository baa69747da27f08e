from __future__ import annotations

import itertools
import re

import networkx as nx
import numpy as np
import pytest

from predictors.graph import ArchGraph
from smbo_nas.networks import count_parameters
from smbo_nas.samplers import GeneticSampler
from smbo_nas.spaces import GeNetSpace, SpaceError
from tests.smbo_nas.samplers.strategies import run

# Directed acyclic graphs of n nodes up to isomorphism, https://oeis.org/A003087. Each is one stage: nodes without a
# connection are dropped, and what the first and last node take says nothing new.
UNLABELLED_DAGS = {2: 2, 3: 6, 4: 31, 5: 302}


def test_the_papers_number_of_codes() -> None:
    # Xie and Yuille 2017: 13 bits for MNIST, S = 2, (K1, K2) = (3, 5); 19 for CIFAR-10, S = 3, (3, 4, 5)
    assert GeNetSpace(nodes=(3, 5)).size == 2**13 == 8192
    assert GeNetSpace().size == 2**19 == 524_288


@pytest.mark.parametrize("nodes", [(2,), (3,), (4,), (5,), (3, 2, 3), (3, 4)])
def test_the_number_of_networks_is_that_of_unlabelled_dags(nodes: tuple[int, ...]) -> None:
    expected = np.prod([UNLABELLED_DAGS[k] for k in nodes])
    assert len(GeNetSpace(nodes=nodes).classes) == expected


def inside(graph: ArchGraph, first: int, nodes: int) -> set[tuple[int, int]]:
    """The edges among a stage's nodes, which follow node `first`; 0 is `first`, `nodes + 1` the stage's last."""
    stage = range(first, first + nodes + 2)
    return {(i - first, j - first) for i, j in graph.edges if i in stage and j in stage}


def test_the_network_of_the_papers_figure() -> None:
    # Figure 1: S = 2, (K1, K2) = (4, 5). In the first stage, A1 feeds A2 and node 4 takes all three before it, so that
    # A3 takes the stage's first node; in the second, B2 is isolated, and B5 takes B3 and B4.
    space = GeNetSpace(nodes=(4, 5))
    graph = space.graph(space.from_code("1-00-111|0-10-000-0011"))
    assert inside(graph, 0, 4) == {(1, 2), (1, 4), (2, 4), (3, 4), (0, 1), (0, 3), (4, 5)}
    second = 7
    assert graph.ops[5:8] == ("conv_3x3", "max_pool_3x3", "conv_3x3")
    assert inside(graph, second, 5) == {(1, 3), (3, 5), (4, 5), (0, 1), (0, 4), (5, 6)}
    assert [k for k, live in enumerate(graph.live) if not live] == [second + 2]


def test_special_cases_of_a_stage() -> None:
    space = GeNetSpace(nodes=(4,))
    empty = space.graph(space.from_code("0-00-000"))
    assert empty.canonical().ops == ("input", "output"), "the first node is the stem, and the only convolution"
    # Isolated nodes are dropped so that a stage of more nodes can be any of fewer (sec. 3.1).
    small = GeNetSpace(nodes=(3,))
    for bits in map("".join, itertools.product("01", repeat=3)):
        code = f"{bits[0]}-{bits[1:]}"
        assert small.graph(small.from_code(code)).digest == space.graph(space.from_code(f"{code}-000")).digest


def test_an_empty_stage_is_one_convolution() -> None:
    space = GeNetSpace(nodes=(2, 2))
    sizes = {}
    for code in ("0|0", "0|1", "1|0", "1|1"):
        network = space.candidate(space.from_code(code)).build(input_shape=(3, 8, 8), num_classes=10, channels=8)
        sizes[code] = count_parameters(network)
    stem, wider, head = 27 * 8 + 16, 72 * 16 + 32, 16 * 10 + 10
    first, second = 72 * 8 + 16, 144 * 16 + 32
    assert sizes["0|0"] == stem + wider + head
    assert sizes["0|1"] == sizes["0|0"] + 3 * second  # two nodes and the stage's last
    assert sizes["1|0"] == sizes["0|0"] + 3 * first
    assert sizes["1|1"] == sizes["0|0"] + 3 * first + 3 * second


def test_a_stage_is_its_nodes_dag_between_first_and_last() -> None:
    """networkx as the oracle of who takes the first node and whom the last takes."""
    space = GeNetSpace()
    rng = np.random.default_rng(0)
    for _ in range(30):
        params = space.sample(rng)
        graph = space.graph(params)
        for s, first in enumerate((0, 6, 13)):
            k = space.nodes[s]
            dag = nx.DiGraph((i, j) for i, j in inside(graph, first, k) if i > 0 and j <= k)
            assert set(dag.edges) == {
                tuple(int(n) for n in name.split("_")[-2:])
                for name, bit in params.items()
                if bit == "1" and name.startswith(f"stage_{s + 1}")
            }
            ends = {(0, n) for n in dag if dag.in_degree(n) == 0} | {(n, k + 1) for n in dag if dag.out_degree(n) == 0}
            assert inside(graph, first, k) == ends | set(dag.edges)


def test_pooling_halves_and_doubles() -> None:
    space = GeNetSpace()
    network = space.candidate(space.from_code("0-01|0-01-111|0-11-010-0111")).build(
        input_shape=(3, 32, 32), num_classes=10, channels=8
    )
    assert (network.body.output.channels, network.body.output.reduction) == (32, 4)


def test_codes_round_trip() -> None:
    space = GeNetSpace()
    rng = np.random.default_rng(0)
    for _ in range(20):
        params = space.sample(rng)
        assert space.from_code(space.to_code(params)) == params
    assert space.to_code(space.from_code("1-01|0-01-100|0-11-101-0001")) == "1-01|0-01-100|0-11-101-0001"
    assert space.from_code("1-01|0-00-000|0-00-000-0000")["stage_1_edge_2_3"] == "1"


@pytest.mark.parametrize(
    "code", ["", "1-01", "1-01|0-01-100", "1-01|0-01-100|0-11-101-00010", "1-0101|0-10|0-11-101-0001"]
)
def test_other_codes_are_refused(code: str) -> None:
    message = f"a code of genet must look like 0-00|0-00-000|0-00-000-0000, but got {code!r}."
    with pytest.raises(SpaceError, match=re.escape(message)):
        GeNetSpace().from_code(code)


@pytest.mark.parametrize("nodes", [(), (3, 1), (0,)])
def test_nodes_have_to_be_two_or_more(nodes: tuple[int, ...]) -> None:
    with pytest.raises(SpaceError, match="`nodes` must be at least 2"):
        GeNetSpace(nodes=nodes)


def test_a_crossover_takes_whole_stages() -> None:
    # Xie and Yuille 2017, sec. 3.2: two individuals exchange stages, not bits
    space = GeNetSpace()
    assert [len(gene) for gene in space.genes] == [3, 6, 10]
    assert [name for gene in space.genes for name in gene] == list(space.choices)
    a, b = (dict.fromkeys(space.choices, bit) for bit in "01")
    rng = np.random.default_rng(0)
    children = {space.to_code(space.crossover(a, b, rng)) for _ in range(100)}
    whole = [("0-00", "1-11"), ("0-00-000", "1-11-111"), ("0-00-000-0000", "1-11-111-1111")]
    assert children == {"|".join(stages) for stages in itertools.product(*whole)}


def test_the_genetic_algorithm_runs_as_in_the_paper() -> None:
    space = GeNetSpace()
    a, b = (dict.fromkeys(space.choices, bit) for bit in "01")
    sampler = GeneticSampler(space, population_size=8, seed=0)
    rng = np.random.default_rng(0)
    children = [space.to_code(sampler._exchanged(a, b, rng)).split("|") for _ in range(2000)]
    exchanged = np.array([[stage[0] == "1" for stage in stages] for stages in children])
    assert exchanged.mean(axis=0) == pytest.approx([0.2] * 3, abs=0.03)
    assert all(len(set(stage) - {"-"}) == 1 for stages in children for stage in stages)
    study = run(space, sampler, 64, lambda params: float(space.blocks(params)))
    values = [trial.value for trial in study.trials]
    assert np.mean(values[-16:]) > np.mean(values[:8]) + 1
