"""Poetry's version constraints in PEP 440
(https://python-poetry.org/docs/dependency-specification/#version-constraints)."""

from __future__ import annotations

import re


def specifier(text: str) -> str:
    """PEP 440 for ``^1.2``, ``~1.2``, ``1.2.*``, ``>=1,<2``, ``1.2.3`` or ``*``. Of ``||`` the last choice is taken.

    Raises ValueError for anything else.
    """
    chosen = re.split(r"\|\|?", text)[-1]
    parts = [part for part in re.split(r",|(?<=[\w*])\s+", chosen.strip()) if part.strip()]
    return ",".join(filter(None, (_clause(part.strip()) for part in parts)))


def _clause(text: str) -> str:
    found = re.fullmatch(r"(\^|~=|~|===|==|!=|<=|>=|<|>|=)?\s*v?([\w.+!-]*\*?)", text, re.ASCII)
    if not found or not found[2]:
        raise ValueError(f"{text!r} is no version constraint")
    operator, version = found[1] or "==", found[2]
    if version == "*":
        return ""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    if not numbers:
        raise ValueError(f"{text!r} is no version constraint")
    if operator == "^":
        return f">={version},<{_next(numbers[0], _caret(numbers[0]))}"
    if operator == "~":
        return f">={version},<{_next(numbers[0], 1 if '.' in numbers[0] else 0)}"
    return f"{'==' if operator == '=' else operator}{version}"


def _caret(version: str) -> int:
    """Which number a caret lets grow no further: the first that is not zero, else the last one given."""
    numbers = [int(number) for number in version.split(".")]
    return next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)


def _next(version: str, index: int) -> str:
    numbers = [int(number) for number in version.split(".")][: index + 1]
    numbers[index] += 1
    return ".".join(map(str, numbers))
