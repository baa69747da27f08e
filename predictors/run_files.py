"""Files of runs: JSON with settings, what was found, and one run a line; a file goes on only with its own settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from predictors.files import write_whole

T = TypeVar("T")


def write_runs(path: Path, content: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> None:
    """Writes a file whole or not at all.

    Args:
        path: A JSON file.
        content: What is told beside the runs, `settings` among it.
        runs: The runs.
    """
    lines = [f' "{name}": {json.dumps(value, allow_nan=False)}' for name, value in content.items()]
    searches = ",\n".join(f"  {json.dumps(run, allow_nan=False)}" for run in runs)
    lines.append(f' "runs": [\n{searches}\n ]')
    write_whole(path, "{\n" + ",\n".join(lines) + "\n}\n")


def read_runs(path: Path, parse: Callable[[Mapping[str, Any]], T], *, what: str) -> T:
    """What is in a file of `write_runs`.

    Args:
        path: The file.
        parse: Makes of its content what is returned.
        what: What it is to hold, in a word or two.

    Raises:
        ValueError: When it holds something else.
    """
    try:
        return parse(json.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no {what}: {error!r}.") from error


def require(path: Path, before: Mapping[str, Any], settings: Mapping[str, Any], *, what: str = "a benchmark") -> None:
    """Refuses a file with other settings.

    Args:
        path: The file.
        before: Its settings.
        settings: Those it is to have, perhaps not all.
        what: What it holds, in a word or two.

    Raises:
        ValueError: When one of them is another.
    """
    for name, setting in settings.items():
        if before.get(name) != setting:
            raise ValueError(
                f"{path} holds {what} with `{name}` {before.get(name)!r} instead of {setting!r}; "
                "name another file, or delete it."
            )
