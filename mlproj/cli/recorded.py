"""Recorded runs, as commands find them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlproj.errors import UsageError
from mlproj.tracking.base import Run, TrackingStore


@contextmanager
def opened_store() -> Iterator[TrackingStore]:
    """The store, after runs whose process is gone were given the status they deserve."""
    from mlproj import outbox, tracking

    store = tracking.open()
    try:
        outbox.reap(store)
        if waiting := outbox.waiting():
            sys.stderr.write(f"{waiting} {'runs wait' if waiting > 1 else 'run waits'} on this disk for the server: mlproj sync delivers\n")
        yield store
    finally:
        store.close()


def find(store: TrackingStore, reference: str) -> Run:
    """The run that *reference* means; ``last`` is the newest one that is not deleted."""
    if reference != "last":
        return store.get_run(reference)
    newest = store.list_runs(limit=1)
    if not newest:
        raise UsageError("there is no last run: none was recorded yet", hint="mlproj run records one")
    return newest[0]
