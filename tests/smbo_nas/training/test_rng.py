from __future__ import annotations

import pytest
import torch

from smbo_nas.training.rng import RunRandom

CPU = torch.device("cpu")


def draw(random: RunRandom) -> list[float]:
    with random.borrowed():
        return torch.rand(3).tolist()


def test_the_global_generator_is_given_back_untouched() -> None:
    before = torch.get_rng_state()
    draw(RunRandom(0, CPU))
    assert torch.equal(torch.get_rng_state(), before)


def test_it_is_given_back_after_an_error_too() -> None:
    before = torch.get_rng_state()

    def fail() -> None:
        with RunRandom(0, CPU).borrowed():
            torch.rand(3)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_stream_goes_on_whatever_others_draw() -> None:
    undisturbed, disturbed = RunRandom(5, CPU), RunRandom(5, CPU)
    expected = draw(undisturbed), draw(undisturbed)
    first = draw(disturbed)
    torch.rand(7)
    assert (first, draw(disturbed)) == expected
    assert expected[0] != expected[1]


def test_seeds_and_streams_differ() -> None:
    one, other = RunRandom(1, CPU), RunRandom(2, CPU)
    data = torch.rand(3, generator=one.generator).tolist()
    assert len({tuple(draw(one)), tuple(draw(other)), tuple(data)}) == 3


def test_state_restores_both_streams() -> None:
    random = RunRandom(1, CPU)
    draw(random)
    state = {name: tensor.clone() for name, tensor in random.state().items()}
    expected = draw(random), torch.rand(3, generator=random.generator).tolist()
    other = RunRandom(9, CPU)
    other.restore(state)
    assert (draw(other), torch.rand(3, generator=other.generator).tolist()) == expected
