"""Which Pythons a lock has wheels for: one that was resolved for one of them may say no more than a lower bound."""

from __future__ import annotations

from collections.abc import Iterable

from mlproj.environments.python import lock
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.target import target_for
from mlproj.foundation import platforms


def first_fitting(text: str, candidates: Iterable[Interpreter]) -> Interpreter | None:
    """The first of *candidates* for which every package of the lock *text* that has wheels has one that fits; None when
    there is none."""
    for candidate in candidates:
        target = target_for(platforms.here(), candidate)
        if all(
            target.best(entry["wheels"]) is not None
            for entry in lock.packages(text)
            if entry.get("wheels") and target.needs(entry)
        ):
            return candidate
    return None
