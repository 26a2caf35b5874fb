"""TOML with the place of a mistake; the standard library's reader, or ``tomli`` before Python 3.11."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import text_file
from mlproj.foundation.errors import InvalidProject, Place


def load(path: Path) -> dict[str, Any]:
    """What the TOML file *path* holds. Raises InvalidProject."""
    return parse(text_file.load(path), str(path))


def parse(text: str, file: str, *, first_line: int = 1) -> dict[str, Any]:
    """What *text* holds, which begins in line *first_line* of *file*. Raises InvalidProject."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        data: dict[str, Any] = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:  # besides its own: a number of 5,000 digits, a date of no calendar
        message, line, column = _where(str(error))
        at_end = line is None and "end of document" in message
        line = text.count("\n") + 1 if at_end else line
        raise InvalidProject(
            f"this is no TOML: {message}", place=Place(file, line and first_line + line - 1, column)
        ) from None
    return data


def _where(message: str) -> tuple[str, int | None, int | None]:
    found = re.search(r"^(?P<what>.*?) \(at line (?P<line>\d+), column (?P<column>\d+)\)$", message, re.DOTALL)
    return (found["what"], int(found["line"]), int(found["column"])) if found else (message, None, None)


def place_of(path: Path, text: str, fragment: str) -> Place:
    """The line of *fragment* in *text*, as a place in *path*; the file alone when it is written otherwise."""
    for number, line in enumerate(text.splitlines(), start=1):
        if fragment in line:
            return Place(str(path), number, line.index(fragment) + 1, line)
    return Place(str(path))
