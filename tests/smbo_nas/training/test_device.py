from __future__ import annotations

import pytest
import torch

from smbo_nas.training.device import autocast, resolve_amp, resolve_device

CUDA = torch.device("cuda", 0)


@pytest.mark.parametrize("name", ["gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "mps", ""])
def test_unknown_devices(name: str) -> None:
    with pytest.raises(ValueError, match="must be auto, cpu, cuda or cuda:N"):
        resolve_device(name)


def test_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == resolve_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="'cuda:1', but PyTorch finds no CUDA device"):
        resolve_device("cuda:1")


def test_with_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == resolve_device("cuda") == CUDA
    assert resolve_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match="'cuda:2', but there are only 2"):
        resolve_device("cuda:2")


def test_automatic_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_amp("auto", torch.device("cpu")) is None
    assert resolve_amp("off", CUDA) is None
    for native, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation, native=native: native)
        assert resolve_amp("auto", CUDA) is expected


def test_unknown_precision() -> None:
    with pytest.raises(ValueError, match="`amp` must be one of off, bfloat16"):
        resolve_amp("float8", CUDA)


def test_autocast_can_be_entered_again_and_again() -> None:
    context = autocast(torch.device("cpu"), torch.bfloat16)
    for _ in range(2):
        with context:
            assert torch.nn.functional.linear(torch.ones(1, 2), torch.ones(1, 2)).dtype == torch.bfloat16
    with autocast(torch.device("cpu"), None):
        assert torch.nn.functional.linear(torch.ones(1, 2), torch.ones(1, 2)).dtype == torch.float32
