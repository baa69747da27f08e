"""RunClock: wall-clock seconds of a search over all its runs."""

from __future__ import annotations

import json
import time
from pathlib import Path

from predictors.files import write_whole

CLOCK = "clock.json"
_EVERY_SECONDS = 1.0


class RunClock:
    """Adds this run's time to that of earlier runs; a killed run loses at most the time since the last epoch.

    Args:
        out: Folder of the search.
    """

    def __init__(self, out: Path) -> None:
        self._path = out / CLOCK
        self._before = self._read()
        self._started = time.monotonic()
        self._written = self._started

    @property
    def seconds(self) -> float:
        """Seconds of all runs so far."""
        return self._before + time.monotonic() - self._started

    def tick(self, *, force: bool = False) -> None:
        """Writes the time down, unless that was done within the last second."""
        now = time.monotonic()
        if force or now - self._written >= _EVERY_SECONDS:
            self._written = now
            write_whole(self._path, json.dumps({"seconds": round(self.seconds, 3)}))

    def _read(self) -> float:
        try:
            return float(json.loads(self._path.read_text())["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0
