"""Recording to a team's server: written to this disk first, delivered from there, so that nothing waits for a
network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlproj import tracking
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import TrackingStore

_NOTE = "server.json"


@dataclass(frozen=True)
class Outbox:
    """What is recorded for one server: its address without credentials, and the folder where that waits."""

    server: str
    folder: Path

    @property
    def uri(self) -> str:
        """The SQLite file as the URI of a store."""
        return f"sqlite:///{self.folder / 'runs.db'}"


def recording_uri() -> str | None:
    """Where new runs are written: the store of ``MLPROJ_TRACKING_URI``, or the outbox of the server that it names."""
    uri = env_vars.TRACKING_URI.get()
    return open_outbox(uri).uri if tracking.is_server(uri) else uri


def open_outbox(server: str) -> Outbox:
    """The outbox of the server at an address, made when missing. Raises UsageError, ServiceError."""
    import json

    from mlproj.outbox import ledger

    found = _place(server)
    if not _is_made(found):
        ledger.make(found.folder / "runs.db")
        paths.write_atomic(found.folder / _NOTE, json.dumps({"schema": 1, "server": found.server}))
    return found


def reap(store: TrackingStore) -> None:
    """Record the end of runs whose process is gone, in *store* (that of ``MLPROJ_TRACKING_URI``) or in the outbox of
    its server."""
    from mlproj.run_folder import liveness

    uri = env_vars.TRACKING_URI.get()
    if not tracking.is_server(uri):
        liveness.reap(store)
    elif _is_made(box := _place(uri)):
        recorded = tracking.open(box.uri)
        try:
            liveness.reap(recorded)
        finally:
            recorded.close()


def waiting() -> int:
    """How many runs are over and wait for the server that ``MLPROJ_TRACKING_URI`` names."""
    uri = env_vars.TRACKING_URI.get()
    if not tracking.is_server(uri) or not _is_made(box := _place(uri)):
        return 0
    from mlproj.outbox.ledger import Ledger

    ledger = Ledger(box.folder / "runs.db")
    try:
        return ledger.ended()
    finally:
        ledger.close()


def _place(server: str) -> Outbox:
    """Where the outbox of a server is, or would be. Raises UsageError for what is no address."""
    import hashlib

    from mlproj.http.client import HttpClient

    address = HttpClient(server).uri
    return Outbox(address, _folders() / hashlib.sha256(address.encode()).hexdigest()[:16])


def _is_made(box: Outbox) -> bool:
    return (box.folder / _NOTE).exists()


def known() -> Iterator[Outbox]:
    """The outboxes of this home."""
    import json

    for note in sorted(_folders().glob(f"*/{_NOTE}")):
        try:
            yield Outbox(str(json.loads(note.read_bytes())["server"]), note.parent)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{note} cannot be read: {error}", hint="move its folder away; it may hold runs that were not delivered"
            ) from error


def _folders() -> Path:
    return paths.home() / "outbox"
