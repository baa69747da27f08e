from __future__ import annotations

import pytest

from smbo_nas.report.text import count, duration, measured, percent, plural


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{EN DASH}", "-")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"),
        (192, "3 min 12 s"),
        (3599.7, "1 h 00 min"), (3900, "1 h 05 min"), (90_000, "25 h 00 min"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    assert plain(duration(seconds)) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "-"), (0, "0"), (742, "742"), (8_200, "8.20 k"), (83_000, "83.0 k"), (130_000, "0.13 M"),
        (3_300_000, "3.30 M"), (574_000_000, "574 M"), (2.5e9, "2.50 G"),
    ],
)  # fmt: skip
def test_counts(number: float | None, text: str) -> None:
    assert plain(count(number)) == text


def test_metrics_and_fractions() -> None:
    assert plain(measured(0.98612, "validation accuracy")) == "98.6 %"
    assert plain(measured(0.98612, "validation accuracy", 2)) == "98.61 %"
    assert measured(0.123456, "validation loss") == "0.1235"
    assert plain(measured(None, "validation loss")) == "-"
    assert plain(percent(0.414)) == "41 %"
    assert plain(percent(0.0183)) == "1.8 %"
    assert plain(percent(0)) == "0 %"
    assert [plural(n, "trial") for n in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
