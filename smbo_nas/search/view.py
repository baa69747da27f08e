"""SearchView: what a person sees while a search runs."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from smbo_nas.search.events import Begun, EpochDone, Event, TrialEnded
from smbo_nas.search.settings import SearchSettings

_LABELS = {"COMPLETE": "[green]complete[/]", "PRUNED": "[yellow]stopped[/] ", "FAIL": "[red]failed[/]  "}


class SearchView:
    """One line per finished trial, and under them, on a terminal, a live line of what goes on.

    Args:
        settings: The search.
        console: Where to show it; standard output by default.
    """

    def __init__(self, settings: SearchSettings, console: Console | None = None) -> None:
        self._settings = settings
        self._console = console or Console(highlight=False)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("trials", total=settings.trials, status="starting", start=True)
        self._best: tuple[float, int] | None = None
        self._at: dict[int, int] = {}
        self._ended = 0
        self._trained = 0
        self._spared: dict[int, int] = {}
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def show(self, event: Event) -> None:
        """Shows an event."""
        if isinstance(event, Begun):
            if event.finished or event.continued:
                self._console.print(
                    f"Going on with the search in {self._settings.out}: {event.finished} trials are finished, "
                    f"{event.continued} under way.",
                    soft_wrap=True,
                )
            self._best = event.best
            self._progress.update(self._task, completed=event.finished)
        elif isinstance(event, EpochDone):
            self._at[event.trial] = event.epoch
            self._trained += not event.replayed
        else:
            self._show_end(event)
        self._progress.update(self._task, status=self._status())

    def _show_end(self, event: TrialEnded) -> None:
        self._at.pop(event.trial, None)
        self._ended += event.begins
        epochs = self._settings.epochs
        if event.resumes is not None:
            self._spared.pop(event.resumes, None)
        if event.state == "PRUNED":
            self._spared[event.trial] = epochs - event.epochs
        if event.value is not None and (self._best is None or event.value > self._best[0]):
            self._best = (event.value, event.trial)
        text = f"trial {event.trial:>3}  {_LABELS.get(event.state, event.state)}  {event.epochs:>3}/{epochs} epochs"
        if event.value is not None:
            text += f"  {event.value:.4f}"
            text += "  [bold]best[/]" if self._best == (event.value, event.trial) else ""
        if event.resumes is not None:
            text += f"  continues trial {event.resumes}"
        if event.reason:
            text += f"  {event.reason}"
        self._console.print(text, soft_wrap=True)
        if event.begins:
            self._progress.advance(self._task)

    def _status(self) -> str:
        parts = [f"trial {trial} epoch {epoch}/{self._settings.epochs}" for trial, epoch in sorted(self._at.items())]
        if self._best is not None:
            parts.append(f"best {self._best[0]:.4f} (trial {self._best[1]})")
        if self._spared:
            parts.append(f"{sum(self._spared.values())} epochs saved")
        left = self._seconds_left()
        if left is not None:
            parts.append(f"about {_duration(left)} left")
        return " | ".join(parts)

    def _seconds_left(self) -> float | None:
        """Time left at the pace of the networks that this run has ended."""
        if self._ended == 0:
            return None
        pace = (time.monotonic() - self._started) / self._ended
        remaining = self._progress.tasks[0].remaining or 0.0
        return max(0.0, pace * remaining)

    def conclude(self, outcome: str) -> None:
        """Says how it ended, and where the results are."""
        from smbo_nas.report.reader import read_run
        from smbo_nas.report.verdict import verdict

        out = self._settings.out
        self._console.print(verdict(read_run(out)), soft_wrap=True)
        if outcome != "complete":
            self._console.print(f"Not finished ({outcome}); the same command goes on where this stopped.")
        self._console.print(f"Results in {out}: open {out / 'report.html'}", soft_wrap=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
