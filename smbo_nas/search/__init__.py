"""The search command's loop: workers, resume, results."""

from __future__ import annotations

from smbo_nas.search.pool import WorkerDiedError
from smbo_nas.search.run import Outcome, OutputFolderError, run_search
from smbo_nas.search.settings import PRUNERS, SAMPLERS, SearchSettings
from smbo_nas.search.study import StudyConflictError
from smbo_nas.search.view import SearchView

__all__ = [
    "PRUNERS",
    "SAMPLERS",
    "Outcome",
    "OutputFolderError",
    "SearchSettings",
    "SearchView",
    "StudyConflictError",
    "WorkerDiedError",
    "run_search",
]
