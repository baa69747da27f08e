from __future__ import annotations

import itertools
import re
from collections import defaultdict
from functools import cache

import networkx as nx
import numpy as np
import pytest

from smbo_nas.spaces import NASBench201Space, Params, SpaceError
from tests.isomorphism import degree_profile, edge_labelled_cell, isomorphic, reduced

SPACE = NASBench201Space()
BEST_CIFAR10 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"


@cache
def classes() -> dict[str, list[Params]]:
    """All 15,625 cells by digest."""
    found: dict[str, list[Params]] = defaultdict(list)
    for params in SPACE.enumerate():
        found[SPACE.graph(params).digest].append(params)
    return found


def oracle(params: Params) -> nx.DiGraph:
    """The cell by its own definition (operations on edges), reduced by graph rewriting."""
    ops = {(int(name[5]), int(name[7])): op for name, op in params.items()}
    return reduced(edge_labelled_cell(ops))


def test_published_size() -> None:
    # Dong and Yang 2020, sec. 2.1: five operations on each of six edges
    assert SPACE.size == 5**6 == 15_625
    assert len(list(SPACE.enumerate())) == 15_625


def test_classes_up_to_isomorphism() -> None:
    assert len(classes()) == 5_425
    assert sum(map(len, classes().values())) == 15_625


def test_cells_of_a_class_are_isomorphic() -> None:
    rng = np.random.default_rng(0)
    several = [members for members in classes().values() if len(members) > 1]
    pairs = 0
    for k in rng.choice(len(several), size=60, replace=False):
        members = several[k]
        chosen = rng.choice(len(members), size=min(8, len(members)), replace=False)
        for a, b in itertools.combinations([oracle(members[c]) for c in chosen], 2):
            assert isomorphic(a, b)
            pairs += 1
    assert pairs > 300


def test_cells_of_different_classes_that_look_alike_are_not_isomorphic() -> None:
    rng = np.random.default_rng(0)
    members = list(classes().values())
    alike: dict[object, list[nx.DiGraph]] = defaultdict(list)
    for k in rng.choice(len(members), size=1500, replace=False):
        graph = oracle(members[k][0])
        alike[degree_profile(graph)].append(graph)
    pairs = [pair for graphs in alike.values() for pair in itertools.combinations(graphs, 2)]
    assert len(pairs) > 300
    assert not any(isomorphic(a, b) for a, b in pairs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The hashes produced for directed graphs changed:UserWarning")
def test_classes_are_those_of_the_oracle() -> None:
    """The whole partition: cells share a digest exactly if networkx finds them isomorphic."""
    buckets: dict[str, list[tuple[nx.DiGraph, set[str]]]] = defaultdict(list)
    for digest, members in classes().items():
        for params in members:
            graph = oracle(params)
            plain = nx.DiGraph(graph.edges(data=True))
            plain.add_nodes_from((k, {"text": str(data["label"])}) for k, data in graph.nodes(data=True))
            key = nx.weisfeiler_lehman_graph_hash(plain, node_attr="text", edge_attr="times", iterations=3)
            for representative, digests in buckets[key]:
                if isomorphic(representative, graph):
                    digests.add(digest)
                    break
            else:
                buckets[key].append((graph, {digest}))
    found = [digests for bucket in buckets.values() for _, digests in bucket]
    assert len(found) == 5_425
    assert all(len(digests) == 1 for digests in found)


def test_cells_without_signal_are_one_class() -> None:
    dead = dict.fromkeys(SPACE.choices, "nor_conv_3x3") | {"edge_0_1": "none", "edge_0_2": "none", "edge_0_3": "none"}
    nothing = dict.fromkeys(SPACE.choices, "none")
    assert SPACE.graph(dead).digest == SPACE.graph(nothing).digest
    assert SPACE.graph(nothing).canonical().ops == ("input", "output")


@pytest.mark.parametrize(
    "text",
    [
        BEST_CIFAR10,
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    ],
)
def test_the_benchmarks_strings_round_trip(text: str) -> None:
    assert SPACE.to_arch_string(SPACE.from_arch_string(text)) == text


def test_the_best_cell_of_cifar10() -> None:
    params = SPACE.from_arch_string(BEST_CIFAR10)
    assert params == {
        "edge_0_1": "nor_conv_3x3",
        "edge_0_2": "nor_conv_3x3",
        "edge_1_2": "nor_conv_3x3",
        "edge_0_3": "skip_connect",
        "edge_1_3": "nor_conv_3x3",
        "edge_2_3": "nor_conv_3x3",
    }
    graph = SPACE.graph(params).canonical()
    assert graph.ops == ("input", *["nor_conv_3x3"] * 5, "output")
    assert (0, 6) in graph.edges  # the skip is a residual connection


def test_every_string_round_trips() -> None:
    points = list(itertools.islice(SPACE.enumerate(), 0, None, 13))
    texts = [SPACE.to_arch_string(params) for params in points]
    assert len(set(texts)) == len(points)
    assert [SPACE.from_arch_string(text) for text in texts] == points


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nor_conv_3x3",
        BEST_CIFAR10.replace("nor_conv_3x3", "nor_conv_5x5"),
        BEST_CIFAR10.replace("+|skip_connect~0", "+|nor_conv_3x3~0|skip_connect~0"),
        BEST_CIFAR10 + "+|none~0|none~1|none~2|none~3|",
        BEST_CIFAR10.rpartition("+")[0],
        "|" + BEST_CIFAR10,
        BEST_CIFAR10 + " ",
    ],
)
def test_refuses_other_strings(text: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(f"no architecture string of nasbench201: {text!r}")):
        SPACE.from_arch_string(text)
