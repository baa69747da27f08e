from __future__ import annotations

import pytest

from predictors.graph import ArchGraph
from smbo_nas.report.labels import kind_of, label_lines, operation_summary, short_name
from smbo_nas.report.text import NBSP, TIMES


@pytest.mark.parametrize(
    ("op", "name", "kind"),
    [
        ("nor_conv_3x3", "conv 3x3", "convolution"),
        ("conv3x3-bn-relu", "conv 3x3", "convolution"),
        ("conv1x1-bn-relu", "conv 1x1", "convolution"),
        ("learned_group_conv_1x1", "learned conv 1x1", "convolution"),
        ("bn_relu", "bn relu", "other"),
        ("sep_conv_5x5", "sep conv 5x5", "convolution"),
        ("conv_1x7_7x1", "conv 1x7 7x1", "convolution"),
        ("maxpool3x3", "max pool 3x3", "pooling"),
        ("avg_pool_3x3", "avg pool 3x3", "pooling"),
        ("skip_connect", "skip", "skip"),
        ("identity", "skip", "skip"),
        ("add", "sum", "merge"),
        ("concat", "concat", "merge"),
        ("input_1", "input 1", "end"),
        ("output", "output", "end"),
        ("none", "none", "none"),
        ("self_attention", "self attention", "other"),
    ],
)
def test_names_and_kinds_of_the_spaces_operations(op: str, name: str, kind: str) -> None:
    assert short_name(op) == name.replace("1x", f"1{TIMES}").replace("3x", f"3{TIMES}").replace(
        "5x", f"5{TIMES}"
    ).replace("7x", f"7{TIMES}")
    assert kind_of(op) == kind


def test_labels_break_before_the_size_and_never_grow_past_their_box() -> None:
    assert label_lines("sep_conv_3x3") == ["sep conv", f"3{TIMES}3"]
    assert label_lines("nor_conv_1x1") == ["conv", f"1{TIMES}1"]
    long = label_lines("a_very_long_operation_name_of_a_user_with_unbreakablepartsinside")
    assert len(long) == 2
    assert all(len(line) <= 11 for line in long)
    assert long[-1].endswith("…")


def test_the_summary_counts_live_operations_only() -> None:
    ops = ("input", "nor_conv_3x3", "nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "output")
    graph = ArchGraph(ops=ops, edges=((0, 1), (0, 2), (0, 3), (0, 4), (3, 5), (1, 6), (2, 6), (4, 6), (5, 6)))
    assert operation_summary(graph) == f"conv{NBSP}3{TIMES}3{NBSP}{TIMES}2, skip"


def test_the_summary_of_the_odd_ones() -> None:
    assert operation_summary(None) == "no architecture"
    assert operation_summary(ArchGraph(ops=("input", "output"), edges=((0, 1),))) == "identity only"
    dead = ArchGraph(ops=("input", "none", "output"), edges=((0, 1), (1, 2)))
    assert operation_summary(dead) == "no path from input to output"
