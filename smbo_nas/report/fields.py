"""Reading typed fields out of JSON written by somebody else, with errors that name the file, the line and the field."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from predictors.graph import ArchGraph, GraphError

_Choice = TypeVar("_Choice", bound=str)


def read_text(path: Path, *, may_be_empty: bool = False) -> str:
    """The text of a file.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is empty or not UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}: is {path.parent} the directory of a search?")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text.") from error
    if not may_be_empty and not text.strip():
        raise ValueError(f"{path} is empty.")
    return text


def parse_json(text: str, where: str) -> Any:
    """Parses JSON; NaN and infinities, which Python writes although JSON has none, become None.

    Raises:
        ValueError: When the text is no JSON.
    """
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{where} is no valid JSON: {error}.") from error


class Fields:
    """The fields of one JSON object.

    Every `optional_*` method returns None for an absent or null field; the others raise.

    Args:
        data: The parsed JSON.
        where: What errors call the object: a file, a line.

    Raises:
        ValueError: When `data` is no JSON object; and from every method, when a field is missing or of another type.
    """

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise ValueError(f"{where} must hold a JSON object, but got {data!r:.60}.")  # noqa: TRY004, the file is wrong
        self._data = data
        self._where = where

    def _wrong(self, name: str, must_be: str) -> ValueError:
        if name not in self._data:
            return ValueError(f"{self._where}: `{name}` is missing.")
        return ValueError(f"{self._where}: `{name}` must be {must_be}, but got {self._data[name]!r:.60}.")

    def optional_number(self, name: str) -> float | None:
        """A finite number."""
        value = self._data.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        return float(value) if math.isfinite(value) else None  # 1e999 parses as infinity

    def number(self, name: str) -> float:
        """A finite number."""
        value = self.optional_number(name)
        if value is None:
            raise self._wrong(name, "a finite number")
        return value

    def optional_integer(self, name: str) -> int | None:
        """An integer; 3.0 is one."""
        value = self.optional_number(name)
        if value is None:
            return None
        if value != int(value):
            raise self._wrong(name, "an integer")
        return int(value)

    def integer(self, name: str) -> int:
        """An integer; 3.0 is one."""
        value = self.optional_integer(name)
        if value is None:
            raise self._wrong(name, "an integer")
        return value

    def optional_text(self, name: str) -> str | None:
        """A string."""
        value = self._data.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def text(self, name: str) -> str:
        """A string."""
        value = self.optional_text(name)
        if value is None:
            raise self._wrong(name, "a string")
        return value

    def choice(self, name: str, choices: Sequence[_Choice]) -> _Choice:
        """One of a few strings."""
        value = self._data.get(name)
        for choice in choices:
            if value == choice:
                return choice
        raise self._wrong(name, "one of " + ", ".join(choices))

    def texts(self, name: str) -> dict[str, str]:
        """An object as a mapping of names to strings; an absent or null one is empty."""
        value = self._data.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return {key: item if isinstance(item, str) else json.dumps(item) for key, item in value.items()}

    def optional_graph(self, name: str) -> ArchGraph | None:
        """An architecture as `ArchGraph.to_dict` writes it."""
        value = self._data.get(name)
        if value is None:
            return None
        try:
            return ArchGraph.from_dict(value)
        except GraphError as error:
            raise ValueError(f"{self._where}: `{name}` is no architecture: {error}") from error

    def graph(self, name: str) -> ArchGraph:
        """An architecture as `ArchGraph.to_dict` writes it."""
        value = self.optional_graph(name)
        if value is None:
            raise self._wrong(name, "an architecture")
        return value

    def curve(self, name: str) -> tuple[tuple[tuple[float, float], ...], int]:
        """Pairs `[step, value]`: the finite ones, by step, and how many there were in all."""
        value = self._data.get(name) or []
        if not isinstance(value, list):
            raise self._wrong(name, "a list of [step, value] pairs")
        points = []
        for pair in value:
            if not isinstance(pair, list) or len(pair) != 2 or not all(_is_number_or_none(x) for x in pair):
                raise self._wrong(name, "a list of [step, value] pairs")
            step, measured = pair
            if step is not None and measured is not None and math.isfinite(step) and math.isfinite(measured):
                points.append((float(step), float(measured)))
        return tuple(sorted(points)), len(value)


def _is_number_or_none(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
