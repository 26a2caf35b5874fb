"""What people would be told, kept for a test to look at."""

from __future__ import annotations

from mlproj.foundation.progress import Silent


class Heard(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)
