from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from predictors.architecture import GraphGP
from predictors.curves import LastValueCurvePredictor
from predictors.graph import ArchGraph
from smbo_nas import CellSpace, NASBench201Space
from smbo_nas.hypervolume import hypervolume
from smbo_nas.proposers import MutateProposer, Pool
from smbo_nas.proposers.feasible import FeasibleProposer
from smbo_nas.pruners.trial_curve import TrialCurve
from smbo_nas.samplers import MultiObjectiveSMBOSampler
from smbo_nas.samplers.pareto_round import ParetoRound
from smbo_nas.spaces import SpaceError

SPACE = NASBench201Space()


def live(graph: ArchGraph) -> list[str]:
    return [op for op, alive in zip(graph.ops, graph.live, strict=True) if alive]


def accuracy(graph: ArchGraph) -> float:
    return 3.0 * live(graph).count("nor_conv_3x3") + 2.0 * live(graph).count("nor_conv_1x1")


def cost(graph: ArchGraph) -> float:
    return 9.0 * live(graph).count("nor_conv_3x3") + live(graph).count("nor_conv_1x1")


def sampler(seed: int = 0, **changes: Any) -> MultiObjectiveSMBOSampler:
    settings: dict[str, Any] = {"computed": {1: cost}, "predictor": GraphGP(random_state=0), "n_startup_trials": 5}
    settings |= {"proposer": MutateProposer(mutations=60, crossovers=0, randoms=40)}
    return MultiObjectiveSMBOSampler(SPACE, seed=seed, **(settings | changes))


def objective(trial: optuna.Trial) -> tuple[float, float]:
    graph = SPACE.suggest(trial).graph
    return accuracy(graph), cost(graph)


def study_of(sampler: optuna.samplers.BaseSampler, n_trials: int, function: Any = objective) -> optuna.Study:
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(function, n_trials)
    return study


def volume(study: optuna.Study) -> float:
    values = np.array([t.values for t in study.best_trials]) * [1.0, -1.0]
    return hypervolume(values, np.array([-1.0, -60.0]))


@pytest.mark.parametrize("computed", [{1: cost}, {}], ids=["computed", "predicted"])
def test_it_finds_a_larger_front_than_optunas_samplers(computed: dict[int, Any]) -> None:
    ours = volume(study_of(sampler(computed=computed), 20))
    for peer in (optuna.samplers.TPESampler(seed=0), optuna.samplers.NSGAIISampler(seed=0)):
        assert ours > volume(study_of(peer, 40))


def test_no_architecture_is_proposed_twice_and_workers_get_different_ones() -> None:
    study = study_of(sampler(), 8)
    for _ in range(3):
        SPACE.suggest(study.ask())
    digests = {SPACE.graph(t.params).digest for t in study.trials}
    assert len(digests) == 11


def test_a_sampler_rebuilt_for_every_trial_proposes_the_same() -> None:
    whole = study_of(sampler(5), 9)
    study = optuna.create_study(directions=["maximize", "minimize"])
    for _ in range(9):
        study.sampler = sampler(5)
        study.optimize(objective, 1)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


def test_computed_constraints_are_never_broken() -> None:
    study = study_of(sampler(constraints=[lambda graph: cost(graph) - 20.0]), 10)
    assert max(t.values[1] for t in study.trials) <= 20.0


def as_written(graph: ArchGraph) -> float:
    """A cost that counts convolutions without a signal, too."""
    return 9.0 * graph.ops.count("nor_conv_3x3") + graph.ops.count("nor_conv_1x1") + 0.1 * graph.ops.count("none")


def of_writing(trial: optuna.Trial) -> tuple[float, float]:
    graph = SPACE.suggest(trial).graph
    return accuracy(graph), as_written(graph)


def test_of_equal_architectures_the_cheapest_is_proposed() -> None:
    study = study_of(sampler(computed={1: as_written}), 12, of_writing)
    for trial in study.trials:
        assert trial.values[1] == min(as_written(SPACE.graph(p)) for p in (trial.params, *SPACE.alike(trial.params)))


