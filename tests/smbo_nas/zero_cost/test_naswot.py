from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from smbo_nas.zero_cost.naswot import hamming_kernel, log_determinant, naswot

CODES = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]]).bool()


def test_hamming_kernel_of_codes_written_by_hand() -> None:
    """Four units less the number of bits in which two codes differ."""
    kernel = hamming_kernel(CODES)
    assert kernel.tolist() == [[4, 2, 2], [2, 4, 2], [2, 2, 4]]
    assert log_determinant(kernel) == pytest.approx(math.log(32))  # (4 - 2)^2 (4 + 2 x 2)


def test_opposite_codes_are_independent() -> None:
    kernel = hamming_kernel(torch.tensor([[1, 0, 1], [0, 1, 0]]).bool())
    assert kernel.tolist() == [[3, 0], [0, 3]]


def test_the_kernel_of_many_units_is_exact() -> None:
    rng = np.random.default_rng(0)
    codes = rng.random((5, 40_000)) < 0.5
    agree = (codes[:, None] == codes[None]).sum(axis=2)
    assert np.array_equal(hamming_kernel(torch.from_numpy(codes)).numpy(), agree)


def test_equal_codes_have_no_logarithm() -> None:
    assert log_determinant(hamming_kernel(CODES[[0, 1, 0]])) == -math.inf


class Kinds(nn.Module):
    """The same ReLU in each of the forms that networks write it in."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.module = nn.ReLU(inplace=form == "inplace")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * 1.0
        if self.form == "functional":
            return nn.functional.relu(x)
        return x.relu() if self.form == "method" else self.module(x)


@pytest.mark.parametrize("form", ["functional", "method", "module", "inplace"])
def test_relus_count_once_however_they_are_written(form) -> None:
    signs = CODES.float() * 2 - 1
    assert naswot(Kinds(form), signs) == pytest.approx(math.log(32))
    # Twice the units, twice the agreements: 2^3 times the determinant.
    assert naswot(nn.Sequential(Kinds(form), nn.Threshold(0.5, -1.0), Kinds(form)), signs) == pytest.approx(
        math.log(8 * 32)
    )


def test_zero_is_not_positive_and_nothing_to_see_has_no_logarithm() -> None:
    assert naswot(Kinds("method"), torch.zeros(3, 4)) == -math.inf
    assert naswot(nn.Identity(), torch.randn(3, 4)) == -math.inf
