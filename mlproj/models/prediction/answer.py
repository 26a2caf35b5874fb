"""What a worker says to a portion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.models.prediction.portion import Portion


@dataclass(frozen=True)
class Answer:
    """``header`` and ``body`` of the message, and the portion it is about."""

    header: Mapping[str, Any]
    body: memoryview
    portion: Portion

    @property
    def rows(self) -> int:
        """How many rows were asked; 0 of what has none."""
        return int(self.header.get("rows") or 0)