def test_cheaper_ones_keep_what_is_fixed_and_what_is_constrained() -> None:
    def forbidden(graph: ArchGraph) -> float:
        return graph.ops.count("none") - 0.5

    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=sampler(computed={1: as_written}, constraints=[forbidden])
    )
    for _ in range(8):
        study.enqueue_trial({"edge_0_1": "nor_conv_3x3"})
    study.optimize(of_writing, 8)
    assert {t.params["edge_0_1"] for t in study.trials} == {"nor_conv_3x3"}
    assert all("none" not in t.params.values() for t in study.trials[5:])


def test_a_better_architecture_is_looked_for_where_none_measured_costs_as_much() -> None:
    points = list(SPACE.enumerate())[1000:1002]
    graphs = [SPACE.graph(point) for point in points]
    pool = Pool(tuple(points), tuple(graphs), tuple(graph.digest for graph in graphs))
    draws = np.stack([np.full(32, 9.9), np.linspace(0.0, 12.0, 32)], axis=1)
    told = ParetoRound(pool, [Told(draws), Told(np.array([-5.0, -100.0]))], [])
    front = np.array([[10.0, -5.0], [1.0, -1.0]])
    assert told.choose([0, 1], front, pending=[], since={}, rng=np.random.default_rng(0)) == 1


class Told:
    """An objective whose values are given."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self._values = values

    def outlook(self, graphs: Any) -> np.ndarray[Any, Any]:
        self._digests = [graph.digest for graph in graphs]
        return self._values

    def values(self, graphs: Any, given: Any, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        return self._values[..., [self._digests.index(graph.digest) for graph in graphs]]


def test_what_no_architecture_meets_is_said() -> None:
    space = CellSpace(nodes=2, ops=("conv_1x1", "conv_3x3"))
    proposer = FeasibleProposer(MutateProposer(), [lambda _: 1.0])
    with pytest.raises(SpaceError, match="meets the constraints"):
        next(proposer.draws(space, frozenset(), np.random.default_rng(0)))


def test_measured_constraints_are_learned() -> None:
    """A convolution of 3x3 is forbidden: nothing says so but the trials."""

    def limited(trial: optuna.Trial) -> tuple[float, float]:
        graph = SPACE.suggest(trial).graph
        trial.set_constraint("no 3x3", live(graph).count("nor_conv_3x3") - 0.5)
        return accuracy(graph), cost(graph)

    study = study_of(sampler(n_startup_trials=8), 18, limited)
    feasible = [all(c <= 0 for c in t.constraints.values()) for t in study.trials]
    assert sum(feasible[8:]) >= 7
    assert sum(feasible[8:]) > sum(feasible[:8])


def test_stopped_trainings_count_with_what_their_curves_promise() -> None:
    def stopping(trial: optuna.Trial) -> tuple[float, float]:
        graph = SPACE.suggest(trial).graph
        curve = TrialCurve(trial, horizon=6)
        for epoch in range(1, 7):
            curve.report(accuracy(graph) * (1.0 - 0.5**epoch), epoch)
            if epoch == 4 and trial.number % 3 == 2:
                raise optuna.TrialPruned
        return accuracy(graph), cost(graph)

    study = study_of(sampler(n_startup_trials=4, curve_predictor=LastValueCurvePredictor()), 12, stopping)
    states = [t.state for t in study.trials]
    assert states.count(TrialState.PRUNED) == 4
    assert len({SPACE.graph(t.params).digest for t in study.trials}) == 12


def test_objectives_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="`computed` must have indices"):
        sampler(computed={-1: cost})
    for computed in ({0: accuracy, 1: cost}, {2: cost}):
        study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler(computed=computed))
        with pytest.raises(ValueError, match="some but not all of the study's 2 objectives"):
            study.optimize(objective, 1)
