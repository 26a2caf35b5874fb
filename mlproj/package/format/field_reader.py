"""A part of ``mlproj.json``, read with a word on what is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LONGEST = 100_000  # bytes of a text
_CONTROL = re.compile(r"[\0-\x1f\x7f]")


class FieldReader:
    """An object of JSON. Methods raise ValueError for what is of another form than asked for; ``null`` is as if it were
    not there."""

    def __init__(self, content: Any, name: str = "it") -> None:
        if not isinstance(content, dict):
            raise ValueError(f"{name!r:.200} is no object")
        self.content: Mapping[str, Any] = content
        self._name = name

    def has(self, name: str) -> bool:
        """Whether something is there."""
        return self.content.get(name) is not None

    def text(self, name: str, *, lines: bool = False) -> str:
        """A text, without control characters unless it may have *lines*."""
        value = self.content.get(name)
        if not isinstance(value, str) or not _is_text(value) or (not lines and _CONTROL.search(value)):
            raise self._wrong(name)
        return value

    def matching(self, name: str, pattern: str) -> str:
        """A text of the form *pattern*."""
        value = self.text(name, lines=True)
        if not re.fullmatch(pattern, value, re.ASCII):
            raise self._wrong(name)
        return value

    def number(self, name: str) -> int:
        """A whole number from 0 that a file system can count to."""
        value = self.content.get(name)
        if type(value) is not int or not 0 <= value < 1 << 62:
            raise self._wrong(name)
        return value

    def flag(self, name: str) -> bool:
        """Whether it is so; it is not where nothing is said."""
        value = self.content.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name)
        return bool(value)

    def mapping(self, name: str) -> dict[str, Any]:
        """An object, empty where there is none."""
        value = self.content.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name)
        return value or {}

    def part(self, name: str) -> FieldReader:
        """An object as such a part, empty where there is none."""
        return FieldReader(self.mapping(name), name)

    def named(self, name: str, *, lines: bool = False) -> dict[str, str]:
        """Texts by name; only the texts may have *lines*."""
        part = self.part(name)
        return {FieldReader({name: key}, self._name).text(name): part.text(key, lines=lines) for key in part.content}

    def items(self, name: str) -> list[Any]:
        """A list, empty where there is none."""
        value = self.content.get(name)
        if value is not None and not isinstance(value, list):
            raise self._wrong(name)
        return value or []

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        items = self.items(name)
        return [FieldReader({name: item}).text(name) for item in items]

    def _wrong(self, name: str) -> ValueError:
        return ValueError(f"{name!r:.100} of {self._name!r:.200} is {self.content.get(name)!r:.100}")


def _is_text(value: str) -> bool:
    """Whether *value* is of a usual length, and can be written in UTF-8, which JSON's escapes need not be."""
    try:
        return "\0" not in value and len(value.encode()) <= _LONGEST
    except UnicodeEncodeError:
        return False
