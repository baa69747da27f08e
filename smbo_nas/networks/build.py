"""Graph to network: the registry of skeletons, and what a network was built from."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from torch import nn

from predictors.graph import ArchGraph
from smbo_nas.networks.operations import known_operations
from smbo_nas.networks.skeletons.block_qnn import block_qnn
from smbo_nas.networks.skeletons.chain import chain
from smbo_nas.networks.skeletons.condensenet import condensenet
from smbo_nas.networks.skeletons.mnasnet import mnasnet
from smbo_nas.networks.skeletons.nasbench101 import nasbench101
from smbo_nas.networks.skeletons.nasbench201 import nasbench201
from smbo_nas.networks.skeletons.nasnet import nasnet

SkeletonFactory = Callable[..., nn.Module]
"""`(graph, *, input_shape, num_classes, **sizes) -> nn.Module`; its keyword defaults are the paper's sizes."""

_SKELETONS: dict[str, SkeletonFactory] = {
    "blockqnn": block_qnn,
    "chain": chain,
    "condensenet": condensenet,
    "mnasnet": mnasnet,
    "nasbench101": nasbench101,
    "nasbench201": nasbench201,
    "nasnet": nasnet,
}
_GIVEN = ("graph", "input_shape", "num_classes")


def known_skeletons() -> tuple[str, ...]:
    """The names of all skeletons, the registered ones included."""
    return tuple(_SKELETONS)


def register_skeleton(name: str, factory: SkeletonFactory, *, replace: bool = False) -> None:
    """Makes `name` a way of stacking networks, for a space's `skeleton`, in this process.

    Args:
        name: Name of the skeleton.
        factory: `(graph, *, input_shape, num_classes, **sizes) -> nn.Module`, each size with a JSON-ready default.
        replace: Whether `name` may already be a skeleton.

    Raises:
        ValueError: When the name is taken.
    """
    if name in _SKELETONS and not replace:
        raise ValueError(f"skeleton {name!r} exists; pass `replace=True` to change it.")
    _SKELETONS[name] = factory


def default_sizes(skeleton: str) -> dict[str, Any]:
    """The sizes a skeleton takes and the paper's value of each, such as `{"channels": 16, ...}`.

    Raises:
        ValueError: When there is no such skeleton.
    """
    parameters = inspect.signature(_factory(skeleton)).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in _GIVEN and p.default is not p.empty}


def _factory(skeleton: str) -> SkeletonFactory:
    if skeleton not in _SKELETONS:
        raise ValueError(f"unknown skeleton {skeleton!r}; known skeletons: {', '.join(sorted(_SKELETONS))}.")
    return _SKELETONS[skeleton]


