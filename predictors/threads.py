"""One thread for small linear algebra: the same numbers on every machine, and no fight over cores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Runs NumPy's and SciPy's BLAS on one thread, so that sums are added in one order whatever the thread count."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


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
