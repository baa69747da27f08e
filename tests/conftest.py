from __future__ import annotations

import optuna
import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_torch_thread() -> None:
    """Two threads on a busy machine cost up to five times one thread's time."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _quiet_optuna() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
