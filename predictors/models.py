"""The predictors by the names that the command line knows them by."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from predictors.architecture.base import ArchitecturePredictor
    from predictors.curves.base import CurvePredictor

MODELS = {
    "auto": ("predictors.architecture.auto", "AutoPredictor"),
    "gnn": ("predictors.architecture.gnn", "GNNEnsemble"),
    "gp": ("predictors.architecture.gp", "GraphGP"),
    "pnas": ("predictors.architecture.pnas", "PNASPredictor"),
    "nao": ("predictors.architecture.nao", "NAOPredictor"),
    "path": ("predictors.architecture.path", "PathEnsemble"),
    "trees": ("predictors.architecture.trees", "TreeEnsemble"),
}

CURVE_MODELS = {
    "last_value": ("predictors.curves.last_value", "LastValueCurvePredictor"),
    "parametric": ("predictors.curves.parametric", "ParametricCurvePredictor"),
    "pfn": ("predictors.curves.pfn", "PFNCurvePredictor"),
    "domhan": ("predictors.curves.domhan", "DomhanCurvePredictor"),
    "bnn": ("predictors.curves.bnn", "BayesianCurveNetwork"),
    "svr": ("predictors.curves.svr", "SequentialRegressionPredictor"),
}


def make_model(
    name: str, *, random_state: int | None = None, device: str = "cpu", ops: Sequence[str] = ()
) -> ArchitecturePredictor:
    """Makes an unfitted predictor.

    Args:
        name: One of `MODELS`.
        random_state: Its seed.
        device: Where it trains and predicts; the Gaussian process and the trees know the CPU only.
        ops: Operations to expect in `predict` besides those in `fit`, for those that need to know.

    Raises:
        ValueError: When there is no such model, or it does not run on `device`.
    """
    if name not in MODELS:
        raise ValueError(f"`model` must be one of {list(MODELS)}, but got {name!r}.")
    module, attribute = MODELS[name]
    model = getattr(import_module(module), attribute)
    accepted = signature(model).parameters
    arguments: dict[str, Any] = {"random_state": random_state}
    if "ops" in accepted:
        arguments["ops"] = tuple(ops)
    if "device" in accepted:
        arguments["device"] = _checked(device)
    elif device != "cpu":
        raise ValueError(f"`device` must be 'cpu' for the model {name!r}, but got {device!r}.")
    made: ArchitecturePredictor = model(**arguments)
    return made


def make_curve_model(name: str, *, random_state: int | None = None) -> CurvePredictor:
    """Makes an unfitted curve predictor.

    Args:
        name: One of `CURVE_MODELS`.
        random_state: Its seed, where chance has a part in it.

    Raises:
        ValueError: When there is no such model.
    """
    if name not in CURVE_MODELS:
        raise ValueError(f"`model` must be one of {list(CURVE_MODELS)}, but got {name!r}.")
    module, attribute = CURVE_MODELS[name]
    model = getattr(import_module(module), attribute)
    seeded = {"random_state": random_state} if "random_state" in signature(model).parameters else {}
    made: CurvePredictor = model(**seeded)
    return made


def _checked(device: str) -> str:
    import torch

    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"`device` must be cpu, cuda or cuda:N, but got {device!r}.") from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"`device` must be there, but this machine has {torch.cuda.device_count()} CUDA devices.")
    return device
