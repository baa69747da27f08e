from __future__ import annotations

import pytest
import torch

from smbo_nas import NASBench201Space
from smbo_nas.objectives import flops, latency, parameters, weighted_product

SPACE = NASBench201Space()
IMAGE = {"input_shape": (3, 32, 32), "num_classes": 10}


def cell(op: str) -> dict[str, str]:
    return dict.fromkeys(SPACE.choices, op)


def test_the_extremes_of_nasbench201_cost_what_its_authors_report() -> None:
    """Dong and Yang, ICLR 2020, and NATS-Bench: 0.073306 to 1.531546 million weights, 7.78 to 220.12 million FLOPs."""
    none, full = SPACE.graph(cell("none")), SPACE.graph(cell("nor_conv_3x3"))
    size, cost = parameters(SPACE, **IMAGE), flops(SPACE, **IMAGE)
    assert [size(graph) for graph in (none, full)] == [73_306, 1_531_546]
    assert [round(cost(graph) / 1e6, 2) for graph in (none, full)] == [7.78, 220.12]


def test_latency_is_measured_once_and_larger_networks_take_longer() -> None:
    state = torch.random.get_rng_state()
    cost = latency(SPACE, **IMAGE, batch_size=2, device="cpu", min_seconds=0.05)
    small, large = SPACE.graph(cell("none")), SPACE.graph(cell("nor_conv_3x3"))
    assert 0.0 < cost(small) < cost(large)
    assert cost(large) == cost(large)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"batch_size": 0}, "`batch_size`"), ({"min_seconds": 0.0}, "`min_seconds`"), ({"device": "tpu"}, "`device`")],
)
def test_bad_settings_of_a_measurement(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        latency(SPACE, **IMAGE, **changes)  # type: ignore[arg-type]


def test_weighted_product() -> None:
    """Sec. 3 of the MnasNet paper: twice the latency for 5 % more accuracy should be worth about the same."""
    assert weighted_product(0.75, 80.0, target=80.0) == 0.75
    assert weighted_product(0.5 * 1.05, 160.0, target=80.0) == pytest.approx(0.5, rel=2e-3)
    assert weighted_product(0.5, 40.0, target=80.0, alpha=0.0, beta=-1.0) == 0.5
    assert weighted_product(0.5, 160.0, target=80.0, alpha=0.0, beta=-1.0) == 0.25


@pytest.mark.parametrize(
    "changes", [{"value": -0.1}, {"cost": 0.0}, {"target": 0.0}, {"alpha": 0.1}, {"beta": 0.1}], ids=str
)
def test_bad_products(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(changes))}`"):
        weighted_product(**({"value": 0.5, "cost": 80.0, "target": 80.0} | changes))
