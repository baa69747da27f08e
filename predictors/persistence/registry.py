"""The classes that a saved predictor may be made of."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import cast

_MODULES = {
    "predictors.architecture.auto": ("AutoPredictor",),
    "predictors.architecture.calibration": ("Calibration",),
    "predictors.architecture.error_law": ("ErrorLaw", "HeldOut"),
    "predictors.architecture.gaussian_process": ("ExactGP", "InducingPointGP"),
    "predictors.architecture.gnn": ("GNNEnsemble",),
    "predictors.architecture.gp": ("GraphGP",),
    "predictors.architecture.inputs": ("Described",),
    "predictors.architecture.kernel": ("Kernel",),
    "predictors.architecture.message_passing": ("MessagePassingEnsemble",),
    "predictors.architecture.nao": ("NAOPredictor",),
    "predictors.architecture.nao_embedding": ("GraphEmbedding",),
    "predictors.architecture.nao_network": ("NAONetwork", "NAOScorer"),
    "predictors.architecture.path": ("PathEnsemble", "PathNetwork"),
    "predictors.architecture.pnas": ("PNASPredictor",),
    "predictors.architecture.regression_trees": ("RegressionTrees",),
    "predictors.architecture.sequence_models": ("EnsembleLinear", "EnsembleLSTM", "LSTMScorer", "MLPScorer"),
    "predictors.architecture.transfer": ("PriorMean",),
    "predictors.architecture.trees": ("TreeEnsemble",),
    "predictors.encodings.columns": ("ColumnEncoder",),
    "predictors.encodings.dense": ("DenseEncoder",),
    "predictors.encodings.grammar": ("TokenGrammar",),
    "predictors.encodings.statistics": ("GraphStatistics",),
    "predictors.encodings.structure": ("StructureEncoder",),
    "predictors.encodings.tokens": ("TokenEncoder",),
    "predictors.scores": ("ScoreMap",),
    "torch.nn": ("Embedding", "LayerNorm", "Linear", "ModuleList", "ParameterList", "ReLU", "Sequential"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


class PersistenceError(ValueError):
    """A predictor that cannot be saved, or a file that holds none; the message names the file and what is wrong."""


class Registry:
    """Looks classes up in the table above, and among those that the caller brings.

    A file holds names only. A name that is in neither place is an error: nothing is imported because a file says so.

    Args:
        classes: The caller's own classes.

    Raises:
        PersistenceError: When two classes share a name.
    """

    def __init__(self, classes: Iterable[type] = ()) -> None:
        self._own: dict[str, type] = {}
        for cls in classes:
            known = self._own.setdefault(cls.__name__, cls)
            if known is not cls or (cls.__name__ in _MODULE_OF and cls is not self[cls.__name__]):
                raise PersistenceError(f"`classes` must have names of their own, but {cls.__name__!r} is taken.")

    def __getitem__(self, name: str) -> type:
        """The class of a name.

        Raises:
            PersistenceError: When there is none.
        """
        if name in _MODULE_OF:
            found = getattr(import_module(_MODULE_OF[name]), name)
            return cast(type, found)
        if name in self._own:
            return self._own[name]
        raise PersistenceError(f"unknown class {name!r:.80}; pass a class of your own in `classes`")

    def name(self, cls: type) -> str:
        """The name of a class.

        Raises:
            PersistenceError: When the class cannot be looked up by it.
        """
        if self[cls.__name__] is not cls:
            raise PersistenceError(f"class {cls.__module__}.{cls.__name__} has the name of another")
        return cls.__name__
