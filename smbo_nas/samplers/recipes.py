"""Named methods: `SMBOSampler` with the parts of a paper, each of which can be replaced by argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smbo_nas.proposers import LatentProposer, MutateProposer, ProgressiveProposer, Proposer
from smbo_nas.samplers.smbo import SMBOSampler
from smbo_nas.spaces import SearchSpace

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from smbo_nas.acquisition import Acquisition

_ROUND = 15
"""Trainings between two fits of NAO."""


class BANANASSampler(SMBOSampler):
    """BANANAS: an ensemble on the path encoding, independent Thompson sampling, mutations of the best.

    White, Neiswanger and Savani, "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture
    Search", AAAI 2021, algorithm 1: after 10 random architectures, five networks on path encodings predict 100
    mutations of the best ones measured.

    Departures: those of `PathEnsemble`; isomorphic architectures are proposed once; and an architecture is chosen at
    a time, RUNNING ones being believed at their predictions, in place of batches of ten.

    Args:
        space: As `SMBOSampler`.
        predictor: By default `PathEnsemble`.
        proposer: By default 100 mutations of the 10 best.
        acquisition: As `SMBOSampler`.
        settings: The other arguments of `SMBOSampler`, `seed` among them.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        predictor: ArchitecturePredictor | None = None,
        proposer: Proposer | None = None,
        acquisition: str | Acquisition = "independent_thompson",
        **settings: Any,
    ) -> None:
        proposer = proposer or MutateProposer(elites=10, mutations=100, crossovers=0, randoms=0)
        super().__init__(space, predictor=predictor, proposer=proposer, acquisition=acquisition, **settings)

    def _default_predictor(self) -> ArchitecturePredictor:
        from predictors.architecture import PathEnsemble

        return PathEnsemble(random_state=self._seed % 2**32)


class PNASSampler(SMBOSampler):
    """PNAS: from small architectures to larger ones, led by an ensemble that reads either.

    Liu et al., "Progressive Neural Architecture Search", ECCV 2018, algorithm 1. The space has to say what a smaller
    architecture is (`SearchSpace.expansions`): `PNASSpace(min_blocks=1)`, NAS-Bench-101 and -201, `ChainSpace`, and
    `CellSpace` with `none`.

    Departures: those of `PNASPredictor` and `ProgressiveProposer`, and isomorphic architectures are proposed once. Of
    the paper's two surrogates it is the MLP ensemble, which ranks better on NAS-Bench-201, larger cells than it
    learned from too, and costs a tenth of the LSTM's time (results/search/README.md).

    Args:
        space: As `SMBOSampler`.
        predictor: By default the MLP ensemble of `PNASPredictor`.
        proposer: By default `ProgressiveProposer`.
        acquisition: As `SMBOSampler`.
        settings: The other arguments of `SMBOSampler`, `seed` among them.

    Raises:
        SpaceError: When the space does not say what a smaller architecture is.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        predictor: ArchitecturePredictor | None = None,
        proposer: Proposer | None = None,
        acquisition: str | Acquisition = "mean",
        **settings: Any,
    ) -> None:
        if proposer is None:
            proposer = ProgressiveProposer()
            next(space.expansions(), None)  # raises here, not at the first proposal
        super().__init__(space, predictor=predictor, proposer=proposer, acquisition=acquisition, **settings)

    def _default_predictor(self) -> ArchitecturePredictor:
        from predictors.architecture import PNASPredictor

        return PNASPredictor(kind="mlp", ops=self._space.operations, random_state=self._seed % 2**32)


class NAOSampler(SMBOSampler):
    """NAO: gradient ascent in a continuous embedding, from the best architectures, and decoding.

    Luo et al., "Neural Architecture Optimization", NeurIPS 2018, algorithm 1.

    Departures: those of `NAOPredictor` and `LatentProposer`; isomorphic architectures are proposed once; and the
    embedding is learned again after 15 trainings of the decoded architectures that are predicted best, in place of
    rounds of hundreds.

    Args:
        space: As `SMBOSampler`.
        predictor: A `NAOPredictor`, by default two small networks trained for 40 steps, since it is trained so often;
            any other goes with another `proposer` only.
        proposer: By default `LatentProposer`.
        acquisition: As `SMBOSampler`.
        settings: The other arguments of `SMBOSampler`, `seed` among them.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        predictor: ArchitecturePredictor | None = None,
        proposer: Proposer | None = None,
        acquisition: str | Acquisition = "mean",
        **settings: Any,
    ) -> None:
        proposer = proposer or LatentProposer()
        super().__init__(space, predictor=predictor, proposer=proposer, acquisition=acquisition, **settings)

    def _default_predictor(self) -> ArchitecturePredictor:
        from predictors.architecture import NAOPredictor

        seed = self._seed % 2**32
        return NAOPredictor(members=2, hidden=24, steps=40, ops=self._space.operations, random_state=seed)

    def _refit_point(self, n: int) -> int:
        """The starts, and whole rounds after them."""
        starts = self._n_startup_trials
        return n if n < starts else n - (n - starts) % _ROUND
