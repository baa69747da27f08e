"""Networks: any graph of any space becomes a trainable `torch.nn.Module`.

Names are imported when they are first used, so that importing this package does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smbo_nas.networks.build import (
        Blueprint,
        blueprint_of,
        build_network,
        default_sizes,
        known_skeletons,
        register_skeleton,
    )
    from smbo_nas.networks.complexity import count_flops, count_parameters
    from smbo_nas.networks.io import load_network, save_network
    from smbo_nas.networks.operations import known_operations, make_operation, register_operation

__all__ = [
    "Blueprint",
    "blueprint_of",
    "build_network",
    "count_flops",
    "count_parameters",
    "default_sizes",
    "known_operations",
    "known_skeletons",
    "load_network",
    "make_operation",
    "register_operation",
    "register_skeleton",
    "save_network",
]

_MODULE_OF = {
    "count_flops": "complexity",
    "count_parameters": "complexity",
    "known_operations": "operations",
    "load_network": "io",
    "make_operation": "operations",
    "register_operation": "operations",
    "save_network": "io",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF.get(name, 'build')}"), name)
