from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from predictors.table import read_table
from smbo_nas import load_data
from smbo_nas.cli import app
from smbo_nas.spaces.nasbench201 import NASBench201Space
from smbo_nas.zero_cost import SCORES, describe
from smbo_nas.zero_cost.table import training_minibatch

SPACE = NASBench201Space()
SMALL = ("--size", "channels=4", "--size", "cells_per_stage=1")


def run(*arguments: object):
    return CliRunner().invoke(app, ["zero-cost", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    params = [SPACE.sample(rng) for _ in range(3)] + [dict.fromkeys(SPACE.choices, "none")]
    rows = [{"graph": SPACE.graph(p).to_dict(), "name": f"cell {k}", "value": k / 2} for k, p in enumerate(params)]
    path = tmp_path / "table.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_scores_become_columns_and_everything_else_stays(table, suffix) -> None:
    out = table.with_name(f"scored{suffix}")
    done = run("--table", table, "--out", out, *SMALL, "--seed", 3)
    assert done.exit_code == 0, done.output
    assert "4 architectures" in done.output
    scored = read_table(out, columns=tuple(SCORES))
    before = read_table(table)
    assert scored.graphs == before.graphs
    assert np.array_equal(scored.y, before.y)
    assert "cell 2" in out.read_text()
    data = load_data("digits")
    expected = describe(
        before.graphs,
        *training_minibatch(data, 16, seed=3),
        skeleton="nasbench201",
        num_classes=10,
        seed=3,
        channels=4,
        cells_per_stage=1,
    )
    for k, row in enumerate(expected):
        assert [scored.columns[name][k] for name, _ in row.columns] == pytest.approx(
            [value for _, value in row.columns], nan_ok=True
        )
    assert np.isnan(scored.columns["synflow"]).tolist() == [False, False, False, True]


def test_some_scores_only(table) -> None:
    out = table.with_name("scored.jsonl")
    assert run("--table", table, "--out", out, *SMALL, "--scores", "naswot, flops").exit_code == 0
    fields = json.loads(out.read_text().splitlines()[0])
    assert set(fields) == {"graph", "name", "value", "naswot", "flops"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scores", "nonsense"), "`names` must be among"),
        (("--images", "1"), "`images` must be from 2 to"),
        (("--images", "100000"), "`images` must be from 2 to"),
        (("--space", "nonsense"), "unknown space 'nonsense'"),
        (("--out", "scored.txt"), "scored.txt"),
        (("--table", "missing.jsonl"), "missing.jsonl"),
        (("--size", "breadth=3"), "no size 'breadth'"),
    ],
)
def test_bad_input_is_one_line(table, arguments, message) -> None:
    options = ["--table", table, "--out", table.with_name("scored.jsonl"), *arguments]
    done = run(*options)
    assert done.exit_code == 2
    assert done.output.startswith("smbo-nas: ")
    assert len(done.output.splitlines()) == 1
    assert re.search(message, done.output)
    assert not table.with_name("scored.jsonl").exists()