@dataclass(frozen=True)
class Blueprint:
    """All that a network is built from, apart from its weights.

    Attributes:
        graph: The architecture.
        skeleton: How its cells are stacked.
        input_shape: `(channels, height, width)` of an image.
        num_classes: Number of classes, at least 1.
        sizes: The skeleton's keyword arguments; those not given are at their defaults.

    Raises:
        ValueError: When an argument is out of range or unknown to the skeleton.
    """

    graph: ArchGraph
    skeleton: str
    input_shape: tuple[int, int, int]
    num_classes: int
    sizes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = self.input_shape
        if isinstance(shape, str) or not isinstance(shape, Sequence) or len(shape) != 3:
            raise ValueError(f"`input_shape` must be (channels, height, width), but got {shape!r}.")
        for name, value in (("channels", shape[0]), ("height", shape[1]), ("width", shape[2])):
            _check_integer(f"the {name} of `input_shape`", value)
        _check_integer("`num_classes`", self.num_classes)
        object.__setattr__(self, "input_shape", tuple(int(size) for size in shape))
        object.__setattr__(self, "num_classes", int(self.num_classes))
        sizes = default_sizes(self.skeleton)
        for name, value in self.sizes.items():
            if name not in sizes:
                raise ValueError(f"the skeleton {self.skeleton!r} has no size {name!r}; it has {', '.join(sizes)}.")
            if value is not None:
                sizes[name] = _checked_size(name, value, sizes[name])
        object.__setattr__(self, "sizes", sizes)

    def build(self) -> nn.Module:
        """The untrained network; weights are drawn from torch's global generator.

        Raises:
            GraphError: When an operation is unknown or the graph does not fit the skeleton.
        """
        self.graph.require_ops(known_operations())
        network = _factory(self.skeleton)(
            self.graph, input_shape=self.input_shape, num_classes=self.num_classes, **self.sizes
        )
        object.__setattr__(network, "blueprint", self)  # past nn.Module's own, which is for tensors and modules
        return network

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "graph": self.graph.to_dict(),
            "skeleton": self.skeleton,
            "input_shape": list(self.input_shape),
            "num_classes": self.num_classes,
            "sizes": dict(self.sizes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Blueprint:
        """Inverse of `to_dict`; other keys are ignored.

        Raises:
            ValueError: When a field is missing or of the wrong type.
        """
        for name, kind in (("graph", Mapping), ("skeleton", str), ("input_shape", list), ("sizes", Mapping)):
            if not isinstance(data.get(name), kind):
                raise ValueError(f"`{name}` is missing or of the wrong type.")  # noqa: TRY004
        return cls(
            graph=ArchGraph.from_dict(data["graph"]),
            skeleton=data["skeleton"],
            input_shape=tuple(data["input_shape"]),
            num_classes=data.get("num_classes", 0),
            sizes=data["sizes"],
        )


def _checked_size(name: str, value: Any, default: Any) -> Any:
    """`value` as plain Python, of the kind of its default: a switch, a count or a probability."""
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"`{name}` must be true or false, but got {value!r}.")  # noqa: TRY004
        return value
    if isinstance(default, int):
        _check_integer(f"`{name}`", value)
        return int(value)
    if isinstance(default, float):
        if not isinstance(value, Real) or isinstance(value, bool) or not 0.0 <= float(value) < 1.0:
            raise ValueError(f"`{name}` must be in [0, 1), but got {value!r}.")
        return float(value)
    return value


def _check_integer(what: str, value: Any) -> None:
    try:
        whole = not isinstance(value, bool) and int(value) == value and int(value) >= 1
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise ValueError(f"{what} must be an integer, at least 1, but got {value!r}.")


def build_network(
    graph: ArchGraph,
    *,
    skeleton: str,
    input_shape: Sequence[int],
    num_classes: int,
    **sizes: Any,
) -> nn.Module:
    """The untrained network of an architecture, stacked as a paper stacks it.

    The graph is built as given: dead operations have parameters where the paper's code gives them any, but are never
    run. Weights are drawn from torch's global generator; under `torch.device("meta")` nothing is allocated.

    Args:
        graph: The architecture, as its space gives it or in its canonical form.
        skeleton: One of `known_skeletons()`.
        input_shape: `(channels, height, width)` of an image; any positive sizes.
        num_classes: Number of classes, at least 1.
        **sizes: `channels` and the skeleton's other sizes; None is the paper's. See `default_sizes`.

    Returns:
        A module from images `(b, *input_shape)` to logits `(b, num_classes)`; `blueprint_of` tells what it was built
        from.

    Raises:
        GraphError: When an operation is unknown or the graph does not fit the skeleton.
        ValueError: When a size is out of range or unknown to the skeleton.
    """
    shape: Any = tuple(input_shape) if isinstance(input_shape, Sequence) else input_shape
    return Blueprint(graph, skeleton, shape, num_classes, sizes).build()


def blueprint_of(network: nn.Module) -> Blueprint:
    """What a network was built from; `torch.compile`'s and data-parallel wrappers are looked through.

    Raises:
        ValueError: When it was not built by `build_network`.
    """
    blueprint = getattr(unwrapped(network), "blueprint", None)
    if not isinstance(blueprint, Blueprint):
        raise ValueError(f"{type(network).__name__} was not built by `build_network`.")  # noqa: TRY004
    return blueprint


def unwrapped(network: nn.Module) -> nn.Module:
    """The network inside `torch.compile`'s and data-parallel wrappers."""
    while True:
        inner = network._modules.get("_orig_mod") or (
            network.module if isinstance(network, (nn.DataParallel, nn.parallel.DistributedDataParallel)) else None
        )
        if inner is None:
            return network
        network = inner
