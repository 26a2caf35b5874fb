"""Settings in files that are no programs, line by line: YAML, JSON, TOML, INI, ``.env``, shell, make, Dockerfiles,
MLproject.

No such file is parsed as what it is: a template is none of them, and a line and its indentation tell enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mlproj.projects.address_text import normal

_SECTION = re.compile(r"\s*\[+\s*[\"']?([\w.\- ]+?)[\"']?\s*\]+\s*$")
_ENTRY = re.compile(
    r"(\s*)(?:-\s+)?(?:export\s+|ENV\s+|ARG\s+|set\s+)?[\"']?([A-Za-z_][\w.\-]*)[\"']?\s*(?::(?=\s|$|[\"'\[{])|\?=|:=|=)\s*(.*)$"
)
# NAME=http://…, --name http://…, "name": "http://…", set_name("http://…") anywhere in a line.
_BESIDE = re.compile(
    r"([A-Za-z_][\w\-]*)[\"']?(?:\s*[:=]{1,2}>?\s*|\s+|\s*\(\s*|:-)[\"']?(http://[^\s\"']+)", re.IGNORECASE
)
_LONGEST = 4000  # characters of a line that is read


class Setting(NamedTuple):
    """A value with the names that lead to it, outer ones first, and the line that it is in, from 1."""

    path: tuple[str, ...]
    value: str
    line: int


def settings(text: str, stem: str = "") -> Iterator[Setting]:
    """The settings of a file; *stem* is its name without a suffix, which programs often call its content by."""
    section: tuple[str, ...] = (normal(stem),) if stem else ()
    outer: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > _LONGEST or line.lstrip().startswith(("#", "//", ";")):
            continue
        if found := _SECTION.match(line):
            section, outer = tuple(normal(part) for part in found[1].split(".")), []
            continue
        for beside in _BESIDE.finditer(line):
            yield Setting((normal(beside[1]),), beside[2], number)
        if entry := _ENTRY.match(line):
            depth = len(entry[1]) + (2 if line.lstrip().startswith("- ") else 0)
            outer = [(indent, name) for indent, name in outer if indent < depth]
            name = normal(entry[2])
            yield Setting((*section, *(each for _, each in outer), name), _unquoted(entry[3]), number)
            outer.append((depth, name))


def _unquoted(value: str) -> str:
    value = value.strip().rstrip(",").strip()
    for quote in ('"', "'"):
        if value.startswith(quote) and quote in value[1:]:
            return value[1 : value.index(quote, 1)]
    return value.partition(" #")[0].strip()
