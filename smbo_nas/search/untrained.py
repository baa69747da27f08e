"""UntrainedScore: what the search command's sampler zero-cost ranks networks by."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from smbo_nas.search.settings import SearchSettings
from smbo_nas.spaces import SearchSpace

if TYPE_CHECKING:
    from predictors.graph import ArchGraph
    from smbo_nas.training import ImageData

_IMAGES = 16


class UntrainedScore:
    """SynFlow (Tanaka et al., NeurIPS 2020) of the network that a search would train, of its sizes and for its data.

    Args:
        settings: The search.
        space: Its space.
    """

    def __init__(self, settings: SearchSettings, space: SearchSpace) -> None:
        self._settings, self._space = settings, space

    @cached_property
    def _data(self) -> ImageData:  # loaded when the first network is scored: a search that only goes on needs none
        from smbo_nas.training import load_data

        return load_data(self._settings.data, seed=self._settings.seed)

    def __call__(self, graph: ArchGraph) -> float:
        """Larger is better; the same for isomorphic graphs."""
        from smbo_nas.zero_cost import describe
        from smbo_nas.zero_cost.table import training_minibatch

        described = describe(
            [graph],
            *training_minibatch(self._data, min(_IMAGES, len(self._data.train)), self._settings.seed),
            skeleton=self._space.skeleton or "",
            num_classes=self._data.num_classes,
            names=("synflow",),
            seed=self._settings.seed,
            device="cpu",  # so that a study goes on alike on another machine
            **self._settings.network_sizes(self._space),
        )
        return dict(described[0].columns)["synflow"]
