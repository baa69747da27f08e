"""Fitted objects as plain JSON beside named arrays, and back.

A value of JSON stands for itself. Everything else is an object with one key, its kind: `tuple`, `dict`, `float` (one
that JSON lacks), `array`, `scalar`, `tensor`, `strings`, `graph`, `object` (of a class in the registry: an estimator, a
data class, or what its attributes make it) or `module` (the same for torch). Constructors run for data classes and
estimators only, which check or store what they are given; the rest gets its attributes.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from predictors.graph import ArchGraph
from predictors.persistence.registry import PersistenceError, Registry

Arrays = dict[str, NDArray[Any]]
Json = Any

_MAX_DEPTH = 64
_KINDS = "biuf"
"""Of numpy's kinds of numbers, those that the file format has."""
_OF_TORCH = frozenset(vars(nn.Module())) - {"training"}
"""Attributes that every module has for torch's own use."""


class Encoder:
    """Turns values into JSON and collects their arrays.

    Args:
        registry: The classes that may occur.

    Attributes:
        arrays: What the JSON refers to, by name.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.arrays: Arrays = {}
        self._place: list[str] = []
        self._plain: dict[type, Callable[[Any], Json]] = {
            **dict.fromkeys((type(None), bool, int, str), lambda value: value),
            float: lambda number: number if isfinite(number) else {"float": repr(number)},
            list: self._encode_items,
            tuple: lambda items: {"tuple": self._encode_items(items)},
            dict: lambda named: {"dict": [[self.encode(k, "key"), self.encode(v, k)] for k, v in named.items()]},
            ArchGraph: lambda graph: {"graph": graph.to_dict()},
        }

    def encode(self, value: Any, name: object) -> Json:
        """The JSON of a value.

        Raises:
            PersistenceError: Naming what cannot be saved, by `name` and by those of what it is in.
        """
        self._place.append(str(name))
        if len(self._place) > _MAX_DEPTH:
            raise self._error("is nested too deeply, or in itself")
        if type(value) in self._plain:
            encoded = self._plain[type(value)](value)
        elif isinstance(value, np.generic):
            encoded = {"scalar": self._store(np.asarray(value))}
        elif isinstance(value, np.ndarray):
            encoded = self._encode_array(value)
        elif isinstance(value, Tensor):
            encoded = {"tensor": self._store(value.detach().cpu().numpy())}
        else:
            encoded = self._encode_object(value)
        self._place.pop()
        return encoded

    def _encode_items(self, items: Iterable[Any]) -> list[Json]:
        return [self.encode(item, k) for k, item in enumerate(items)]

    def _encode_object(self, value: Any) -> Json:
        try:
            name = self.registry.name(type(value))
        except PersistenceError as error:
            raise self._error(f"cannot be saved: {error}") from None
        state = {key: item for key, item in _state(value).items() if key not in _OF_TORCH}
        if not isinstance(value, nn.Module):
            return {"object": [name, self._encode_named(state)]}
        parts = (state, value._parameters, value._buffers, value._modules)
        return {"module": [name, *map(self._encode_named, parts)]}

    def _encode_named(self, items: Mapping[str, Any]) -> dict[str, Json]:
        return {key: self.encode(item, key) for key, item in items.items()}

    def _encode_array(self, array: NDArray[Any]) -> Json:
        if array.dtype.kind in "OU":
            if array.ndim == 1 and all(isinstance(item, str) for item in array):
                return {"strings": [array.dtype.kind, [str(item) for item in array]]}
            raise self._error("cannot be saved: it is an array of objects")
        # How an array lies in memory decides in which order linear algebra adds.
        transposed = array.flags.f_contiguous and not array.flags.c_contiguous
        return {"array": [self._store(array.T if transposed else array), transposed]}

    def _store(self, array: NDArray[Any]) -> str:
        if array.dtype.kind not in _KINDS or array.dtype.itemsize > 8:
            raise self._error(f"cannot be saved: it is an array of {array.dtype}")
        name = f"array{len(self.arrays)}"
        self.arrays[name] = np.array(array, order="C", copy=True)
        return name

    def _error(self, what: str) -> PersistenceError:
        return PersistenceError(f"{'.'.join(self._place[:8])} {what}")


class Decoder:
    """Inverse of `Encoder`.

    Args:
        registry: The classes that may occur.
        arrays: What the JSON refers to, by name.
        device: Where modules go, and what estimators get as their `device`.
    """

    def __init__(self, registry: Registry, arrays: Mapping[str, NDArray[Any]], device: str) -> None:
        self.registry = registry
        self.arrays = arrays
        self.device = device
        self.used: set[str] = set()
        self._depth = 0
        self._kinds: dict[str, Callable[[Json], Any]] = {
            "tuple": lambda items: tuple(self._list(items)),
            "dict": lambda pairs: dict(self._list(pairs)),
            "float": {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}.__getitem__,
            "array": self._array,
            "scalar": lambda name: self._take(name)[()],
            "tensor": lambda name: torch.from_numpy(self._take(name)),
            "strings": self._strings,
            "graph": ArchGraph.from_dict,
            "module": self._module,
            "object": self._object,
        }

    def decode(self, node: Json) -> Any:
        """The value of some JSON.

        Raises:
            PersistenceError: Naming what is wrong. What the classes of the registry make of wrong values may raise
                any other exception.
        """
        if node is None or isinstance(node, bool | int | float | str):
            return node
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise PersistenceError("the structure is nested too deeply")
        if isinstance(node, list):
            value: Any = self._list(node)
        else:
            ((kind, content),) = node.items() if len(node) == 1 else (("", node),)
            _require(kind in self._kinds, f"one of {', '.join(self._kinds)}", node)
            value = self._kinds[kind](content)
        self._depth -= 1
        return value

    def _list(self, items: Json) -> list[Any]:
        _require(isinstance(items, list), "a list", items)
        return [self.decode(item) for item in items]

    def _take(self, name: Json) -> NDArray[Any]:
        if not isinstance(name, str) or name not in self.arrays:
            raise PersistenceError(f"there is no array {name!r:.80}")
        self.used.add(name)
        return self.arrays[name].copy()

    def _array(self, content: Json) -> NDArray[Any]:
        name, transposed = content
        return self._take(name).T if transposed else self._take(name)

    def _strings(self, content: Json) -> NDArray[Any]:
        kind, items = content
        _require(kind in ("O", "U") and all(isinstance(item, str) for item in items), "strings", content)
        return np.array(items, dtype=kind)

    def _object(self, content: Json) -> Any:
        name, nodes = content
        cls = self.registry[name]
        state = self._state_of(cls, nodes)
        if is_dataclass(cls):
            return cls(**state)
        if issubclass(cls, BaseEstimator):
            params = {key: state.pop(key) for key in inspect.signature(cls).parameters}
            if "device" in params:
                params["device"] = self.device
            made = cls(**params)
        else:
            _require(not issubclass(cls, nn.Module), "no module", name)
            made = object.__new__(cls)
        vars(made).update(state)
        return made

    def _module(self, content: Json) -> nn.Module:
        name, nodes, parameters, buffers, modules = content
        cls = self.registry[name]
        _require(issubclass(cls, nn.Module), "a module", name)
        module: nn.Module = object.__new__(cls)
        nn.Module.__init__(module)
        for key, node in parameters.items():
            tensor = self.decode(node)
            learned = tensor if tensor is None else nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
            module.register_parameter(key, learned)
        for key, node in buffers.items():
            module.register_buffer(key, self.decode(node))
        for key, node in modules.items():
            module.add_module(key, self.decode(node))
        vars(module).update(self._state_of(cls, nodes))
        return module.to(self.device)

    def _state_of(self, cls: type, nodes: Json) -> dict[str, Any]:
        """Attributes from their JSON, none of which hides what the class itself has."""
        hints = _hints(cls)
        state = {}
        for key, node in nodes.items():
            if not key.isidentifier() or key.startswith("__") or key in _OF_TORCH or callable(getattr(cls, key, None)):
                raise PersistenceError(f"{cls.__name__} can have no attribute {key!r:.80}")
            state[key] = self.decode(node)
            if not _is_a(state[key], hints.get(key, Any)):
                found = type(state[key]).__name__
                raise PersistenceError(f"{cls.__name__}.{key} must be of type {hints[key]}, but is of type {found}")
        return state


def _state(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)} if is_dataclass(value) else vars(value)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _is_a(value: Any, hint: Any) -> bool:
    """Whether a value is of an annotated type, as far as a look at its outermost layer tells."""
    if hint is None or hint is type(None):
        return value is None
    kind = typing.get_origin(hint) or hint
    if kind in (typing.Union, types.UnionType):
        return any(_is_a(value, each) for each in typing.get_args(hint))
    if kind in (float, int):
        return isinstance(value, Real if kind is float else Integral)
    return hint is Any or not isinstance(kind, type) or isinstance(value, kind)


def _require(right: bool, expected: str, found: object) -> None:
    if not right:
        raise PersistenceError(f"the structure must have {expected} here, but has {str(found)[:80]}")
