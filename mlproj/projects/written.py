"""Values of a file with the text that stands there; ``written_value`` has the rule."""

from __future__ import annotations

from typing import Any

from mlproj.foundation.dataclass import dataclass

TEXTS = ("string", "path", "uri")
"""The types of parameters that want a text."""


@dataclass(frozen=True)
class Written:
    """A number or time of a file of values: ``value`` as YAML reads it, and the ``text`` that stands there."""

    value: Any
    text: str

    def __str__(self) -> str:
        return self.text

    def for_type(self, kind: str) -> Any:
        """What a parameter of the canonical type *kind* gets."""
        return self.text if kind in TEXTS else self.value
