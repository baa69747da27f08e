"""Proposers: pure cores that say which candidates to consider."""

from __future__ import annotations

from smbo_nas.proposers.base import Elite, Pool, Proposer, default_proposer
from smbo_nas.proposers.enumerate import EnumerateProposer
from smbo_nas.proposers.mutate import MutateProposer

__all__ = ["Elite", "EnumerateProposer", "MutateProposer", "Pool", "Proposer", "default_proposer"]
