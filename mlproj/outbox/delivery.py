"""The runs of an outbox to the server, one after the other, and out of the outbox when they are there."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from mlproj import tracking
from mlproj.foundation import file_lock, paths
from mlproj.foundation.errors import MlprojError, ServiceError
from mlproj.mlflow_import.foreign_run import PARENT_TAG
from mlproj.outbox import Outbox, files
from mlproj.outbox.destination import Destination
from mlproj.outbox.ledger import Entry, Ledger
from mlproj.outbox.run_delivery import RunDelivery, concerns_all
from mlproj.run_folder import liveness
from mlproj.tracking.base import NotFound, Run

_YOUNG = 20_000  # milliseconds
_DEEPEST = 50  # generations of runs


class Delivery:
    """Delivers the runs of *outbox* to *destination*. One thread at a time; several processes may be at it."""

    def __init__(self, outbox: Outbox, destination: Destination) -> None:
        self._outbox = outbox
        self._ledger = Ledger(outbox.folder / "runs.db")
        self._store = tracking.open(outbox.uri)
        self._models = tracking.open_models(outbox.uri)
        self._destination = destination
        self._runs = RunDelivery(self._ledger, self._store, self._models, destination)

    def close(self) -> None:
        """Let go of the outbox and of the destination."""
        self._ledger.close()
        self._store.close()
        self._models.close()
        self._destination.close()

    @property
    def there(self) -> Mapping[str, Mapping[str, Any]]:
        """The fields of runs that are others with the server, of those that were delivered."""
        return self._runs.there

    def is_below(self, run: Run, top: str) -> bool:
        """Whether it is the run *top*, or one that was started in it."""
        current: Run | None = run
        for _ in range(_DEEPEST):
            if current is None or current.run_id == top:
                break
            parent = current.tags.get(PARENT_TAG)
            if parent == top:
                return True
            try:
                current = self._store.get_run(parent) if parent else None
            except MlprojError:
                return False
        return current is not None and current.run_id == top

    def waiting(self) -> list[Entry]:
        """The runs that are not delivered whole, in the order they were made."""
        return self._ledger.waiting()

    def deliver(
        self,
        *,
        may_clear: Callable[[Run], bool],
        first: str | None = None,
        only: Callable[[Run], bool] | None = None,
        stop: Callable[[], bool] = lambda: False,
        on_answer: Callable[[], object] = lambda: None,
    ) -> None:
        """Deliver what waits, as far as it has come, and remove from the outbox what is over and delivered, if
        *may_clear*.

        The run *first* comes first, then the others in the order they were made; with *only*, some of those made after
        it. When
        *stop* says so the rest stays for another time. *on_answer* is called whenever the server has answered. Raises
        ServiceError when it cannot be reached; what it refuses is noted with the run, and the next run goes on.
        """
        waiting = self._ledger.waiting()
        turn = next((entry.place for entry in waiting if entry.run_id == first), 0)
        for entry in sorted(waiting, key=lambda entry: (entry.run_id != first, entry.place)):
            if stop():
                return
            if only is None or entry.place >= turn:
                with self._taken(entry.run_id) as is_ours:
                    if is_ours:
                        self._deliver(entry.run_id, only, may_clear, on_answer)

    def _deliver(
        self,
        run_id: str,
        only: Callable[[Run], bool] | None,
        may_clear: Callable[[Run], bool],
        on_answer: Callable[[], object],
    ) -> None:
        entry = self._ledger.entry(run_id)
        if entry is None:
            return
        try:
            run = self._store.get_run(run_id)
            if (only and not only(run)) or self._may_move(entry, run):
                return
        except NotFound:  # removed from the outbox, by whoever did not come to note it
            self._ledger.note(run_id, finished=1)
            return
        try:
            left = self._runs.deliver(entry, run, on_answer)
        except MlprojError as trouble:
            if concerns_all(trouble):
                raise
            self._ledger.note(run_id, trouble=str(trouble))
            return
        if not run.status.ended:
            return
        if left:
            self._ledger.note(run_id, trouble="; ".join(left))
        elif may_clear(run):
            self._clear(run)

    def _may_move(self, entry: Entry, run: Run) -> bool:
        """Whether the run is so young that its program may yet choose its experiment, where a run cannot be moved."""
        is_young = time.time() * 1000 - (run.start_time or 0) < _YOUNG
        return is_young and not (
            self._destination.is_exact or entry.remote_id or run.status.ended or run.experiment_id != "0"
        )

    def _clear(self, run: Run) -> None:
        """Take a run that was delivered whole out of the outbox, files first: without its record nobody would look for
        them."""
        entry = self._ledger.entry(run.run_id)
        if entry is None or entry.version > entry.delivered or (paths.home() / "late" / run.run_id).exists():
            return
        models = self._ledger.models_of(run.run_id)
        places = [
            run.artifact_uri,
            *(self._models.get_logged_model(model_id, deleted_too=True).artifact_uri for model_id in models),
        ]
        for folder in map(files.folder_of, places):
            if folder is not None and folder.is_relative_to(self._outbox.folder):
                shutil.rmtree(folder.parent, ignore_errors=True)
        self._ledger.clear(run.run_id)

    @contextmanager
    def _taken(self, run_id: str) -> Iterator[bool]:
        """Be the one process that delivers this run; False when another one is at it."""
        lock = self._outbox.folder / "delivering" / run_id
        with ExitStack() as held:
            try:
                is_held = held.enter_context(file_lock.try_locked(lock))
            except OSError as error:
                raise ServiceError(f"cannot write in {lock.parent}: {error.strerror}") from error
            yield is_held
            entry = self._ledger.entry(run_id) if is_held else None
            if is_held and (entry is None or entry.finished):
                lock.unlink(missing_ok=True)


def is_left(run: Run) -> bool:
    """Whether the run's process has ended, so that its lock is free."""
    return run.status.ended and not (
        run.host == os.uname().nodename and liveness.owner_lives(paths.run_dir(run.run_id), run.pid)
    )


def everything(outbox: Outbox, server: str) -> tuple[int, list[Entry]]:
    """Deliver all that waits for *server*, its address with the credentials in it; how many runs were, and those that
    wait still.

    Runs whose process has gone are ended first. Raises ServiceError.
    """
    with closing(tracking.open(outbox.uri)) as store:
        liveness.reap(store)
    with closing(Delivery(outbox, Destination(server))) as delivery:
        before = {entry.run_id for entry in delivery.waiting()}
        delivery.deliver(may_clear=is_left)
        after = delivery.waiting()
    return len(before - {entry.run_id for entry in after}), after
