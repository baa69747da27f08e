"""The densely connected cell of DPP-Net."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from predictors.graph import CONCAT, INPUT, OUTPUT, ArchGraph
from smbo_nas.spaces.base import Params, SearchSpace, SpaceError


class DPPNetSpace(SearchSpace):
    """DPP-Net: a cell of layers that take turns in normalising and convolving, connected to all cells before it.

    Dong et al., "DPP-Net: Device-aware Progressive Search for Pareto-optimal Neural Architectures", ECCV 2018, sec. 3.
    Odd layers are one of three normalisations, even ones one of six convolutions. The cell's output is its input and
    what the last layer makes of it, concatenated, so that a stack of cells is densely connected, across resolutions
    too, as in CondenseNet (Huang et al., CVPR 2018), whose own cell is one of the 324 of four layers:
    `bn_relu`, `learned_group_conv_1x1`, `bn_relu`, `group_conv_3x3`.

    Numbers of groups and channels are CondenseNet's: four groups, and four times the last convolution's channels in
    every other. Departures: a depthwise convolution that has to change the number of channels has as many groups as
    divide both numbers; see `LearnedGroupConv` for another. The paper adds one layer at a time, and so does
    `expansions`, but from two layers on: a normalisation alone would double the channels.

    Args:
        layers: Layers of the cell, at least 2.
        min_layers: Fewest layers of a cell, from 2 to `layers`, which is the default. Where cells may be smaller, as
            progressive search needs, a parameter `layers` says how many layers there are.

    Raises:
        SpaceError: When an argument is out of range.
    """

    name = "dppnet"
    skeleton = "condensenet"
    normalizations = ("bn_relu", "bn", "identity")
    convolutions = (
        "bare_conv_1x1",
        "bare_conv_3x3",
        "group_conv_1x1",
        "group_conv_3x3",
        "learned_group_conv_1x1",
        "depthwise_conv_3x3",
    )

    def __init__(self, *, layers: int = 4, min_layers: int | None = None) -> None:
        if layers < 2:
            raise SpaceError(f"`layers` must be at least 2, but got {layers}.")
        if min_layers is not None and not 2 <= min_layers <= layers:
            raise SpaceError(f"`min_layers` must be from 2 to {layers} (`layers`), but got {min_layers}.")
        self.max_layers = layers
        self.min_layers = layers if min_layers is None else min_layers
        self._choices: dict[str, tuple[str, ...]] = {}
        if self.min_layers < layers:
            self._choices["layers"] = tuple(str(n) for n in range(self.min_layers, layers + 1))
        self._layers = tuple(f"{('norm', 'conv')[k % 2]}_{k // 2 + 1}" for k in range(layers))
        for layer in self._layers:
            self._choices[layer] = self.normalizations if layer.startswith("norm") else self.convolutions

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """`norm_k` and `conv_k`, the layers in their order; where there may be fewer, `layers` says how many."""
        return self._choices

    @property
    def operations(self) -> tuple[str, ...]:
        """See `SearchSpace.operations`."""
        return (*self.normalizations, *self.convolutions)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready description of the space."""
        smaller = {"min_layers": self.min_layers} if self.min_layers < self.max_layers else {}
        return {"name": self.name, "layers": self.max_layers, **smaller}

    def _graph(self, params: Params) -> ArchGraph:
        layers = [params[name] for name in self._layers[: self._n_layers(params)]]
        last = len(layers)
        edges = [*itertools.pairwise(range(last + 3)), (0, last + 1)]
        return ArchGraph(ops=(INPUT, *layers, CONCAT, OUTPUT), edges=tuple(edges))

    def _n_layers(self, params: Params) -> int:
        return int(params.get("layers", self.max_layers))

    def blocks(self, params: Mapping[str, Any]) -> int:
        """Layers behind the first."""
        return self._n_layers(self.check(params)) - 1

    def expansions(self, params: Mapping[str, Any] | None = None) -> Iterator[Params]:
        """Cells with one layer more at the end: three for each, or six.

        Raises:
            SpaceError: When the space has no cells of two layers (`min_layers`).
        """
        if self.min_layers > 2:
            raise SpaceError(f"{self.name} has no cells of two layers to begin with: set `min_layers` to 2.")
        origin = {} if params is None else self.check(params)
        before = 0 if params is None else self._n_layers(origin)
        after = max(before + 1, 2)
        if after > self.max_layers:
            return
        unused = {name: choices[0] for name, choices in self._choices.items()}
        kept = unused | {name: origin[name] for name in self._layers[:before]}
        if "layers" in kept:
            kept["layers"] = str(after)
        added = self._layers[before:after]
        for chosen in itertools.product(*(self._choices[name] for name in added)):
            yield kept | dict(zip(added, chosen, strict=True))
