"""Values that YAML reads as something else than what stands there: ``1.10``, ``010``, ``0x1F``, ``12:30:00``, ``yes``.

MLflow hands on what YAML reads. The rule here: where a text is wanted (``string``, ``path`` and ``uri``, or no type at
all), a number, time or date stays as it is written; a truth value stays MLflow's ``True`` or ``False``, which programs
compare with. Where a number is wanted, YAML's number counts. What differs from what is written is reported.
"""

from __future__ import annotations

from typing import Any

from mlproj.projects.reading import Reader, describe
from mlproj.projects.written import TEXTS


def as_meant(reader: Reader, kind: str, value: Any, *keys: Any) -> Any:
    """The *value* at *keys* for a parameter of the canonical type *kind*."""
    if value is None or isinstance(value, (str, list, dict)):
        return value
    written = reader.document.raw(*keys)
    if written == str(value):
        return value
    place, hint = reader.document.place(*keys), f"put it in quotes: {written!r}"
    if isinstance(value, bool):
        if kind in TEXTS and written not in ("true", "false"):
            reader.warn(f"YAML reads {written} as {describe(value)}, and the command gets {value}", place, hint)
        return value
    if kind in TEXTS:
        reader.warn(
            f"YAML reads {written} as {describe(value)}, which MLflow takes; the command gets {written}", place, hint
        )
        return written
    if not _is_same_number(written, value):
        reader.warn(
            f"YAML reads {written} as {describe(value)}, and the command gets {value}",
            place,
            f"write {value}, or {hint}",
        )
    return value


def _is_same_number(written: str, value: Any) -> bool:
    """Whether *written* is the number *value* to people, too: a leading zero (octal) and colons (base 60) are not,
    ``0x1F`` is."""
    plain = written.replace("_", "")
    try:
        return float(plain) == float(value)
    except (ValueError, TypeError, OverflowError):
        return plain.lower().lstrip("+-").startswith(("0x", "0b", ".inf", ".nan"))
