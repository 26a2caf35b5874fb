"""Requests and answers kept in files, for those who want to know what a model was asked: a JSON document a line.

Answers do not wait for it: what comes faster than it can be written is dropped, and counted. Headers, in which tokens
are, are not kept.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import random
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any, NamedTuple

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import ServiceError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

_WAITING = 1000  # exchanges
_MOST_BYTES = 32 << 20  # of those that wait
_LARGEST = 1 << 20  # bytes of a body that is kept whole
_PATIENCE = 5.0  # seconds for what still waits when the server ends


@dataclass(frozen=True)
class Recording:
    """``share`` of the requests (0 to 1) are kept in ``folder``, in files of ``file_size`` bytes of which the newest
    ``files`` stay."""

    folder: Path
    share: float = 1.0
    file_size: int = 64 << 20
    files: int = 16


class Exchange(NamedTuple):
    """A request and its answer; ``time`` is in seconds since 1970."""

    time: float
    route: str
    type: str | None
    request: bytes
    status: int
    answer_type: str
    answer: bytes
    seconds: float
    model: str
    version: str | None


class Recorder:
    """Writes in a thread of its own. Raises ServiceError when the folder cannot be written to."""

    def __init__(self, recording: Recording, progress: Progress) -> None:
        self._recording = recording
        self._progress = progress
        self._waiting: queue.Queue[Exchange | None] = queue.Queue(_WAITING)
        self._bytes = 0
        self._counting = threading.Lock()  # of the bytes, which two threads change
        self._numbers = itertools.count()
        self.kept = 0
        self.dropped = 0
        try:
            recording.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = self._new_file()
        except OSError as error:
            raise ServiceError(f"cannot record to {recording.folder}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._write_all, daemon=True)
        self._thread.start()

    @property
    def wants_one(self) -> bool:
        """Whether the next exchange is among those that are kept."""
        return self._recording.share >= 1 or random.random() < self._recording.share

    def add(self, exchange: Exchange) -> None:
        """Keep *exchange*, or drop it if too many wait already."""
        size = len(exchange.request) + len(exchange.answer)
        if self._bytes + size > _MOST_BYTES:
            self.dropped += 1
            return
        self._count(size)
        try:
            self._waiting.put_nowait(exchange)
        except queue.Full:
            self._count(-size)
            self.dropped += 1

    def _count(self, size: int) -> None:
        with self._counting:
            self._bytes += size

    def close(self) -> None:
        """Write what waits, for a few seconds at most."""
        try:
            self._waiting.put(None, timeout=_PATIENCE)
        except queue.Full:
            return
        self._thread.join(_PATIENCE)

    def _write_all(self) -> None:
        is_reported = False
        while (exchange := self._waiting.get()) is not None:
            self._count(-len(exchange.request) - len(exchange.answer))
            try:
                self._write(exchange)
                self.kept += 1
            except OSError as error:
                self.dropped += 1
                if not is_reported:
                    self._progress.warn(f"cannot record to {self._recording.folder}: {error.strerror}")
                is_reported = True
        self._file.close()

    def _write(self, exchange: Exchange) -> None:
        if self._file.tell() >= self._recording.file_size:
            self._file.close()
            self._file = self._new_file()
        self._file.write((redact(line(exchange)) + "\n").encode())
        if self._waiting.empty():
            self._file.flush()

    def _new_file(self) -> IO[bytes]:
        moment = datetime.now(timezone.utc)
        name = f"requests-{moment:%Y%m%d-%H%M%S}-{os.getpid()}-{next(self._numbers):06d}.jsonl"
        kept = sorted(self._recording.folder.glob("requests-*.jsonl"), key=lambda one: one.stat().st_mtime)
        for file in kept[: max(0, len(kept) - self._recording.files + 1)]:
            file.unlink(missing_ok=True)
        descriptor = os.open(self._recording.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "wb")


def line(exchange: Exchange) -> str:
    """The document of an exchange: bodies are JSON values where they are JSON, else texts, else base64."""
    moment = datetime.fromtimestamp(exchange.time, timezone.utc)
    document: dict[str, Any] = {
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "model": exchange.model,
        "version": exchange.version,
        "route": exchange.route,
        "type": exchange.type,
        **_body("request", exchange.request),
        "status": exchange.status,
        "answer_type": exchange.answer_type,
        **_body("answer", exchange.answer),
        "seconds": round(exchange.seconds, 6),
    }
    return json.dumps(document, allow_nan=False)


def _body(name: str, body: bytes) -> dict[str, Any]:
    if len(body) > _LARGEST:
        return {f"{name}_bytes": len(body)}
    try:
        return {name: json.loads(body, parse_constant=_no_number)}
    except (ValueError, RecursionError):
        pass
    try:
        return {name: body.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(body).decode()}


def _no_number(name: str) -> None:
    raise ValueError(name)
