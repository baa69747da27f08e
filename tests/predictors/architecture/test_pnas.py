from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau

from predictors.architecture.inputs import Described
from predictors.architecture.pnas import PNASPredictor
from predictors.architecture.sequence_models import EnsembleLSTM
from predictors.graph import ArchGraph, GraphError
from tests.predictors.architecture.graphs import random_cells, relabelled, values

WORTH = {"sep_conv_5x5": 3.0, "sep_conv_3x3": 2.0, "max_pool_3x3": 1.0}


def block_cell(blocks: int, rng: np.random.Generator) -> ArchGraph:
    """A cell of PNAS: each block adds two operations on two earlier outputs."""
    ops, edges, outputs = ["input_0", "input_1"], [], [0, 1]
    for _ in range(blocks):
        for _ in range(2):
            edges.append((int(rng.choice(outputs)), len(ops)))
            ops.append(str(rng.choice(list(WORTH))))
        edges += [(len(ops) - 2, len(ops)), (len(ops) - 1, len(ops))]
        outputs.append(len(ops))
        ops.append("add")
    edges += [(k, len(ops)) for k in outputs[2:]] + [(len(ops), len(ops) + 1)]
    return ArchGraph(ops=(*ops, "concat", "output"), edges=tuple(edges))


def block_cells(n: int, blocks: int, seed: int) -> list[ArchGraph]:
    rng = np.random.default_rng(seed)
    return [block_cell(blocks, rng) for _ in range(n)]


def worth(graphs: list[ArchGraph]) -> NDArray[np.float64]:
    """The mean of the operations' worth."""
    return np.array([np.mean([WORTH[op] for op in graph.ops if op in WORTH]) for graph in graphs])


def fast(kind: str, **changes: object) -> PNASPredictor:
    settings = {"members": 3, "hidden": 32, "steps": 80, "random_state": 0} | changes
    return PNASPredictor(kind=kind, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["lstm", "mlp"])
def test_cells_of_more_blocks_than_it_learned_from_are_ranked(kind: str) -> None:
    seen = [*block_cells(50, 1, seed=0), *block_cells(50, 2, seed=1)]
    larger = block_cells(60, 4, seed=2)
    mean, std = fast(kind).fit(seen, worth(seen)).predict(larger, return_std=True)
    assert kendalltau(mean, worth(larger)).statistic > 0.5
    assert np.isfinite(std).all()
    assert (std > 0).all()


@pytest.mark.parametrize("kind", ["lstm", "mlp"])
def test_what_is_said_of_the_observations_was_said_without_seeing_them(kind: str) -> None:
    graphs = random_cells(60)
    y = values(graphs)
    noise = np.random.default_rng(0).permutation(y)
    learned = fast(kind).fit(graphs, y)
    fooled = fast(kind, steps=300).fit(graphs, noise)
    assert np.isfinite(learned.held_out_.mean).all()
    assert kendalltau(learned.held_out_.mean, y).statistic > 0.5
    assert kendalltau(fooled.predict(graphs), noise).statistic > 0.3
    assert abs(kendalltau(fooled.held_out_.mean, noise).statistic) < 0.3


@pytest.mark.parametrize("kind", ["lstm", "mlp"])
def test_numbers_that_ride_along_count(kind: str) -> None:
    graphs = random_cells(60)
    number = np.random.default_rng(0).standard_normal(60)
    rows = [Described(graph, (("lr", x),)) for graph, x in zip(graphs, number, strict=True)]
    predictor = fast(kind, steps=200).fit(rows[:40], number[:40])
    assert kendalltau(predictor.predict(rows[40:]), number[40:]).statistic > 0.6
    far, farther = (predictor.predict_scores([Described(graphs[0], (("lr", x),))])[0] for x in (1e3, 1e6))
    assert far == farther  # beyond what was seen, more is not better
    assert abs(far[0]) < 6.0


@pytest.mark.parametrize("kind", ["lstm", "mlp"])
def test_isomorphic_cells_get_one_prediction(kind: str) -> None:
    graphs = random_cells(20)
    predictor = fast(kind, steps=10).fit(graphs, values(graphs))
    np.testing.assert_array_equal(
        predictor.predict(graphs), predictor.predict([relabelled(graph, 1) for graph in graphs])
    )


def test_the_batched_lstm_is_that_of_torch() -> None:
    ours = EnsembleLSTM(members=2, n_tokens=7, hidden=5, generator=torch.Generator().manual_seed(0))
    tokens = torch.randint(0, 7, (4, 9), generator=torch.Generator().manual_seed(1))
    states = ours(tokens)
    for member in range(2):
        theirs = torch.nn.LSTM(5, 5, batch_first=True)

        def gates(x: torch.Tensor) -> torch.Tensor:  # torch has them in another order
            forget, write, show, candidate = x.chunk(4, dim=-1)
            return torch.cat([write, forget, candidate, show], dim=-1)

        theirs.load_state_dict(
            {
                "weight_ih_l0": gates(ours.of_input[member]).T,
                "weight_hh_l0": gates(ours.of_state[member]).T,
                "bias_ih_l0": gates(ours.bias[member, 0]),
                "bias_hh_l0": torch.zeros(20),
            }
        )
        torch.testing.assert_close(states[member], theirs(ours.embedding[member][tokens])[0])


def test_bad_arguments_are_named() -> None:
    graphs = random_cells(4)
    with pytest.raises(ValueError, match=r"`kind` must be one of \['lstm', 'mlp'\], but got 'gru'"):
        PNASPredictor(kind="gru").fit(graphs, values(graphs))
    with pytest.raises(ValueError, match="`members` must be at least 2, but got 1"):
        PNASPredictor(members=1).fit(graphs, values(graphs))
    unknown = ArchGraph(ops=("input", "conv_9x9", "output"), edges=((0, 1), (1, 2)))
    with pytest.raises(GraphError, match="unknown operation 'conv_9x9'"):
        fast("mlp", steps=1).fit(graphs, values(graphs)).predict([unknown])
    assert np.isfinite(fast("mlp", steps=1, ops=("conv_9x9",)).fit(graphs, values(graphs)).predict([unknown])).all()
