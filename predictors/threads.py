"""One thread for small linear algebra: the same numbers on every machine, and no fight over cores."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Runs NumPy's and SciPy's BLAS on one thread, so that sums are added in one order whatever the thread count."""
    with _controller(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _controller(n_modules: int) -> ThreadpoolController:  # noqa: ARG001
    """Looking for the libraries takes as long as a small fit: they are looked for again only after an import."""
    return ThreadpoolController()


@contextmanager
def single_torch_thread() -> Iterator[None]:
    """The same for PyTorch on the CPU."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
