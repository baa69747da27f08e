from __future__ import annotations

import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from torch import Tensor, nn

from smbo_nas.training import evaluate
from tests.smbo_nas.training.tiny import TinyNetwork, tiny_data


@pytest.mark.parametrize("batch_size", [1, 7, 60, 500])
def test_scores_are_those_of_scikit_learn(batch_size: int) -> None:
    data, network = tiny_data(), TinyNetwork()
    network.eval()
    with torch.no_grad():
        probabilities = network(data.train.images).double().softmax(1).numpy()
    score = evaluate(network, data.train, batch_size=batch_size)
    assert score.loss == pytest.approx(log_loss(data.train.labels, probabilities), rel=1e-5)
    assert score.accuracy == pytest.approx(accuracy_score(data.train.labels, probabilities.argmax(1)))


def test_the_mode_is_left_as_it_was_and_no_gradient_is_made() -> None:
    network = TinyNetwork()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.train()
    evaluate(network, tiny_data().test)
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())
    network.eval()
    evaluate(network, tiny_data().test)
    assert not network.training


class WithAuxiliary(TinyNetwork):
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = super().forward(images)
        return logits, torch.full_like(logits, float("nan"))


def test_auxiliary_logits_are_not_scored() -> None:
    network, plain = WithAuxiliary(), TinyNetwork()
    plain.load_state_dict(network.state_dict())
    assert evaluate(network, tiny_data().test) == evaluate(plain, tiny_data().test)


def test_precision() -> None:
    dtypes = []

    class Recorder(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            dtypes.append(super().forward(images.flatten(1)).dtype)
            return torch.zeros(len(images), 3, dtype=dtypes[-1])

    evaluate(Recorder(64, 3), tiny_data().test, amp="bfloat16")
    evaluate(Recorder(64, 3), tiny_data().test)
    assert dtypes == [torch.bfloat16, torch.float32]
