"""The methods of the benchmarks by name: a sampler, and where curves are reported perhaps a pruner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler

from predictors.architecture import GraphGP
from predictors.graph import ArchGraph
from smbo_nas.benchmarks.ablations import Blind, UnmergedSpace
from smbo_nas.benchmarks.weaknas import WeakNASSampler
from smbo_nas.proposers import MutateProposer
from smbo_nas.pruners import CurvePruner
from smbo_nas.samplers import (
    BANANASSampler,
    GeneticSampler,
    HierarchicalEvolutionSampler,
    LargeScaleEvolutionSampler,
    LocalSearchSampler,
    MCTSSampler,
    NAOSampler,
    PNASSampler,
    QLearningSampler,
    RandomArchitectureSampler,
    RegularizedEvolutionSampler,
    ReinforceSampler,
    SMBOSampler,
    ZeroCostSampler,
)
from smbo_nas.spaces.base import SearchSpace

STARTS = 10
"""Random architectures that every search begins with."""

MakeSampler = Callable[[SearchSpace, int], BaseSampler]


def _with_gp(**settings: Any) -> MakeSampler:
    def make(space: SearchSpace, seed: int) -> BaseSampler:
        predictor = GraphGP(random_state=seed)
        return SMBOSampler(space, predictor=predictor, n_startup_trials=STARTS, seed=seed, **settings)

    return make


OURS: dict[str, MakeSampler] = {
    "smbo": lambda space, seed: SMBOSampler(space, n_startup_trials=STARTS, seed=seed),
    "smbo+thaw": lambda space, seed: SMBOSampler(space, n_startup_trials=STARTS, thaw=True, seed=seed),
    "smbo-gp": _with_gp(),
    "smbo-gp+thaw": _with_gp(thaw=True),
    "pnas": lambda space, seed: PNASSampler(space, n_startup_trials=STARTS, seed=seed),
    "nao": lambda space, seed: NAOSampler(space, n_startup_trials=STARTS, seed=seed),
    "bananas": lambda space, seed: BANANASSampler(space, n_startup_trials=STARTS, seed=seed),
}
"""Samplers of this package: a function of the space and a seed. `thaw` continues stopped trainings."""

ABLATIONS: dict[str, MakeSampler] = {
    "smbo-gp-blind": _with_gp(acquisition=Blind()),
    "smbo-gp-mutations": _with_gp(proposer=MutateProposer()),
    "smbo-gp-mutations-blind": _with_gp(proposer=MutateProposer(), acquisition=Blind()),
    "smbo-gp-unmerged": lambda space, seed: _with_gp()(UnmergedSpace(space), seed),
}
"""`smbo-gp` with a part left out or swapped: without the predictor's opinion (blind), with mutations of the best in
place of the whole list, and where isomorphic settings count as different (unmerged)."""


def _by_synflow(space: SearchSpace, seed: int) -> BaseSampler:
    return ZeroCostSampler(space, _synflow_of(space.skeleton or ""), seed=seed)


@cache
def _synflow_of(skeleton: str) -> Callable[[ArchGraph], float]:
    """Of a network for small images; kept for the next search in this process, since every training costs more."""
    import torch

    from smbo_nas.zero_cost import describe

    images, labels = torch.zeros(2, 3, 16, 16), torch.zeros(2, dtype=torch.int64)  # synflow looks at their shape alone

    @cache
    def score(graph: ArchGraph) -> float:
        found = describe([graph], images, labels, skeleton=skeleton, num_classes=10, names=("synflow",), device="cpu")
        return dict(found[0].columns)["synflow"]

    return score


STRATEGIES: dict[str, MakeSampler] = {
    "random-distinct": lambda space, seed: RandomArchitectureSampler(space, seed=seed),
    # Population and sample are those of Dong and Yang (ICLR 2020) for searches of this length.
    "evolution": lambda space, seed: RegularizedEvolutionSampler(space, population_size=10, sample_size=3, seed=seed),
    "genetic": lambda space, seed: GeneticSampler(space, population_size=10, seed=seed),
    "hierarchical": lambda space, seed: HierarchicalEvolutionSampler(space, n_startup_trials=STARTS, seed=seed),
    # Grows networks from the smallest: for spaces that say what is smaller (`SearchSpace.expansions`).
    "large-scale": lambda space, seed: LargeScaleEvolutionSampler(space, population_size=10, seed=seed),
    "local-search": lambda space, seed: LocalSearchSampler(space, n_startup_trials=STARTS, seed=seed),
    "hill-climbing": lambda space, seed: LocalSearchSampler(space, neighbours=8, n_startup_trials=STARTS, seed=seed),
    "mcts": lambda space, seed: MCTSSampler(space, seed=seed),
    "reinforce": lambda space, seed: ReinforceSampler(space, seed=seed),
    "ppo": lambda space, seed: ReinforceSampler(space, update="ppo", batch_size=5, seed=seed),
    "q-learning": lambda space, seed: QLearningSampler(space, seed=seed),
    "zero-cost": _by_synflow,
}
"""The other search strategies of the literature, samplers of this package too; they count among the peers."""

PEERS: dict[str, MakeSampler] = {
    **STRATEGIES,
    "tpe": lambda _, seed: TPESampler(n_startup_trials=STARTS, seed=seed),
    "gp": lambda _, seed: GPSampler(n_startup_trials=STARTS, seed=seed),
    "weaknas": lambda space, seed: WeakNASSampler(space, n_startup_trials=STARTS, seed=seed),
    "random": lambda _, seed: RandomSampler(seed=seed),
}
"""What they are compared with."""


def known() -> dict[str, MakeSampler]:
    """All samplers by name."""
    return {**OURS, **ABLATIONS, **PEERS}


PRUNERS: dict[str, Callable[[int], BasePruner]] = {
    "curve": lambda epochs: CurvePruner(horizon=epochs),
    "median": lambda _: MedianPruner(),
    "hyperband": lambda epochs: HyperbandPruner(max_resource=epochs),
    "halving": lambda _: SuccessiveHalvingPruner(),
}
"""Pruners, a function of the epochs of a whole training; a method names one after a `+`."""


def split(method: str) -> tuple[str, str | None]:
    """The sampler and the pruner that a method such as `smbo+curve+thaw` names."""
    parts = method.split("+")
    pruner = next((part for part in parts[1:] if part in PRUNERS), None)
    return "+".join(part for part in parts if part != pruner), pruner


def check(methods: Sequence[str], *, curves: bool) -> list[str]:
    """The methods, each once.

    Args:
        methods: Names.
        curves: Whether the task reports curves: only then there is something to prune or continue.

    Raises:
        ValueError: When one is not known or the task has nothing that it could stop.
    """
    for method in methods:
        sampler, pruner = split(method)
        if sampler not in known() or method.count("+") > sampler.count("+") + (pruner is not None):
            pruned = ", ".join(f"+{name}" for name in PRUNERS)
            raise ValueError(
                f"`methods` must be of {', '.join(known())}, with curves also {pruned}, but got {method!r}."
            )
        if not curves and "+" in method:
            raise ValueError(f"`methods` must not stop trainings where there are no curves, but got {method!r}.")
    return list(dict.fromkeys(methods))


def is_peer(method: str) -> bool:
    """Whether a method is one to compare with."""
    return split(method)[0] in PEERS


def make(method: str, space: SearchSpace, seed: int, epochs: int) -> tuple[BaseSampler, BasePruner]:
    """The sampler and the pruner of a method that passed `check`."""
    sampler, pruner = split(method)
    return known()[sampler](space, seed), NopPruner() if pruner is None else PRUNERS[pruner](epochs)
