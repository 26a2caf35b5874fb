"""What a token is good for."""

from __future__ import annotations

from enum import IntEnum


class Scope(IntEnum):
    """Each may do what those before it may."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is written on the command line."""
        return self.name.lower()
