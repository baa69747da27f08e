from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest

from smbo_nas import NASBench101Space
from smbo_nas.benchmarks.fashion201 import load_fashion201
from smbo_nas.benchmarks.nasbench201 import load_table
from smbo_nas.benchmarks.tabular import CELL_KEY, EPOCHS_KEY
from smbo_nas.benchmarks.tasks import TaskSource, fashion201, nasbench101, nasbench101_params, nasbench201
from tests.smbo_nas.benchmarks.small import task


@pytest.mark.parametrize(
    ("dataset", "optimum"), [("cifar10", 91.607), ("cifar100", 73.493), ("imagenet16-120", 46.733)]
)
def test_the_optimum_is_the_published_one(dataset: str, optimum: float) -> None:
    found = TaskSource("nasbench201", dataset=dataset).load()
    assert found.optimum == pytest.approx(optimum, abs=5e-4)
    assert len(found.cells) == 15625
    best = int(np.argmax(found.values))
    assert found.regret(best) == 0.0
    assert found is TaskSource("nasbench201", dataset=dataset).load()


def test_a_noisy_query_is_one_training_and_the_regret_is_of_their_mean() -> None:
    found, table = nasbench201("cifar10", noisy=True), load_table("cifar10")
    objective, values = found.objective(0), []
    study = optuna.create_study(direction="maximize")
    row = 11667  # the best cell; rows count up the tokens
    for _ in range(12):
        study.enqueue_trial(found.cells[row])
        trial = study.ask()
        values.append(objective(trial))
        assert trial.user_attrs == {CELL_KEY: row, EPOCHS_KEY: 1}
    trainings = table.val_acc[row][np.isfinite(table.val_acc[row])]
    assert set(values) == set(trainings)
    assert found.optimum == pytest.approx(trainings.mean())


def test_the_starts_are_a_seeds_own_and_no_methods() -> None:
    first, again, other = task().starts(0, 10), task().starts(0, 10), task().starts(1, 10)
    assert first == again != other
    assert len({tuple(params.values()) for params in first}) == 10


def test_the_fingerprint_is_of_the_values() -> None:
    assert task().fingerprint() == task(name="other").fingerprint()
    assert task().fingerprint() != task(values=np.arange(125.0)).fingerprint()


def test_fashion201_counts_epochs() -> None:
    found, table = fashion201(), load_fashion201()
    assert (found.unit, found.epochs) == ("epochs", table.n_epochs)
    assert found.optimum == pytest.approx(100 * table.final_val_accuracy.max())
    assert found.seconds == pytest.approx(table.seconds.sum(axis=1))


def test_params_of_a_nasbench101_graph() -> None:
    space, rng = NASBench101Space(), np.random.default_rng(0)
    for _ in range(200):
        graph = space.graph(space.sample(rng))
        assert space.graph(nasbench101_params(space, graph)) == graph


def test_a_table_of_nasbench101_is_the_pool(tmp_path: Path) -> None:
    space, rng = NASBench101Space(), np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(30)]
    points = list({space.graph(params).digest: params for params in drawn}.values())[:12]
    rows = [{"graph": space.graph(p).to_dict(), "val_e108": float(k)} for k, p in enumerate(points)]
    file = tmp_path / "table.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in [*rows, rows[0]]))
    found = nasbench101(file)
    assert len(found.cells) == 12  # an isomorphic cell is the same cell
    assert found.optimum == 11.0
    assert np.isnan(found.seconds).all()
    study = optuna.create_study(direction="maximize")
    invalid = {**points[0], **{name: choices[-1] for name, choices in space.choices.items() if "inputs" in name}}
    assert not space.is_valid(invalid)
    objective, costs = found.objective(0), []
    for params in (points[3], points[3]):
        study.enqueue_trial(params)
        trial = study.ask()
        assert objective(trial) == 3.0
        costs.append(trial.user_attrs[EPOCHS_KEY])
    assert costs == [1, 0]
    study.enqueue_trial(invalid)
    with pytest.raises(optuna.TrialPruned, match="no architecture of nasbench101"):
        objective(study.ask())


def test_an_unknown_benchmark_is_refused() -> None:
    with pytest.raises(ValueError, match="`benchmark` must be nasbench201"):
        TaskSource("nasbench301").load()
