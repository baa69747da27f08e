"""Numbers as people read them."""

from __future__ import annotations

ABSENT = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"


def is_fraction(metric: str) -> bool:
    """Whether a metric is a fraction, better read in percent."""
    return "accuracy" in metric.lower()


def measured(value: float | None, metric: str, digits: int = 1) -> str:
    """A value of the metric: "98.6 %" for accuracies, four significant digits for others."""
    if value is None:
        return ABSENT
    return f"{100 * value:.{digits}f}{NBSP}%" if is_fraction(metric) else f"{value:.4g}"


def percent(fraction: float | None) -> str:
    """A fraction in whole percent; one decimal below 10 %."""
    if fraction is None:
        return ABSENT
    return f"{100 * fraction:.{0 if abs(fraction) >= 0.1 or fraction == 0 else 1}f}{NBSP}%"


def count(number: float | None) -> str:
    """A large count with a unit: "0.13 M", "8.2 k", "742"."""
    if number is None:
        return ABSENT
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= (0.1 * size if unit == "M" else size):
            return f"{_three_digits(number / size)}{NBSP}{unit}"
    return f"{number:.0f}"


def _three_digits(x: float) -> str:
    return f"{x:.2f}" if x < 10 else f"{x:.1f}" if x < 100 else f"{x:.0f}"


def duration(seconds: float | None) -> str:
    """A time span: "4.2 s", "3 min 12 s", "1 h 05 min"."""
    if seconds is None:
        return ABSENT
    if seconds < 9.95:
        return f"{seconds:.1f}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest}{NBSP}s"
    if minutes < 60:
        return f"{minutes}{NBSP}min {rest}{NBSP}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{NBSP}h {minutes:02d}{NBSP}min"


def plural(n: int, word: str) -> str:
    """A count with its noun: "1 trial", "24 trials"."""
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
