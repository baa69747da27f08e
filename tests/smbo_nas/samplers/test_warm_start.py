from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest

from predictors.architecture import GraphGP
from predictors.graph import ArchGraph
from predictors.persistence import FILE, save
from predictors.table import ArchTable
from smbo_nas import CellSpace, DARTSSpace, SMBOSampler
from smbo_nas.samplers.warm_start import WarmStartError, enqueue
from smbo_nas.spaces import Params

SPACE = CellSpace(nodes=3, ops=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))
POINTS = [candidate.params for candidate in SPACE.classes.values()]
GRAPHS = [SPACE.graph(params) for params in POINTS]


def worth(graph: ArchGraph, pooling: float = -0.5) -> float:
    live = [op for op, alive in zip(graph.ops, graph.live, strict=True) if alive]
    return live.count("nor_conv_3x3") + pooling * live.count("avg_pool_3x3") + 0.3 * len(live)


def study_of(direction: str = "maximize", **settings: object) -> optuna.Study:
    sampler = SMBOSampler(SPACE, predictor=GraphGP(random_state=0), seed=0, **settings)  # type: ignore[arg-type]
    return optuna.create_study(direction=direction, sampler=sampler)


def first(n: int, **settings: object) -> list[str]:
    study = study_of(**settings)
    study.optimize(lambda trial: worth(SPACE.suggest(trial).graph, pooling=0.1), n_trials=n)
    return [SPACE.graph(trial.params).digest for trial in study.trials]


def best(n: int) -> set[str]:
    return {graph.digest for graph in sorted(GRAPHS, key=worth, reverse=True)[:n]}


@pytest.fixture(scope="module")
def source() -> GraphGP:
    return GraphGP(random_state=0).fit(GRAPHS, [worth(graph) for graph in GRAPHS])


def test_it_begins_with_what_a_predictor_of_another_task_holds_for_best(source: GraphGP) -> None:
    assert len(best(10) & set(first(5, warm_start=source))) == 5


def test_a_source_is_learned_from_beyond_the_first_trials(source: GraphGP) -> None:
    study = study_of(warm_start=source, n_startup_trials=2)
    study.optimize(lambda trial: worth(SPACE.suggest(trial).graph, pooling=0.1), n_trials=4)
    fitted = study.sampler._fitted[1].predictor  # type: ignore[attr-defined]
    assert fitted.source_ is source


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_from_another_study(direction: str) -> None:
    sign = 1.0 if direction == "maximize" else -1.0
    other = study_of(direction, n_startup_trials=30)
    other.optimize(lambda trial: sign * worth(SPACE.suggest(trial).graph), n_trials=30)
    assert len(best(15) & set(first(4, warm_start=other))) >= 3


def test_a_study_with_hyperparameters_is_learned_from_by_its_architectures() -> None:
    def with_rate(trial: optuna.Trial) -> float:
        return worth(SPACE.suggest(trial).graph) - trial.suggest_float("rate", 0.0, 0.1)

    other = study_of(n_startup_trials=30)
    other.optimize(with_rate, n_trials=30)
    study = study_of(warm_start=other, n_startup_trials=3)
    study.optimize(with_rate, n_trials=6)
    assert len(best(15) & {SPACE.graph({n: t.params[n] for n in SPACE.choices}).digest for t in study.trials}) >= 3


def test_from_a_saved_predictor(source: GraphGP, tmp_path: Path) -> None:
    save(source, tmp_path)
    assert first(3, warm_start=tmp_path) == first(3, warm_start=source)


