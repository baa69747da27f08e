from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from smbo_nas.report.layout import _isotonic, layered_layout


def random_dag(seed: int) -> tuple[list[float], list[tuple[int, int]]]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 18))
    edges = [(int(rng.integers(j)), j) for j in range(1, n)]
    edges += [(i, j) for j in range(n) for i in range(j) if rng.random() < 0.15]
    return list(rng.uniform(40, 100, n)), edges


@pytest.mark.parametrize("seed", range(20))
def test_every_edge_goes_down_and_nothing_in_a_layer_overlaps(seed: int) -> None:
    widths, edges = random_dag(seed)
    layout = layered_layout(widths, edges, gap=14, bend=8)
    assert set(layout.routes) == set(edges)
    for (i, j), way in layout.routes.items():
        assert (way[0], way[-1]) == (i, j)
        assert [layout.layer[v] for v in way] == list(range(layout.layer[i], layout.layer[j] + 1))
    size = [*widths, *[8.0] * (len(layout.layer) - len(widths))]
    for layer in set(layout.layer):
        row = sorted((v for v in range(len(size)) if layout.layer[v] == layer), key=lambda v: layout.x[v])
        assert sum(v < len(widths) for v in row) <= 3
        for u, v in pairwise(row):
            assert layout.x[v] - layout.x[u] >= (size[u] + size[v]) / 2 + 14 - 1e-6
    assert min(x - s / 2 for x, s in zip(layout.x, size, strict=True)) == pytest.approx(0)
    assert max(x + s / 2 for x, s in zip(layout.x, size, strict=True)) == pytest.approx(layout.width)


def test_crossings_that_can_be_avoided_are() -> None:
    # Two chains whose nodes alternate: in the order of their numbers every layer's edges would cross.
    layout = layered_layout([50.0] * 6, [(0, 3), (1, 2), (2, 5), (3, 4)])
    assert (layout.x[0] < layout.x[1]) == (layout.x[3] < layout.x[2]) == (layout.x[4] < layout.x[5])


def test_a_chain_is_straight() -> None:
    layout = layered_layout([80.0, 40.0, 60.0], [(0, 1), (1, 2)])
    assert layout.x == pytest.approx([40.0, 40.0, 40.0])
    assert layout.width == pytest.approx(80.0)


def test_a_wide_layer_is_broken_up_by_the_longest_way_to_go() -> None:
    # Ten operations read the input; the last one has the longest way to the output, so it may not wait.
    edges = [(0, k) for k in range(1, 11)] + [(k, 12) for k in range(1, 10)] + [(10, 11), (11, 12)]
    layout = layered_layout([50.0] * 13, edges)
    assert layout.layer[10] == 1
    assert layout.layer[12] == max(layout.layer) == 5


def test_edges_out_of_a_node_share_their_bends() -> None:
    edges = [(0, 1), (1, 2), (2, 3), (2, 4), (0, 3), (0, 4)]
    layout = layered_layout([50.0] * 5, edges)
    assert layout.routes[0, 3][1:-1] == layout.routes[0, 4][1:-1]
    assert len(layout.layer) == 5 + 2


def test_isotonic_regression_is_that_of_scikit_learn() -> None:
    from sklearn.isotonic import isotonic_regression

    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 30):
        values, weights = rng.normal(size=n), rng.uniform(0.1, 8, size=n)
        expected = isotonic_regression(values, sample_weight=weights)
        assert _isotonic(list(values), list(weights)) == pytest.approx(list(expected))
