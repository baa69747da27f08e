"""Opening the study of a search: a new one, or the same one again."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage

from smbo_nas.search.settings import SearchSettings
from smbo_nas.spaces import SearchSpace, SpaceError

IDENTITY_KEY = "smbo_nas:search"
"""User attribute of the study: `SearchSettings.identity`."""
JOURNAL = "journal.log"
_SCORED = 100
"""Networks that the sampler zero-cost scores, some 10 to 100 ms each."""


class StudyError(ValueError):
    """The study cannot be opened; nothing was changed."""


class StudyConflictError(StudyError):
    """The storage or folder holds another search; the message says how it differs."""


def open_study(settings: SearchSettings, space: SearchSpace) -> optuna.Study:
    """The search's study, created if there is none.

    Raises:
        StudyConflictError: When the study of that name is another search; nothing is changed then.
        StudyError: When the storage cannot be opened.
    """
    storage = open_storage(settings)
    known = {s.study_name for s in optuna.get_all_study_summaries(storage)}
    if settings.study in known:
        study = optuna.load_study(
            study_name=settings.study,
            storage=storage,
            sampler=_sampler(settings, space, storage),
            pruner=_pruner(settings),
        )
        _check_identity(settings, study)
        return study
    study = optuna.create_study(
        study_name=settings.study,
        storage=storage,
        direction="maximize",
        sampler=_sampler(settings, space, storage),
        pruner=_pruner(settings),
    )
    study.set_user_attr(IDENTITY_KEY, settings.identity())
    return study


def open_storage(settings: SearchSettings) -> BaseStorage:
    """The Optuna storage: a journal file in the output folder unless a URL is given.

    Raises:
        StudyError: When the URL cannot be opened.
    """
    if settings.storage is not None:
        try:
            return optuna.storages.get_storage(settings.storage)
        except Exception as error:  # SQLAlchemy and the database drivers each have their own
            reason = str(error).splitlines()[0]
            raise StudyError(f"`storage` {settings.storage!r} cannot be opened: {reason}") from error
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    path = str(settings.out / JOURNAL)
    return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))


def repair_journal(out: Path) -> None:
    """Removes what a killed process may have left: a half-written last line, and the journal's lock.

    To be called only by the process that owns `out`.
    """
    path = out / JOURNAL
    for lock in out.glob(JOURNAL + ".lock*"):
        lock.unlink(missing_ok=True)
    if not path.exists():
        return
    with path.open("rb+") as journal:
        content = journal.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            journal.truncate(whole)


def _check_identity(settings: SearchSettings, study: optuna.Study) -> None:
    ours = json.loads(json.dumps(settings.identity()))
    theirs = study.user_attrs.get(IDENTITY_KEY)
    if theirs is None:
        raise StudyConflictError(
            f"study {settings.study!r} in this storage was not made by `smbo-nas search`; use another `--study` name."
        )
    for name, value in ours.items():
        if theirs.get(name) != value:
            raise StudyConflictError(
                f"study {settings.study!r} was made with {name} {_short(theirs.get(name))}, but now {name} is "
                f"{_short(value)}; use the same {name}, or another `--out` (or `--study`) for a new search."
            )


def _short(value: object) -> str:
    if isinstance(value, dict) and "name" in value:
        return repr(value["name"])
    return repr(value)


def _sampler(settings: SearchSettings, space: SearchSpace, storage: BaseStorage) -> BaseSampler:
    if settings.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=settings.seed)
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=settings.seed)
    from smbo_nas.samplers import WarmStartError, ZeroCostSampler
    from smbo_nas.samplers.named import MODEL_BASED, STRATEGIES
    from smbo_nas.search.untrained import UntrainedScore

    try:
        if settings.sampler == "zero-cost":
            return ZeroCostSampler(space, UntrainedScore(settings, space), n_candidates=_SCORED, seed=settings.seed)
        if settings.sampler in STRATEGIES:
            return STRATEGIES[settings.sampler](space, seed=settings.seed)
        start = None if settings.warm_start is None else _warm_start(settings, settings.warm_start, storage)
        make = MODEL_BASED[settings.sampler]
        return make(space, warm_start=start, thaw=settings.thaw, seed=settings.seed)
    except WarmStartError as error:
        raise StudyError(f"`warm_start` {settings.warm_start!r}: {error}") from error
    except SpaceError as error:
        raise StudyError(f"`sampler` {settings.sampler} does not go with this space: {error}") from error


def _warm_start(settings: SearchSettings, start: str, storage: BaseStorage) -> Path | optuna.Study:
    """A path, or another study in the same storage."""
    if Path(start).exists():
        return Path(start)
    if start != settings.study and start in {s.study_name for s in optuna.get_all_study_summaries(storage)}:
        return optuna.load_study(study_name=start, storage=storage)
    raise StudyError(f"`warm_start` must be a file, a folder or another study in `storage`, but there is no {start!r}.")


def _pruner(settings: SearchSettings) -> BasePruner:
    if settings.pruner == "none":
        return optuna.pruners.NopPruner()
    if settings.pruner == "median":
        return optuna.pruners.MedianPruner()
    if settings.pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(max_resource=settings.epochs)
    from smbo_nas.pruners import CurvePruner

    return CurvePruner(risk=settings.stop_risk, horizon=settings.epochs)
