from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any, Self

import optuna
import pytest
from optuna.trial import TrialState

from predictors.architecture import GraphGP, NAOPredictor, PathEnsemble, PNASPredictor
from smbo_nas import (
    BANANASSampler,
    CellSpace,
    DARTSSpace,
    NAOSampler,
    NASBench101Space,
    NASBench201Space,
    PNASSampler,
    PNASSpace,
    SMBOSampler,
)
from smbo_nas.acquisition import ACQUISITIONS
from smbo_nas.proposers import LatentProposer, MutateProposer, ProgressiveProposer
from smbo_nas.spaces import SearchSpace

SPACE = NASBench201Space()
GROWING = PNASSpace(blocks=3, ops=("conv_3x3", "max_pool_3x3", "identity"), min_blocks=1)


def bananas(space: SearchSpace, seed: int = 0) -> SMBOSampler:
    predictor = PathEnsemble(members=2, hidden=16, steps=30, random_state=0)
    return BANANASSampler(space, predictor=predictor, n_startup_trials=4, seed=seed)


def pnas(space: SearchSpace, seed: int = 0) -> SMBOSampler:
    predictor = PNASPredictor(kind="mlp", members=2, hidden=16, steps=20, ops=space.operations, random_state=0)
    proposer = ProgressiveProposer(beam=5)
    return PNASSampler(space, predictor=predictor, proposer=proposer, n_startup_trials=3, seed=seed)


def nao(space: SearchSpace, seed: int = 0) -> SMBOSampler:
    predictor = NAOPredictor(members=2, hidden=8, steps=10, ops=space.operations, random_state=0)
    proposer = LatentProposer(elites=3, steps=2)
    return NAOSampler(space, predictor=predictor, proposer=proposer, n_startup_trials=4, seed=seed)


RECIPES = {"bananas": bananas, "pnas": pnas, "nao": nao}
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


def worth(trial: optuna.Trial, space: SearchSpace = SPACE) -> float:
    return float(sum("3x3" in op for op in space.suggest(trial).graph.canonical().ops))


def run(space: SearchSpace, sampler: SMBOSampler, n_trials: int) -> optuna.Study:
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(lambda trial: worth(trial, space), n_trials)
    return study


def digests(study: optuna.Study, space: SearchSpace) -> list[str]:
    return [space.graph(t.params).digest for t in study.trials]


@every_recipe
def test_no_isomorphic_architecture_is_proposed_twice(recipe: Callable[[SearchSpace], SMBOSampler]) -> None:
    study = run(SPACE, recipe(SPACE), 9)
    assert len(set(digests(study, SPACE))) == 9
    assert all(t.state == TrialState.COMPLETE for t in study.trials)


@every_recipe
def test_parallel_workers_get_different_architectures(recipe: Callable[[SearchSpace], SMBOSampler]) -> None:
    study = run(SPACE, recipe(SPACE), 5)
    asked = [SPACE.suggest(study.ask()).graph.digest for _ in range(3)]
    assert len({*asked, *digests(study, SPACE)[:5]}) == 8


@every_recipe
def test_a_sampler_rebuilt_for_every_trial_proposes_the_same(recipe: Callable[..., SMBOSampler]) -> None:
    whole = run(SPACE, recipe(SPACE, 5), 6)
    study = optuna.create_study(direction="maximize")
    for _ in range(6):
        study.sampler = recipe(SPACE, 5)
        study.optimize(worth, 1)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


def test_the_same_seed_proposes_the_same_in_any_process() -> None:
    code = (
        "import optuna; optuna.logging.set_verbosity(30); from tests.smbo_nas.samplers.test_recipes import *;"
        "print([t.params for recipe in RECIPES.values() for t in run(SPACE, recipe(SPACE, 5), 6).trials])"
    )
    environment = {"PYTHONHASHSEED": "1", "PATH": "", "OMP_NUM_THREADS": "1"}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    here = [t.params for recipe in RECIPES.values() for t in run(SPACE, recipe(SPACE, 5), 6).trials]
    assert there.stdout.strip() == str(here)


def test_pnas_grows() -> None:
    study = run(GROWING, pnas(GROWING), 15)
    assert [GROWING.blocks(t.params) for t in study.trials] == [1] * 5 + [2] * 5 + [3] * 5
    assert len(set(digests(study, GROWING))) == 15


@pytest.mark.parametrize(
    "space", [NASBench101Space(), CellSpace(nodes=3, ops=("none", "conv_3x3", "conv_1x1"))], ids=lambda s: s.name
)
def test_pnas_goes_on_past_the_smallest_of_a_space(space: SearchSpace) -> None:
    study = run(space, pnas(space), 10)
    assert len(set(digests(study, space))) == 10
    assert max(space.blocks(t.params) for t in study.trials) >= 2


@pytest.mark.parametrize("recipe", [PNASSampler, NAOSampler])
def test_its_own_parts_search(recipe: type[SMBOSampler]) -> None:
    assert len(set(digests(run(SPACE, recipe(SPACE, n_startup_trials=6, seed=0), 8), SPACE))) == 8


def test_nao_learns_its_embedding_again_after_rounds_of_fifteen() -> None:
    learned_from: list[int] = []

    class Noted(NAOPredictor):
        def fit(self, X: Any, y: Any, **settings: Any) -> Self:
            learned_from.append(len(X))
            return super().fit(X, y, **settings)

    predictor = Noted(members=2, hidden=8, steps=5, ops=SPACE.operations, random_state=0)
    run(SPACE, NAOSampler(SPACE, predictor=predictor, n_startup_trials=4, seed=0), 21)
    assert learned_from == [4, 19]


def test_nao_decodes_params_of_a_space_too_large_to_list() -> None:
    space = DARTSSpace(nodes=1)
    assert len(set(digests(run(space, nao(space), 8), space))) == 8


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_every_acquisition_searches_by_name(name: str) -> None:
    sampler = SMBOSampler(
        SPACE,
        predictor=GraphGP(random_state=0),
        proposer=MutateProposer(mutations=30, crossovers=0, randoms=10),
        acquisition=name,
        n_startup_trials=4,
        seed=0,
    )
    assert len(set(digests(run(SPACE, sampler, 6), SPACE))) == 6


def test_an_acquisition_of_ones_own() -> None:
    """Any callable will do: here the last candidate, whatever the predictor says."""

    def last(predictor: object, graphs: list[object], **_: object) -> object:
        import numpy as np

        return np.arange(len(graphs))

    sampler = SMBOSampler(SPACE, predictor=GraphGP(random_state=0), acquisition=last, n_startup_trials=2, seed=0)
    study = run(SPACE, sampler, 3)
    seen = set(digests(study, SPACE)[:2])
    assert digests(study, SPACE)[2] == [d for d in SPACE.classes if d not in seen][-1]


def test_parts_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ValueError, match="`acquisition` must be one of log_ei, ucb"):
        SMBOSampler(SPACE, acquisition="nonsense")
    with pytest.raises(ValueError, match="`thaw` weighs expected improvements"):
        PNASSampler(SPACE, thaw=True)
