"""Search spaces: what networks may look like."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from smbo_nas.spaces.base import Candidate, Params, SearchSpace, SpaceError
from smbo_nas.spaces.block_qnn import BlockQNNSpace
from smbo_nas.spaces.cell import CellSpace
from smbo_nas.spaces.chain import ChainSpace
from smbo_nas.spaces.darts import DARTSSpace
from smbo_nas.spaces.dpp_net import DPPNetSpace
from smbo_nas.spaces.genet import GeNetSpace
from smbo_nas.spaces.mnasnet import MNASNetSpace
from smbo_nas.spaces.nasbench101 import NASBench101Space
from smbo_nas.spaces.nasbench201 import NASBench201Space
from smbo_nas.spaces.pnas import PNASSpace

__all__ = [
    "SPACES",
    "BlockQNNSpace",
    "Candidate",
    "CellSpace",
    "ChainSpace",
    "DARTSSpace",
    "DPPNetSpace",
    "GeNetSpace",
    "MNASNetSpace",
    "NASBench101Space",
    "NASBench201Space",
    "PNASSpace",
    "Params",
    "SearchSpace",
    "SpaceError",
    "get_space",
    "space_from_dict",
]

SPACES: Mapping[str, type[SearchSpace]] = {
    "nasbench201": NASBench201Space,
    "nasbench101": NASBench101Space,
    "darts": DARTSSpace,
    "pnas": PNASSpace,
    "chain": ChainSpace,
    "mnasnet": MNASNetSpace,
    "blockqnn": BlockQNNSpace,
    "genet": GeNetSpace,
    "dppnet": DPPNetSpace,
}
"""The spaces with a name of their own, at their papers' settings."""


def get_space(spec: str) -> SearchSpace:
    """A space by name, or a user's own as `module:attribute` (a space, or a function or class that makes one).

    Raises:
        SpaceError: When there is no such space.
    """
    if spec in SPACES:
        return SPACES[spec]()
    module, colon, attribute = spec.partition(":")
    if not colon:
        raise SpaceError(f"unknown space {spec!r}; it must be one of {', '.join(SPACES)} or `module:attribute`.")
    try:
        found = getattr(import_module(module), attribute)
        space = found() if callable(found) and not isinstance(found, SearchSpace) else found
    except (ImportError, AttributeError, TypeError, ValueError) as error:  # no such module, or no such call
        raise SpaceError(f"cannot load the space {spec!r}: {error}.") from error
    if not isinstance(space, SearchSpace):
        raise SpaceError(f"{spec!r} must be or make a SearchSpace, but is a {type(found).__name__}.")
    return space


def space_from_dict(data: Mapping[str, Any]) -> SearchSpace:
    """Inverse of `SearchSpace.to_dict` for the spaces of this package.

    Raises:
        SpaceError: When the description is of no space of this package.
    """
    arguments = {k: v for k, v in data.items() if k != "name"}
    kind = SPACES.get(str(data.get("name")))
    try:
        if kind is not None:
            return kind(**arguments)
        if "nodes" in arguments and "edges" in arguments:
            return CellSpace(**data)
    except TypeError as error:
        raise SpaceError(f"not the description of a space: {dict(data)!r} ({error}).") from error
    raise SpaceError(f"not the description of a space of this package: {dict(data)!r}.")
