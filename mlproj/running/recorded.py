"""Recorded runs by the words that people name them with."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from mlproj.foundation.errors import UsageError
from mlproj.mlflow_import.foreign_run import PARENT_TAG
from mlproj.tracking.base import Run, Runs

_PORTION = 20


def find(store: Runs, reference: str) -> Run:
    """The run that *reference* means; ``last`` is the newest one that is not deleted, and not the child of another."""
    if reference != "last":
        return store.get_run(reference)
    newest = next(_newest(store), None)
    if newest is None:
        raise UsageError("there is no last run: none was recorded yet", hint="mlproj run records one")
    return newest


def _newest(store: Runs) -> Iterator[Run]:
    """The runs that have no parent, the newest first."""
    for offset in count(step=_PORTION):
        found = store.list_runs(limit=_PORTION, offset=offset)
        yield from (run for run in found if PARENT_TAG not in run.tags)
        if len(found) < _PORTION:
            return
