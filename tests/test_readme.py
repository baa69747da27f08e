"""What the README shows works as shown, only smaller."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def run(code: str, **given: Any) -> dict[str, Any]:
    exec(compile(code, "README.md", "exec"), given)
    return given


def test_the_first_example_is_short_and_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = EXAMPLES[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    smaller = code.replace("n_trials=24", "n_trials=3").replace("epochs=12", "epochs=2")
    assert smaller.count("=3)") == 1
    study = run(smaller)["study"]
    assert len(study.trials) == 3
    assert f"{study.best_value} {study.best_params}" in capsys.readouterr().out


def test_the_example_of_a_training_loop_of_ones_own_runs() -> None:
    import optuna

    from smbo_nas import CurvePruner, NASBench201Space

    epochs: list[int] = []

    def train_one_epoch_and_validate(network: Any) -> float:
        epochs.append(1)
        return 1 - 0.5 ** (len(epochs) % 30 + 1)

    space = NASBench201Space()
    given = run(EXAMPLES[1], space=space, optuna=optuna, train_one_epoch_and_validate=train_one_epoch_and_validate)
    study = optuna.create_study(direction="maximize", pruner=CurvePruner())
    study.optimize(given["objective"], n_trials=2)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE"]
    assert len(epochs) == 60


def test_the_example_of_a_cell_of_ones_own_builds_networks() -> None:
    import numpy as np
    import torch

    space = run(EXAMPLES[2])["space"]
    candidate = space.candidate(space.sample(np.random.default_rng(0)))
    network = candidate.build(input_shape=(1, 8, 8), num_classes=10, channels=4, cells_per_stage=1)
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_every_file_that_is_shown_or_linked_exists() -> None:
    root = Path(__file__).parent.parent
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if not target.startswith("http"):
            assert (root / target).exists(), target


def test_make_demo_runs_the_command_that_is_shown() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    shown = re.search(r"`(smbo-nas search [^`]*)`", README)
    assert shown is not None
    assert shown.group(1).removesuffix(" --out runs/demo") in makefile
