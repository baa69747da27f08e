from __future__ import annotations

from pathlib import Path

import pytest

from smbo_nas.report.analysis import agreement, best_so_far, epochs_after
from smbo_nas.report.reader import Run, read_run
from tests.smbo_nas.report.synthetic import synthetic_records, write_run


def run_of(path: Path, predicted: list[float], actual: list[float]) -> Run:
    records = synthetic_records()[: len(actual)]
    for record, mean, value in zip(records, predicted, actual, strict=True):
        record |= {"state": "COMPLETE", "value": value, "predicted_mean": mean, "predicted_std": 0.1}
    return read_run(write_run(path, records))


def test_best_so_far_rises_and_ends_at_the_best(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path))
    steps = [best for _, best in best_so_far(run)]
    assert steps == sorted(steps)
    assert steps[-1] == run.summary.best_value
    assert len(steps) == len(run.of_state("COMPLETE"))


def test_best_so_far_falls_where_the_metric_is_minimised(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, direction="minimize", metric="validation loss"))
    steps = [best for _, best in best_so_far(run)]
    assert steps == sorted(steps, reverse=True)


def test_epochs_add_up(tmp_path: Path) -> None:
    records = synthetic_records()
    run = read_run(write_run(tmp_path, records))
    after = epochs_after(run)
    assert after[0] == len(records[0]["curve"])
    assert after[3] == sum(len(r["curve"]) for r in records[:4])
    assert after[23] == run.summary.epochs_trained


def test_rank_correlations_have_the_values_of_their_definitions(tmp_path: Path) -> None:
    actual = [0.1, 0.2, 0.3, 0.4, 0.5]
    one_swap = agreement(run_of(tmp_path, [1.0, 2.0, 3.0, 5.0, 4.0], actual))
    assert one_swap.points == 5
    assert one_swap.kendall_tau == pytest.approx((9 - 1) / 10)  # concordant less discordant pairs of ten
    assert one_swap.spearman == pytest.approx(1 - 6 * 2 / (5 * 24))  # 1 - 6 sum d^2 / (n (n^2 - 1))
    upside_down = agreement(run_of(tmp_path, [5.0, 4.0, 3.0, 2.0, 1.0], actual))
    assert upside_down.kendall_tau == pytest.approx(-1)


def test_no_correlation_from_four_points_or_a_constant(tmp_path: Path) -> None:
    few = agreement(run_of(tmp_path, [1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4]))
    assert (few.points, few.kendall_tau, few.spearman) == (4, None, None)
    constant = agreement(run_of(tmp_path, [1.0] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]))
    assert (constant.points, constant.kendall_tau, constant.spearman) == (5, None, None)
