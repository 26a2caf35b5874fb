"""JSON that all readers agree on: what is read here may come from any source."""

from __future__ import annotations

import json
from typing import Any


def load(text: bytes) -> dict[str, Any]:
    """The JSON object in *text*. Raises ValueError, also for NaN, infinities and a key that is there twice."""
    try:
        loaded = json.loads(text.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}"[:200]) from None
    if not isinstance(loaded, dict):
        raise ValueError("it is no JSON object")
    return loaded


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
