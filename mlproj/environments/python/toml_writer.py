"""TOML for tools: data as text, simple and unambiguous rather than pretty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any


def dumped(content: Mapping[str, Any]) -> str:
    """*content* as TOML: lists of tables come last, so that more of them can be added at the end."""
    plain = [f"{json.dumps(name)} = {_value(value)}\n" for name, value in content.items() if not _is_tables(value)]
    tables = [
        f"\n[[{json.dumps(name)}]]\n" + "".join(f"{json.dumps(key)} = {_value(one)}\n" for key, one in entry.items())
        for name, value in content.items()
        if _is_tables(value)
        for entry in value
    ]
    return "".join([*plain, *tables]) + "\n"


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(name))} = {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value.isoformat() if isinstance(value, date) else value)
