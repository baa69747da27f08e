"""The files of a comparison."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predictors.files import write_whole
from smbo_nas.benchmarks.comparison.findings import Comparison
from smbo_nas.benchmarks.comparison.page import markdown, render

TABLE, FINDINGS, PAGE = "compare.md", "compare.json", "compare.html"


def runs_file(folder: Path, task: str) -> Path:
    """Where the searches of a task are kept."""
    return folder / f"{task.replace(' ', '_')}.json"


def write_outputs(folder: Path, comparison: Comparison, about: Mapping[str, Any]) -> None:
    """Writes the tables, the findings and the page, each whole or not at all."""
    write_whole(folder / TABLE, markdown(comparison))
    write_whole(folder / FINDINGS, json.dumps(comparison.to_json(about), allow_nan=False) + "\n")
    write_whole(folder / PAGE, render(comparison, about))
