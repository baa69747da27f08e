from __future__ import annotations

import numpy as np

from predictors.architecture.inputs import Described
from predictors.diversity import choose_diverse, similarity
from tests.predictors.architecture.graphs import random_cells, relabelled


def test_similarity_is_a_kernel_of_architectures() -> None:
    graphs = random_cells(30)
    graphs.append(relabelled(graphs[0], 1))
    alike = similarity(graphs)
    np.testing.assert_allclose(np.diag(alike), 1.0)
    np.testing.assert_allclose(alike, alike.T)
    assert np.linalg.eigvalsh(alike).min() > -1e-9
    assert (alike >= 0).all()
    np.testing.assert_allclose(alike[0, -1], 1.0)


def test_columns_tell_equal_graphs_apart() -> None:
    graph = random_cells(1)[0]
    alike = similarity([Described(graph, (("rate", rate),)) for rate in (0.1, 0.1, 0.2, float("nan"))])
    np.testing.assert_allclose(alike[0, 1], 1.0)
    assert alike[0, 2] < 1.0


def test_each_choice_raises_the_determinant_most() -> None:
    """Against determinants: the kernel of the process is diag(q) S diag(q) with q = exp(quality / 2)."""
    rng = np.random.default_rng(0)
    alike, quality = similarity(random_cells(40)), rng.normal(size=40)
    q = np.exp(quality / 2)
    kernel = q[:, None] * (alike + 1e-6 * np.eye(40)) * q
    chosen = choose_diverse(quality, alike, 6)
    for k in range(6):
        rest = [j for j in range(40) if j not in chosen[:k]]
        determinants = {j: np.linalg.slogdet(kernel[np.ix_([*chosen[:k], j], [*chosen[:k], j])])[1] for j in rest}
        assert determinants[chosen[k]] >= max(determinants.values()) - 1e-3


def test_copies_come_last() -> None:
    alike = np.kron(np.eye(3), np.ones((2, 2)))  # three pairs of twins
    chosen = choose_diverse(np.array([5.0, 5.0, 1.0, 0.0, 3.0, 3.0]), alike, 9)
    assert chosen[:3] == [0, 4, 2]
    assert sorted(chosen) == list(range(6))
