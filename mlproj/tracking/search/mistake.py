"""The error for a filter or an order that is not understood: shows it and points at the place."""

from __future__ import annotations

from mlproj.foundation.errors import UsageError

_AROUND = 60  # characters that are shown on each side of the place


def mistake(what: str, text: str, position: int, message: str, hint: str | None = None) -> UsageError:
    """An error about *text*, a *what* such as ``filter``, with a caret below the character at *position*."""
    start, end = max(0, position - _AROUND), position + _AROUND
    shown = "".join(character if character.isprintable() else " " for character in text[start:end])
    before, after = "…" if start else "", "…" if end < len(text) else ""
    caret = " " * (len(before) + position - start) + "^"
    return UsageError(f"this {what} is not understood: {message}\n  {before}{shown}{after}\n  {caret}", hint=hint)
