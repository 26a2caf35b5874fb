"""Values that mean themselves to every interpreter, and the refusal of others where a second interpreter would read
them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mlproj.foundation.errors import UsageError
from mlproj.projects.base import EntryPoint, Parameter
from mlproj.projects.parameter import shown
from mlproj.projects.template import Field

_HARMLESS = r"[A-Za-z0-9._/:=,+@%-]*"

HARMLESS = "letters, digits and . _ - / : = , + @ %"
"""The characters of harmless values, for a message."""


def is_harmless(value: str) -> bool:
    """Whether *value* means itself to every interpreter."""
    return bool(re.fullmatch(_HARMLESS, value))


def refuse_code(
    entry_point: EntryPoint, pieces: Sequence[str | Field], texts: Mapping[str, str | None], extras: Mapping[str, str]
) -> None:
    """Refuse values that would become part of a program text, as in ``bash -c "echo {note}"``. Raises UsageError.

    Harmless ones may stand there, and the author's own: the default and the choices, which are code as the command is.
    """
    given = {
        name: value or "" for name, value in texts.items() if not _is_of_author(entry_point.parameters[name], value)
    }
    if all(map(is_harmless, (*given.values(), *extras, *extras.values()))):
        return
    from mlproj.projects.nested_code import appended_in_code, fields_in_code

    for index, program in fields_in_code(pieces).items():
        piece = pieces[index]
        if isinstance(piece, Field) and not is_harmless(given.get(piece.name, "")):
            raise _refusal(piece.name, given[piece.name], program)
    doubtful = [name for name, value in extras.items() if not is_harmless(name + value)]
    appended = appended_in_code(pieces) if doubtful else None
    if appended:
        raise _refusal(doubtful[0], extras[doubtful[0]], appended)


def _is_of_author(parameter: Parameter, value: str | None) -> bool:
    return value is None or any(value == str(own) for own in (parameter.default, *(parameter.choices or ())))


def _refusal(name: str, value: str, program: str) -> UsageError:
    from mlproj.projects.nested_code import advice

    return UsageError(
        f"the value {shown(name, value)} of parameter {name!r} cannot be passed safely: in the command it becomes part"
        f" of a program text that {program} reads, which could take it for code",
        hint=f"give a value of {HARMLESS} only, or {advice(program, name)}",
    )
