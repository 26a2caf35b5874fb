"""The files of a run that any program may append a line to, and how their lines come into the store, each exactly once.

How far a file was read is noted in the store in the transaction that keeps what was read. The owner of the run reads:
the process that holds its lock (see ``liveness``), and after that one's death the process that takes the lock. Nothing
is ever removed from the files, so a line that is not understood can be looked at there; only secrets are overwritten at
the end.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlproj.foundation import env_vars
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import Metric, TrackingStore

if TYPE_CHECKING:
    from mlproj.run_folder.log_line import Point

METRICS, PARAMS, TAGS = "metrics.log", "params.log", "tags.log"
FILES = (METRICS, PARAMS, TAGS)
PROBLEMS_TAG = "mlproj.log_problems"
"""The tag that tells of lines which are not in the record."""

LONGEST_LINE = 1 << 24  # bytes
_BLOCK = 1 << 20
_MOST_PROBLEMS = 10  # problems that are reported one by one

Item = TypeVar("Item")


def make(run_dir: Path) -> None:
    """Make the files, or leave them as they are. Raises OSError."""
    for name in FILES:
        os.close(os.open(run_dir / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666))


def variables(run_dir: Path, artifacts: Path) -> dict[str, str]:
    """The variables that tell a program of the run in *run_dir* where to log."""
    return {
        env_vars.RUN_DIR.name: str(run_dir),
        env_vars.METRICS.name: str(run_dir / METRICS),
        env_vars.PARAMS.name: str(run_dir / PARAMS),
        env_vars.TAGS.name: str(run_dir / TAGS),
        env_vars.ARTIFACTS.name: str(artifacts),
    }


@dataclass(frozen=True)
class _Lines:
    """Lines of a file: where they begin, their bytes, and where to read on."""

    file: str
    position: int
    data: bytes
    end: int

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Each line that is not blank, with its number; bytes that are no text are visible escapes, as everywhere in
        the store."""
        for number, line in enumerate(self.data.decode("utf-8", "backslashreplace").split("\n"), start=1):
            if stripped := line.strip():
                yield number, stripped


