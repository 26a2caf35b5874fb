"""Values that the user gives on the command line: ``name=value``."""

from __future__ import annotations

from collections.abc import Iterable

from mlproj.foundation.errors import UsageError


def parse_assignment(text: str, *, option: str = "-P") -> tuple[str, str]:
    """Name and value of ``name=value``; the value may hold ``=``. Raises UsageError."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{option} {text!r} is no assignment, expected name=value", hint=_hint(text, option))
    return name, value


def _hint(text: str, option: str) -> str:
    """What to write instead. MLflow refuses a name alone, too: what it would mean depends on the command."""
    if option == "-P" and text.isidentifier():
        return f"for a flag write {option} {text}=true"
    return f"write for example: {option} alpha=0.5"


def parse_assignments(texts: Iterable[str], *, option: str = "-P") -> dict[str, str]:
    """All assignments, in the order given. Raises UsageError when one is wrong or a name is given twice."""
    values: dict[str, str] = {}
    for text in texts:
        name, value = parse_assignment(text, option=option)
        if name in values:
            raise UsageError(f"{option} {name}=… is given twice", hint="give each name once")
        values[name] = value
    return values
