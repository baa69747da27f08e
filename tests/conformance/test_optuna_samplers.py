"""Optuna's own tests of a sampler."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)

from predictors.architecture import NAOPredictor, PathEnsemble, PNASPredictor
from smbo_nas import BANANASSampler, MultiObjectiveSMBOSampler, NAOSampler, NASBench201Space, PNASSampler, SMBOSampler
from smbo_nas.proposers import LatentProposer

SPACE = NASBench201Space()


class SamplerTestCase(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    """What every sampler of the package passes."""


class TestSMBOSampler(SamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: SMBOSampler(SPACE, n_startup_trials=1, seed=0)


class TestMultiObjectiveSMBOSampler(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: MultiObjectiveSMBOSampler(SPACE, n_startup_trials=1, seed=0)


class TestBANANASSampler(SamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        small = PathEnsemble(members=2, hidden=8, steps=5, random_state=0)
        return lambda: BANANASSampler(SPACE, predictor=small, n_startup_trials=1, seed=0)


class TestPNASSampler(SamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        small = PNASPredictor(kind="mlp", ops=SPACE.operations, members=2, hidden=8, steps=5, random_state=0)
        return lambda: PNASSampler(SPACE, predictor=small, n_startup_trials=1, seed=0)


class TestNAOSampler(SamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        small = NAOPredictor(ops=SPACE.operations, members=2, hidden=8, steps=5, random_state=0)
        near = LatentProposer(elites=2, steps=1)
        return lambda: NAOSampler(SPACE, predictor=small, proposer=near, n_startup_trials=1, seed=0)
