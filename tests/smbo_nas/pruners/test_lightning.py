"""The callback under Lightning itself where that is installed, else under as much of it as the callback touches."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from smbo_nas.pruners import CurvePruner, StopPolicy, TrialCurve
from tests.predictors.curves.synthetic import saturating

EPOCHS = 12
CURVES = saturating(np.random.default_rng(0), 20, EPOCHS)


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class, on a stub of Lightning."""
    stub = ModuleType("pytorch_lightning")
    stub.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    stub.LightningModule = stub.Trainer = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytorch_lightning", stub)
    monkeypatch.delitem(sys.modules, "smbo_nas.pruners.lightning", raising=False)
    yield importlib.import_module("smbo_nas.pruners.lightning").CurveStopping
    sys.modules.pop("smbo_nas.pruners.lightning", None)


def fit(stopping: Any, curve: np.ndarray) -> int:
    """What `Trainer.fit` would do with the callback; returns the epochs trained."""
    trainer = SimpleNamespace(sanity_checking=True, callback_metrics={}, current_epoch=0, should_stop=False)
    stopping.on_validation_end(trainer, None)
    trainer.sanity_checking = False
    for epoch, value in enumerate(curve):
        trainer.current_epoch, trainer.callback_metrics = epoch, {"val": np.float32(value)}
        stopping.on_validation_end(trainer, None)
        if trainer.should_stop:
            return epoch + 1
    return len(curve)


@pytest.mark.parametrize("objectives", [1, 2])
def test_it_stops_what_the_policy_stops(callback: Any, objectives: int) -> None:
    policy = StopPolicy()
    epochs = []

    def objective(trial: optuna.Trial) -> Any:
        reports = trial if objectives == 1 else TrialCurve(trial, horizon=EPOCHS, policy=policy)
        stopping = callback(reports, "val")
        epochs.append(fit(stopping, CURVES[trial.number]))
        if stopping.stopped:
            raise optuna.TrialPruned
        final = float(CURVES[trial.number, -1])
        return final if objectives == 1 else (final, 0.0)

    study = optuna.create_study(directions=["maximize"] * objectives, pruner=CurvePruner(horizon=EPOCHS))
    study.optimize(objective, n_trials=len(CURVES))
    states = [t.state for t in study.trials]
    assert states.count(TrialState.PRUNED) >= 5
    assert states[int(CURVES[:, -1].argmax())] == TrialState.COMPLETE
    assert [n == EPOCHS for n in epochs] == [state == TrialState.COMPLETE for state in states]


def test_a_metric_that_is_not_logged_is_named(callback: Any) -> None:
    study = optuna.create_study()
    trainer = SimpleNamespace(sanity_checking=False, callback_metrics={"loss": 0.0}, current_epoch=0)
    with pytest.raises(ValueError, match=r"`monitor` must be a metric that is logged \(loss\), but got 'val'"):
        callback(study.ask(), "val").on_validation_end(trainer, None)


def test_without_lightning_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_lightning", None)
    monkeypatch.delitem(sys.modules, "smbo_nas.pruners.lightning", raising=False)
    with pytest.raises(ImportError, match=r"smbo-nas\[lightning\]"):
        importlib.import_module("smbo_nas.pruners.lightning")


def test_under_lightning_itself() -> None:
    lightning = pytest.importorskip("pytorch_lightning")
    import torch

    from smbo_nas.pruners.lightning import CurveStopping

    class Scripted(lightning.LightningModule):  # type: ignore[misc,name-defined]
        """Logs a given curve."""

        def __init__(self, curve: np.ndarray) -> None:
            super().__init__()
            self.curve, self.weight = curve, torch.nn.Parameter(torch.zeros(1))

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return (self.weight * batch[0]).sum()

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val", float(self.curve[self.current_epoch]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(1, 1)))
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}

    def objective(trial: optuna.Trial) -> float:
        stopping = CurveStopping(trial, "val")
        trainer = lightning.Trainer(max_epochs=EPOCHS, callbacks=[stopping], enable_model_summary=False, **quiet)
        trainer.fit(Scripted(CURVES[trial.number]), loader, loader)
        if stopping.stopped:
            assert trainer.current_epoch < EPOCHS
            raise optuna.TrialPruned
        return float(trainer.callback_metrics["val"])

    study = optuna.create_study(direction="maximize", pruner=CurvePruner(horizon=EPOCHS))
    study.optimize(objective, n_trials=8)
    states = [t.state for t in study.trials]
    assert states[:4] == [TrialState.COMPLETE] * 4
    assert TrialState.PRUNED in states[4:]
