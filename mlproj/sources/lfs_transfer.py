"""Brings contents of Git LFS files here, several at a time: no more bytes than announced, not slower than Git allows,
checked by hash."""

from __future__ import annotations

import hashlib
import http.client
import queue
import threading
import time
import urllib.error
from collections.abc import Sequence
from urllib.parse import urlsplit

from mlproj.foundation.errors import SourceError
from mlproj.foundation.redaction import redact
from mlproj.http import fetcher
from mlproj.sources.lfs_batch import Download
from mlproj.sources.lfs_store import Store

_AT_ONCE = 8  # as git-lfs
_TRIES = 2
_PORTION = 1 << 16  # bytes
SLOWEST = 100  # bytes in a second, on average over `PATIENCE` seconds; as we let Git have it (http.lowSpeedLimit)
PATIENCE = 60.0


def fetch(downloads: Sequence[Download], store: Store) -> dict[str, str]:
    """Bring *downloads* into *store*; returns the reasons why some could not be had, by their hash.

    The threads are daemons and stop when this is left by an exception, so that Ctrl-C waits for no server.
    """
    waiting: queue.SimpleQueue[Download] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()
    stop = threading.Event()
    for each in downloads:
        waiting.put(each)
    for _ in range(min(_AT_ONCE, len(downloads))):
        threading.Thread(target=_work, args=(waiting, done, store, stop), daemon=True).start()
    try:
        finished = [done.get() for _ in downloads]
    finally:
        stop.set()
    return {oid: reason for oid, reason in finished if reason is not None}


def _work(
    waiting: queue.SimpleQueue[Download],
    done: queue.SimpleQueue[tuple[str, str | None]],
    store: Store,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            each = waiting.get_nowait()
        except queue.Empty:
            return
        reason: str | None = "mlproj could not fetch it"
        try:
            reason = _reason(each, store, stop)
        finally:
            done.put((str(each.pointer.oid), reason))


def _reason(each: Download, store: Store, stop: threading.Event) -> str | None:
    """Fetch one file; why that failed, or None."""
    host = urlsplit(each.address).netloc.rpartition("@")[2]
    reason = None
    for _ in range(_TRIES):
        try:
            _fetch(each, store, stop)
            return None
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"{host} did not deliver it (HTTP {error.code})"
            if error.code < 500 and error.code != 429:
                return reason
        except SourceError as error:
            return f"{host}: {error.message}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = f"{host}: {redact(str(getattr(error, 'reason', None) or error) or type(error).__name__)}"
    return reason


def _fetch(each: Download, store: Store, stop: threading.Event) -> None:
    """Raises SourceError for an answer that is not the file, and what :func:`web.opened` does."""
    pointer = each.pointer
    assert pointer.oid is not None
    digest, size = hashlib.sha256(), 0
    with (
        fetcher.opened(each.address, each.headers, redirected=False, route=each.route) as response,
        store.adding(pointer.oid) as file,
    ):
        speed = _Speed()
        while portion := response.read1(_PORTION):
            size += len(portion)
            if size > pointer.size:
                raise SourceError(f"it sends more than the {pointer.size} bytes of the file")
            digest.update(portion)
            file.write(portion)
            speed.check(len(portion))
            if stop.is_set():
                raise SourceError("it was interrupted")
        if size < pointer.size:
            raise OSError(f"the connection broke off after {size} of {pointer.size} bytes")
        if digest.hexdigest() != pointer.oid:
            raise SourceError("it sends a file with another content (its hash is not that of the pointer)")


class _Speed:
    """Refuses a server that lets us wait with a byte now and then."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._bytes = 0

    def check(self, received: int) -> None:
        """Count what was *received*. Raises SourceError when that was too little for too long."""
        self._bytes += received
        passed = time.monotonic() - self._since
        if passed > PATIENCE:
            if self._bytes < SLOWEST * passed:
                raise SourceError(f"it sends less than {SLOWEST} bytes in a second")
            self._since, self._bytes = time.monotonic(), 0
