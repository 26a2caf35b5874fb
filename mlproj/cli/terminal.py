"""What the terminal can show: its width, whether colours and motion are wanted, and text that cannot drive it."""

from __future__ import annotations

import os
from typing import IO

from mlproj.foundation import env_vars

_STYLES = {"red": "31", "yellow": "33", "green": "32", "cyan": "36", "bold": "1", "dim": "2"}


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person reads *stream* as it is written."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def wants_colour(stream: IO[str]) -> bool:
    """Whether *stream* is a terminal that shows colours and its user has not declined them (https://no-color.org)."""
    return is_terminal(stream) and env_vars.NO_COLOR.get() is None and os.environ.get("TERM") != "dumb"


def wants_motion(stream: IO[str]) -> bool:
    """Whether a spinner helps: a terminal that can move its cursor, and nobody is keeping a log of it (``CI``)."""
    return (
        is_terminal(stream)
        and os.environ.get("TERM") not in {None, "", "dumb"}
        and os.environ.get("CI", "").lower() in {"", "0", "false"}
    )


def styled(text: str, stream: IO[str], *styles: str) -> str:
    """*text* in *styles* (``red``, ``bold`` …) where *stream* shows them, else as it is."""
    if not wants_colour(stream):
        return text
    return f"\033[{';'.join(_STYLES[style] for style in styles)}m{text}\033[0m"


def columns() -> int:
    """The width of the terminal in characters; 80 where there is none."""
    import shutil

    return shutil.get_terminal_size((80, 24)).columns


def printable(text: str) -> str:
    """*text* with control characters made visible, so that a project's own words cannot drive the terminal.

    Newlines and tabs stay; a carriage return at the end of a line goes.
    """
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text.replace("\r\n", "\n"))


def _visible(character: str) -> str:
    import unicodedata

    if character in "\n\t" or not unicodedata.category(character).startswith("C"):
        return character
    return character.encode("unicode_escape").decode("ascii")


def width_of(text: str) -> int:
    """How many columns *text* takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def shortened(text: str, width: int) -> str:
    """*text* cut to *width* columns, with an ellipsis where something is missing."""
    if width_of(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += width_of(character)
        if used > width - 1:
            break
        kept += character
    return kept + "…" if width > 0 else ""
