"""What a YAML document is made of: values with their places, apart from the library that read them."""

from __future__ import annotations

from typing import Any

SCALAR, SEQUENCE, MAPPING = "scalar", "sequence", "mapping"

TAG = "tag:yaml.org,2002:"
"""What YAML's own tags begin with."""

UNREADABLE = object()
"""The meaning of a scalar that is not of the type it looks like."""


class Node:
    """A scalar (``value`` is its text), a sequence (a list of nodes) or a mapping (a list of pairs of nodes).

    ``is_plain`` tells that a scalar stands without quotes, ``in_flow`` that a collection stands in brackets. ``line``
    and ``column`` count from 0; ``start`` and ``end`` count characters of the text. ``meaning`` is the number, truth
    value, date or None that a scalar with such a tag stands for.
    """

    __slots__ = ("column", "end", "in_flow", "is_plain", "kind", "line", "meaning", "start", "tag", "value")

    def __init__(
        self,
        kind: str,
        tag: str,
        value: Any,
        line: int,
        column: int,
        start: int,
        end: int,
        *,
        is_plain: bool = False,
        in_flow: bool = False,
    ) -> None:
        self.kind = kind
        self.tag = tag
        self.value = value
        self.line = line
        self.column = column
        self.start = start
        self.end = end
        self.is_plain = is_plain
        self.in_flow = in_flow
        self.meaning: Any = None
