"""Proposers: pure cores that say which candidates to consider."""

from __future__ import annotations

from smbo_nas.proposers.base import Elite, Pool, Proposer, default_proposer
from smbo_nas.proposers.enumerate import EnumerateProposer
from smbo_nas.proposers.feasible import FeasibleProposer
from smbo_nas.proposers.joint import JointProposer
from smbo_nas.proposers.latent import LatentProposer
from smbo_nas.proposers.mutate import MutateProposer
from smbo_nas.proposers.progressive import ProgressiveProposer
from smbo_nas.proposers.warm import WarmProposer

__all__ = [
    "Elite",
    "EnumerateProposer",
    "FeasibleProposer",
    "JointProposer",
    "LatentProposer",
    "MutateProposer",
    "Pool",
    "ProgressiveProposer",
    "Proposer",
    "WarmProposer",
    "default_proposer",
]
