from __future__ import annotations

from threadpoolctl import threadpool_info, threadpool_limits

from predictors.threads import single_blas_thread


def blas_threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_linear_algebra_runs_on_one_thread_and_then_on_as_many_as_before() -> None:
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        for _ in range(2):
            with single_blas_thread():
                assert set(blas_threads()) == {1}
            assert blas_threads() == before
