"""JSON that is written as text, part by part.

For answers of thousands of short parts: to make documents of dicts first, and to encode them then, takes twice as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring_ascii

write_text = encode_basestring_ascii
"""A text as JSON, in ASCII."""


class JsonText(str):
    """A document that is JSON already."""

    __slots__ = ()


def write_object(**members: str) -> JsonText:
    """An object of members that are JSON; one that is an empty text is left out."""
    return JsonText("{" + ",".join([f'"{name}":{value}' for name, value in members.items() if value]) + "}")


def write_list(items: Sequence[str]) -> str:
    """A list of items that are JSON; an empty text when there are none."""
    return f"[{','.join(items)}]" if items else ""
