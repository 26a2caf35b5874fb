"""What a job wrote, kept as it came: bytes in order of arrival, with an index that tells its two streams apart.

``output.log`` holds the bytes, nothing else. Each line of ``output.index`` is ``STREAM OFFSET TIME``: from byte OFFSET
of the log on, up to the next line's offset, everything is from STREAM (1: standard output, 2: standard error); TIME is
when its first byte came, in UTC milliseconds. A line is written before the bytes it speaks of, and only when the
stream changes, so both files can be read while they grow and after any crash.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mlproj.foundation.errors import ServiceError

LOG = "output.log"
INDEX = "output.index"
STREAMS = {"stdout": 1, "stderr": 2}

_BLOCK = 1 << 16
_TAIL_LIMIT = 1 << 20
_LONG_LINE = 2000  # characters
_LOOK_AGAIN = 0.1  # seconds


class OutputLog:
    """The writing side. A fault (a full disk) is kept in ``problem`` and ends the log, not the run."""

    def __init__(self, folder: Path) -> None:
        """Begin both files anew in *folder*, which is made when missing. Raises :class:`ServiceError`."""
        self.problem: str | None = None
        self._stream = 0
        self._size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._log = os.open(folder / LOG, flags, 0o666)
            try:
                self._index = os.open(folder / INDEX, flags, 0o666)
            except OSError:
                os.close(self._log)
                raise
        except OSError as error:
            raise ServiceError(f"cannot write the log in {folder}: {error.strerror}") from error

    def write(self, stream: int, data: bytes) -> None:
        """Append what came from *stream* (1 or 2)."""
        if self.problem:
            return
        try:
            if stream != self._stream:
                os.write(self._index, b"%d %d %d\n" % (stream, self._size, time.time_ns() // 1_000_000))
                self._stream = stream
            while data:
                written = os.write(self._log, data)
                self._size += written
                data = data[written:]
        except OSError as error:
            self.problem = f"the output is not kept beyond byte {self._size}: {error.strerror}"

    def close(self) -> None:
        """Nothing more will come."""
        os.close(self._log)
        os.close(self._index)


def read(
    run_dir: Path, stream: str = "all", follow: bool = False, is_running: Callable[[], bool] = lambda: False
) -> Iterator[bytes]:
    """What was written to *stream* (``all``, ``stdout``, ``stderr``), in pieces; nothing when there is no log.

    With *follow* this goes on as the log grows, until *is_running* says no and everything was read.
    """
    wanted = STREAMS.get(stream)
    position = 0
    segments = _Segments(run_dir / INDEX)
    while True:
        running = follow and is_running()  # asked first: what is written before a run's end is read below
        size = _file_size(run_dir / LOG)  # asked before the index is read, so that the index covers it
        for start, end in segments.ranges(wanted, position, size) if wanted else [(position, size)]:
            yield from _blocks(run_dir / LOG, start, end)
        if size == position and not running:
            return
        if size == position:
            time.sleep(_LOOK_AGAIN)
        position = size


def tail(run_dir: Path, lines: int, stream: str = "all") -> bytes:
    """The last *lines* lines of *stream*, at most one mebibyte."""
    if lines <= 0:
        return b""
    kept = b""
    for block in (
        read(run_dir, stream)
        if stream != "all"
        else _blocks(run_dir / LOG, max(0, _file_size(run_dir / LOG) - _TAIL_LIMIT), None)
    ):
        kept = (kept + block)[-_TAIL_LIMIT:]
    return b"".join(kept.splitlines(keepends=True)[-lines:])


def last_lines(run_dir: Path, count: int) -> str:
    """The last *count* lines as text to look for something in. Of a line that is longer than anybody reads (a progress
    bar, a file in base64) the middle is left out: a search may take time with the square of a line's length."""
    lines = tail(run_dir, count).decode("utf-8", "replace").splitlines(keepends=True)
    return "".join(
        line if len(line) <= _LONG_LINE else f"{line[: _LONG_LINE // 2]} … {line[-_LONG_LINE // 2 :]}" for line in lines
    )


class _Segments:
    """The index as far as it was read: where each stream's turn begins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._starts: list[tuple[int, int]] = [(0, 1)]  # offset, stream

    def ranges(self, wanted: int, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of the log between *start* and *end* that are from stream *wanted*."""
        self._load()
        bounds = [*self._starts[1:], (end, 0)]
        parts = [
            (max(begin, start), min(stop, end))
            for (begin, stream), (stop, _) in zip(self._starts, bounds, strict=True)
            if stream == wanted
        ]
        # What ends before *end* is not needed again; the last one is still open.
        self._starts = [
            entry for entry, (stop, _) in zip(self._starts, bounds, strict=True) if stop >= end
        ] or self._starts[-1:]
        return [(begin, stop) for begin, stop in parts if begin < stop]

    def _load(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
        except FileNotFoundError:
            return
        complete = text[: text.rfind(b"\n") + 1]
        self._read += len(complete)
        for line in complete.splitlines():
            fields = line.split()
            if len(fields) >= 2 and fields[0] in (b"1", b"2") and fields[1].isdigit():
                self._starts.append((int(fields[1]), int(fields[0])))


def _blocks(path: Path, start: int, end: int | None) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(start)
            while end is None or start < end:
                block = file.read(_BLOCK if end is None else min(_BLOCK, end - start))
                if not block:
                    return
                start += len(block)
                yield block
    except FileNotFoundError:
        return


def _file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
