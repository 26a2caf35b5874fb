"""``typing.override`` (Python 3.12): a method is documented where it is declared, and mypy sees that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import override
else:

    def override(method):
        """Mark a method that a base class or protocol declares."""
        return method


__all__ = ["override"]