class Reader:
    """Reads on in a run's files. For the owner of the run only, and one thread at a time.

    ``problems`` says, with file and line, what was not understood; at most some, the others are counted.
    """

    def __init__(self, store: TrackingStore, run_id: str, run_dir: Path) -> None:
        self._store = store
        self._run_id = run_id
        self._folder = run_dir
        self._marks: dict[str, int] | None = None
        self._counted = ("", 0, 0)  # a file, a position in it, and how many line ends are before
        self._latest: dict[str, int] = {}
        self._names: dict[str, str] = {}  # of metrics, without secrets
        self._problems: list[str] = []
        self._unreported = 0

    @property
    def problems(self) -> list[str]:
        """What was not understood so far."""
        return [*self._problems, *([f"{self._unreported} more such lines"] if self._unreported else [])]

    def read(self, *, final: bool = False) -> None:
        """Put every new line into the store; a last one without a line end only when this is the *final* look.

        Raises OSError and MlprojError; what was read before is kept, and the next call goes on from there.
        """
        before = self.problems
        for name in FILES:
            with _opened(self._folder / name) as descriptor:
                if descriptor is not None:
                    self._read_file(name, descriptor, final)
        if self.problems != before:
            self._store.log(self._run_id, tags={PROBLEMS_TAG: "\n".join(self.problems)})
        if final:
            self._mask()

    def _mask(self) -> None:
        """Overwrite the secrets in what was read."""
        for name in FILES:
            with _opened(self._folder / name) as descriptor:
                has_content = descriptor is not None and os.fstat(descriptor).st_size > 0
            if has_content:
                from mlproj.run_folder.log_masking import mask_secrets

                mask_secrets(self._folder / name, has_texts=name != METRICS)

    def _read_file(self, name: str, descriptor: int, final: bool) -> None:
        found = os.fstat(descriptor)
        if found.st_size == 0:
            return
        marks = self._known_marks()
        position = marks.get(name, 0)
        if position > found.st_size:  # somebody has cut the file (`>` for `>>`)
            position = 0
        while position < found.st_size:
            lines = self._next(name, descriptor, position, found.st_size, final)
            if lines.end == position:
                return
            self._keep(lines, found.st_mtime_ns // 1_000_000)
            position = marks[name] = lines.end

    def _next(self, name: str, descriptor: int, position: int, size: int, final: bool) -> _Lines:
        """Whole lines from *position* on. A line that is too long is passed over, block by block."""
        if position and os.pread(descriptor, 1, position - 1) != b"\n":  # inside of such a line
            block = os.pread(descriptor, _BLOCK, position)
            return _Lines(name, position, b"", position + (block.find(b"\n") + 1 or len(block)))
        block = os.pread(descriptor, min(_BLOCK, size - position), position)
        if b"\n" not in block and len(block) == _BLOCK:
            block = os.pread(descriptor, min(LONGEST_LINE, size - position), position)
        end = block.rfind(b"\n") + 1
        if end == 0 and len(block) == LONGEST_LINE:
            self._tell(_Lines(name, position, b"", 0), 1, f"the line is longer than {LONGEST_LINE} bytes")
            return _Lines(name, position, b"", position + len(block))
        if end == 0 and final:
            end = len(block)
        return _Lines(name, position, block[:end], position + end)

    def _keep(self, lines: _Lines, written: int) -> None:
        """Put *lines* into the store; *written* is when their file was last written to, in UTC milliseconds."""
        from mlproj.run_folder import log_line

        mark = (lines.file, lines.end)
        if lines.file == METRICS:
            metrics = [self._metric(point, written) for point in self._understood(lines, log_line.metrics)]
            self._store.log(self._run_id, metrics=metrics, mark=mark)
        elif lines.file == TAGS:
            tags = {_shown(key): _without_secrets(key, value) for key, value in self._understood(lines, log_line.texts)}
            self._store.log(self._run_id, tags=tags, mark=mark)
        else:
            self._keep_params(lines, mark)

    def _understood(self, lines: _Lines, understand: Callable[[str], tuple[list[Item], list[str]]]) -> Iterator[Item]:
        for number, line in lines:
            found, problems = understand(line)
            yield from found
            for problem in problems:
                self._tell(lines, number, problem)

    def _metric(self, point: Point, written: int) -> Metric:
        """A point with what its line left out: step 0, as in MLflow, and when the file was last written to before we
        looked.

        Of points that say neither, a later line has a later time; else the greatest value would count as the latest
        one.
        """
        timestamp = point.timestamp
        if timestamp is None:
            timestamp = written
            if point.step is None:
                timestamp = self._latest[point.name] = max(written, self._latest.get(point.name, -1) + 1)
        name = self._names.get(point.name)
        if name is None:
            name = self._names[point.name] = _shown(point.name)
        return Metric(name, point.value, timestamp, point.step or 0)

    def _keep_params(self, lines: _Lines, mark: tuple[str, int]) -> None:
        """Keep each parameter that the run has not, with its first value. Somebody else may log one meanwhile."""
        for last in (False, False, True):
            new, problems = self._new_params(lines)
            try:
                self._store.log(self._run_id, params=new, mark=mark)
            except UsageError:
                if last or not new:
                    raise
                continue
            for number, problem in problems:
                self._tell(lines, number, problem)
            return

    def _new_params(self, lines: _Lines) -> tuple[dict[str, str], list[tuple[int, str]]]:
        from mlproj.run_folder import log_line

        known = dict(self._store.get_run(self._run_id).params)
        new: dict[str, str] = {}
        problems: list[tuple[int, str]] = []
        for number, line in lines:
            pairs, wrong = log_line.texts(line)
            problems.extend((number, problem) for problem in wrong)
            for key, given in pairs:
                value, key = _without_secrets(key, given), _shown(key)
                if key not in known:
                    known[key] = new[key] = value
                elif known[key] != value:
                    problems.append(
                        (number, f"parameter {key!r:.80} has the value {known[key]!r:.80} already; it stays")
                    )
        return new, problems

    def _tell(self, lines: _Lines, number: int, problem: str) -> None:
        from mlproj.foundation.redaction import redact

        if len(self._problems) >= _MOST_PROBLEMS:
            self._unreported += 1
            return
        file = self._folder / lines.file
        if self._counted[:2] != (lines.file, lines.position):
            self._counted = (lines.file, lines.position, _line_ends(file, lines.position))
        self._problems.append(redact(f"{file}:{self._counted[2] + number}: {problem}"))

    def _known_marks(self) -> dict[str, int]:
        if self._marks is None:
            self._marks = dict(self._store.marks(self._run_id))
        return self._marks


def _shown(name: str) -> str:
    from mlproj.foundation.redaction import redact

    return redact(name)


def _without_secrets(key: str, value: str) -> str:
    from mlproj.foundation.redaction import MASK, looks_secret, redact

    return MASK if looks_secret(key) else redact(value)


@contextmanager
def _opened(file: Path) -> Iterator[int | None]:
    """A descriptor for reading when *file* is a plain file, not something that would make us wait or lead us
    elsewhere."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def _line_ends(file: Path, end: int) -> int:
    count = 0
    with _opened(file) as descriptor:
        position = 0
        while (
            descriptor is not None
            and position < end
            and (block := os.pread(descriptor, min(_BLOCK, end - position), position))
        ):
            count += block.count(b"\n")
            position += len(block)
    return count
