"""Where SQLite and PostgreSQL differ in statements that run every day; the rest is the same text for both."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlproj.foundation.dataclass import dataclass


def _as_glob(pattern: str) -> str:
    """A LIKE pattern as one of GLOB, which is SQLite's case-sensitive match."""
    return re.sub(r"[%_*?\[]", lambda match: {"%": "*", "_": "?"}.get(match[0], f"[{match[0]}]"), pattern)


def _unchanged(pattern: str) -> str:
    return pattern


@dataclass(frozen=True)
class Dialect:
    """One database's words.

    ``lock_row`` ends a SELECT whose row nobody else may change until the transaction ends, ``share_row`` one whose row
    may be read by others meanwhile. ``like`` and ``ilike`` are operators with ``{}`` for the pattern's parameter: ``%``
    and ``_`` match as in SQL, nothing is an escape, and ``ilike`` takes a letter for its other case.
    """

    name: str
    lock_row: str
    share_row: str
    like: str
    ilike: str
    like_pattern: Callable[[str], str]


# A write transaction of SQLite is the only one (BEGIN IMMEDIATE), so there is nothing to lock. Its LIKE folds ASCII
# letters.
SQLITE = Dialect("sqlite", lock_row="", share_row="", like="GLOB {}", ilike="LIKE {}", like_pattern=_as_glob)
POSTGRES = Dialect(
    "postgresql",
    lock_row=" FOR NO KEY UPDATE",
    share_row=" FOR SHARE",
    like="LIKE {} ESCAPE ''",
    ilike="ILIKE {} ESCAPE ''",
    like_pattern=_unchanged,
)
