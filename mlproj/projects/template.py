"""The command of an entry point as a template: text with fields that values are put into.

A field is a declared parameter's name in braces, and ``{{`` and ``}}`` are braces, as in Python's ``str.format``, which
MLflow uses. Unlike there, ``${VAR}`` and braces that hold no name (``{}``, ``{a,b}``, JSON, awk) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from mlproj.foundation.dataclass import dataclass
from mlproj.projects.shell import ends_in_dollar

_SIMPLE = re.compile(r"\{([^{}]*)\}")
_SPECIFIED = r"\{([^{}!:.\[]+)([!:.\[][^{}]*)\}"
_HUGE = r"[0-9]{5}"  # a width that only serves to fill the memory
_NAME = r"[^\W\d][\w-]*"
_INTEREST = re.compile(r"[{}]")


@dataclass(frozen=True)
class Field:
    """A place for the value of the declared parameter *name*. ``token`` is how it is written, with a format if it has
    one.

    ``shell_style`` tells that it is written as ``${name}``, which is the value too.
    """

    name: str
    token: str
    shell_style: bool = False

    @property
    def has_format(self) -> bool:
        """Whether a conversion, format, attribute or index follows the name, as in ``{x:>5}``."""
        return self.token != f"{{{self.name}}}"


@dataclass(frozen=True)
class Undeclared:
    """A name in braces that no parameter has."""

    name: str
    token: str


@dataclass(frozen=True)
class Doubled:
    """``{{name}}`` with the name of a declared parameter, which is the text ``{name}`` and often not meant."""

    name: str


@dataclass(frozen=True)
class Stray:
    """A closing brace that nothing opens follows, which is probably one too many."""


if TYPE_CHECKING:
    from typing import Union

    Piece = Union[str, Field, Undeclared, Doubled, Stray]  # noqa: UP007  # Python 3.6 reads this in images
else:
    Piece = object  # annotations alone need it


def parse(command: str, declared: Collection[str]) -> list[Piece]:
    """The pieces of *command*; neighbouring texts are one piece. ``Doubled`` and ``Stray`` stand for no text."""
    pieces: list[Piece] = []
    text = ""
    for piece in _pieces(command, declared):
        if isinstance(piece, str):
            text += piece
            continue
        if isinstance(piece, Field) and ends_in_dollar(text):
            text, piece = text[:-1], Field(piece.name, piece.token, shell_style=True)
        elif isinstance(piece, Undeclared) and ends_in_dollar(text):
            text += piece.token
            continue
        pieces.extend([text, piece] if text else [piece])
        text = ""
    return [*pieces, text] if text else pieces


def _pieces(command: str, declared: Collection[str]) -> Iterator[Piece]:
    position = 0
    open_braces: list[str] = []
    while True:
        found = _INTEREST.search(command, position)
        if not found:
            break
        start = found.start()
        yield command[position:start]
        brace = command[start]
        if command.startswith(brace * 2, start) and not (brace == "}" and open_braces and open_braces[-1] == "{"):
            # A doubled brace is one brace, unless the closing ones end what single braces have opened.
            yield from _doubled(command, start, declared)
            if brace == "{":
                open_braces.append("{{")
            elif open_braces:
                open_braces.pop()
            position = start + 2
            continue
        field = _field(command, start, declared) if brace == "{" else None
        if field:
            yield field[0]
            position = field[1]
            continue
        if brace == "{":
            open_braces.append("{")
        elif open_braces:
            open_braces.pop()
        else:
            yield Stray()
        yield brace
        position = start + 1
    yield command[position:]


def _doubled(command: str, start: int, declared: Collection[str]) -> Iterator[Piece]:
    named = re.compile(r"\{\{([^{}]*)\}\}(?!\})").match(command, start)
    if named and named[1] in declared:
        yield Doubled(named[1])
    yield command[start]


def _field(command: str, start: int, declared: Collection[str]) -> tuple[Piece, int] | None:
    """The field that begins at *start* and where it ends; None when the brace there is text."""
    simple = _SIMPLE.match(command, start)
    if simple and simple[1] in declared:
        return Field(simple[1], simple[0]), simple.end()
    specified = re.compile(_SPECIFIED).match(command, start)
    if specified and specified[1] in declared and not re.search(_HUGE, specified[2]):
        return Field(specified[1], specified[0]), specified.end()
    if simple and re.fullmatch(_NAME, simple[1]):
        return Undeclared(simple[1], simple[0]), simple.end()
    return None
