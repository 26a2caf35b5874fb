"""Recorded runs, as commands find them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mlproj.running.recorded import find
from mlproj.tracking.base import TrackingStore

__all__ = ["find", "opened_store"]


@contextmanager
def opened_store() -> Iterator[TrackingStore]:
    """The store, after runs whose process is gone were given the status they deserve."""
    from mlproj import outbox, tracking

    store = tracking.open()
    try:
        outbox.reap(store)
        if waiting := outbox.waiting():
            sys.stderr.write(
                f"{waiting} {'runs wait' if waiting > 1 else 'run waits'} on this disk for the server: mlproj sync"
                " delivers\n"
            )
        yield store
    finally:
        store.close()