def ranked(path: Path, points: list[Params]) -> Path:
    """As `predictor rank` writes it."""
    lines = [
        {"graph": SPACE.graph(params).to_dict(), "rank": k + 1, "mean": 1.0, "std": 0.1, "p_top": 0.5}
        for k, params in enumerate(points)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_ranked_list_is_proposed_in_its_order(tmp_path: Path) -> None:
    points = [POINTS[k] for k in (40, 3, 17)]
    path = ranked(tmp_path / "candidates.jsonl", points)
    expected = [SPACE.graph(params).digest for params in points]
    assert first(3, warm_start=path) == expected
    assert first(3, warm_start=points) == expected
    assert first(3, warm_start=[SPACE.graph(params) for params in points]) == expected


def test_joint_searches_begin_with_the_list_too() -> None:
    points = [POINTS[k] for k in (40, 3, 17, 20)]
    study = study_of(warm_start=points)
    study.optimize(lambda t: worth(SPACE.suggest(t).graph) + t.suggest_float("x", 0.0, 1.0), n_trials=4)
    assert [{n: t.params[n] for n in SPACE.choices} for t in study.trials] == points


def test_a_table_of_measured_architectures_is_learned_from(tmp_path: Path) -> None:
    path = tmp_path / "candidates.jsonl"
    ArchTable(GRAPHS, values=np.array([worth(graph) for graph in GRAPHS])).write(path)
    assert len(best(10) & set(first(4, warm_start=tmp_path))) == 4


def test_what_is_queued_comes_next() -> None:
    study = study_of()
    enqueue(study, SPACE, [POINTS[5], SPACE.graph(POINTS[9])])
    enqueue(study, SPACE, [POINTS[5]])
    study.optimize(lambda trial: worth(SPACE.suggest(trial).graph), n_trials=2)
    assert [trial.params for trial in study.trials] == [POINTS[5], POINTS[9]]


def test_architectures_of_another_space_are_refused(tmp_path: Path, source: GraphGP) -> None:
    darts = DARTSSpace()
    foreign = darts.sample(np.random.default_rng(0))
    study = optuna.create_study(study_name="foreign")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    with pytest.raises(WarmStartError, match="architecture 0 is none of"):
        SMBOSampler(SPACE, warm_start=[foreign])
    with pytest.raises(WarmStartError, match=r"operation '.*' is none of"):
        SMBOSampler(SPACE, warm_start=[darts.graph(foreign)])
    with pytest.raises(WarmStartError, match=r"operation .none. is none of darts"):
        SMBOSampler(darts, warm_start=source)
    with pytest.raises(WarmStartError, match=r"architectures\.jsonl.*operation '.*' is none of darts"):
        SMBOSampler(darts, warm_start=ranked(tmp_path / "architectures.jsonl", POINTS[-2:]))
    with pytest.raises(WarmStartError, match="study 'foreign' has no finished trial of an architecture of"):
        SMBOSampler(SPACE, warm_start=study)
    with pytest.raises(WarmStartError, match="architecture 0 is none of"):
        enqueue(study, SPACE, [foreign])


def test_what_cannot_be_read_is_named(tmp_path: Path, source: GraphGP) -> None:
    with pytest.raises(WarmStartError, match="missing"):
        SMBOSampler(SPACE, warm_start=tmp_path / "missing.jsonl")
    with pytest.raises(WarmStartError, match=r"must hold predictor\.safetensors or candidates\.jsonl"):
        SMBOSampler(SPACE, warm_start=tmp_path)
    (tmp_path / "half.jsonl").write_text('{"graph": {"ops": ["in')
    with pytest.raises(WarmStartError, match=r"half\.jsonl"):
        SMBOSampler(SPACE, warm_start=tmp_path / "half.jsonl")
    save(source, tmp_path)
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:1000])
    with pytest.raises(WarmStartError, match="cannot start from"):
        SMBOSampler(SPACE, warm_start=tmp_path)
    with pytest.raises(WarmStartError, match="must be fitted"):
        SMBOSampler(SPACE, warm_start=GraphGP())
    with pytest.raises(WarmStartError, match="at least one architecture"):
        SMBOSampler(SPACE, warm_start=[])


def test_columns_of_a_predictor_are_refused() -> None:
    from predictors.architecture.inputs import Described

    rows = [Described(graph, (("flops", float(k)),)) for k, graph in enumerate(GRAPHS[:5])]
    with pytest.raises(WarmStartError, match=r"reads the columns \['flops'\]"):
        SMBOSampler(SPACE, warm_start=GraphGP().fit(rows, range(5)))
