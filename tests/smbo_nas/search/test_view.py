from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from smbo_nas.search import SearchSettings, SearchView
from smbo_nas.search.events import Begun, EpochDone, TrialEnded


def shown(*events: Begun | EpochDone | TrialEnded, terminal: bool = False) -> str:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120, highlight=False)
    with SearchView(SearchSettings(out=Path("runs/x"), trials=5, epochs=4), console) as view:
        for event in events:
            view.show(event)
    return text.getvalue()


def test_every_trial_gets_a_line_that_says_how_it_ended() -> None:
    text = shown(
        Begun(0, 0, None),
        EpochDone(0, 1, 0.5, replayed=False),
        TrialEnded(0, "COMPLETE", 0.9, 4),
        TrialEnded(1, "PRUNED", None, 2),
        TrialEnded(2, "FAIL", None, 1, "Training diverged in epoch 2"),
        TrialEnded(3, "COMPLETE", 0.8, 4),
    )
    lines = text.splitlines()
    assert len(lines) == 4
    assert "complete" in lines[0]
    assert "0.9000" in lines[0]
    assert "best" in lines[0]
    assert "stopped" in lines[1]
    assert "2/4 epochs" in lines[1]
    assert "Training diverged in epoch 2" in lines[2]
    assert "best" not in lines[3]


def test_a_continued_search_knows_its_best_so_far() -> None:
    text = shown(Begun(2, 1, (0.95, 1)), TrialEnded(2, "COMPLETE", 0.9, 4), TrialEnded(3, "COMPLETE", 0.97, 4))
    assert "2 trials are finished, 1 under way" in text
    assert [line.endswith("best") for line in text.splitlines()[1:]] == [False, True]


def test_a_training_that_goes_on_is_no_further_network() -> None:
    stopped, goes_on = TrialEnded(0, "PRUNED", None, 1), TrialEnded(1, "COMPLETE", 0.9, 4, resumes=0, begins=False)
    text = shown(Begun(0, 0, None), stopped, goes_on, terminal=True)
    assert "continues trial 0" in text
    assert "1/5" in text
    assert "2/5" not in text


def test_the_live_line_tells_trial_epoch_best_savings_and_time_left() -> None:
    text = shown(
        Begun(0, 0, None),
        TrialEnded(0, "COMPLETE", 0.9, 4),
        TrialEnded(1, "PRUNED", None, 1),
        EpochDone(2, 3, 0.5, replayed=False),
        terminal=True,
    )
    for part in ("2/5", "trial 2 epoch 3/4", "best 0.9000 (trial 0)", "3 epochs saved", "left"):
        assert part in text
