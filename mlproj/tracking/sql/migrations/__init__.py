"""The changes that made the tables what they are, numbered from 1. A migration that was released is never edited.

A new one is a module ``m0002_words.py`` with ``STATEMENTS``, named in ``MIGRATIONS``. It is written for SQLite;
``postgres`` says how its words are understood there.
"""

from __future__ import annotations

from importlib import import_module

MIGRATIONS = ("m0001_runs", "m0002_search", "m0003_models", "m0004_dataset_order")


def statements(version: int) -> tuple[str, ...]:
    """The SQL that leads from the schema before *version* to *version*."""
    module = import_module(f"{__name__}.{MIGRATIONS[version - 1]}")
    found: tuple[str, ...] = module.STATEMENTS
    return found
