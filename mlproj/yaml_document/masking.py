"""YAML without secrets that is YAML still."""

from __future__ import annotations

from collections.abc import Callable


def masked(text: str, mask: Callable[[str], str]) -> str:
    """The YAML *text* as *mask* shows it. A value that then begins with an asterisk is quoted: bare, it would be an
    alias, and nobody could read the text any more."""
    if mask(text) == text:
        return text
    import yaml

    try:
        plain = [token for token in yaml.scan(text) if isinstance(token, yaml.ScalarToken) and token.plain]
    except yaml.YAMLError:
        return mask(text)
    for token in reversed(plain):
        start, end = token.start_mark.index, token.end_mark.index
        shown = mask(text[start:end])
        if shown.startswith("*"):
            text = f"{text[:start]}{_quoted(shown)}{text[end:]}"
    return mask(text)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
