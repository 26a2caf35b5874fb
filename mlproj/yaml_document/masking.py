"""YAML without secrets that is YAML still."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection


def masked(text: str, mask: Callable[[str], str], hidden: Collection[str] = ()) -> str:
    """The YAML *text* as *mask* shows it. A value that then begins with an asterisk is quoted: bare, it would be an
    alias, and nobody could read the text any more.

    *hidden* are values that *mask* takes out and that may be written in YAML's other ways: with escapes, over lines.
    """
    if not hidden and mask(text) == text:
        return text
    import yaml

    try:
        values = [token for token in yaml.scan(text) if isinstance(token, yaml.ScalarToken)]
    except yaml.YAMLError:
        return mask(text)
    for token in reversed(values):
        start, end = token.start_mark.index, token.end_mark.index
        written = text[start:end]
        if any(value in token.value and value not in written for value in hidden):
            line_end = "\n" if written.endswith("\n") else ""
            text = f"{text[:start]}{json.dumps(mask(token.value))}{line_end}{text[end:]}"
        elif token.plain and (shown := mask(written)).startswith("*"):
            text = f"{text[:start]}{_quoted(shown)}{text[end:]}"
    return mask(text)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
