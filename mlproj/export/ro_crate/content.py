"""The files of a crate: what the run's record holds and the run's artifacts, as far as they are there and small
enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore, InvalidPath, NoSuchFile, walk
from mlproj.export.ro_crate.definition import Definition
from mlproj.export.ro_crate.destination import Target
from mlproj.export.ro_crate.secret import Redactor
from mlproj.foundation import paths, quantity
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.digest import portions_of, sha256_of_file, sha256_of_portions
from mlproj.run_folder import output_log, record
from mlproj.run_folder.outputs import FOLDER as OUTPUTS
from mlproj.tracking import run_document
from mlproj.tracking.base import Output, Run

RECORD = "run"
"""The folder of a crate for the files of the run's record."""

ARTIFACTS = "artifacts"
"""The folder of a crate for the run's artifacts."""

_PORTION = 1 << 20  # bytes


@dataclass(frozen=True)
class Piece:
    """A file in the crate: its path there, its content, its bytes, and what it is called where it comes from."""

    path: str
    sha256: str
    size: int
    name: str


@dataclass(frozen=True)
class Left:
    """A file that belongs to the run and is not in the crate: its path among the artifacts, and why."""

    path: str
    reason: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Contents:
    """The files of a crate: of the record, of the artifacts, and those that are not in it."""

    record: Sequence[Piece]
    artifacts: Sequence[Piece]
    left: Sequence[Left]

    def of_record(self, name: str | None) -> Piece | None:
        """The file *name* of the record."""
        return next((piece for piece in self.record if piece.name == name), None)


def gather(run: Run, definition: Definition, target: Target, largest: int | None, clean: Redactor) -> Contents:
    """Put the files of *run* into *target*: those of the record made *clean*, artifacts of up to *largest* bytes as
    they are.

    Raises ServiceError, UsageError when the artifacts cannot be reached.
    """
    kept = list(_record(run, definition, target, clean))
    collector = _Collector(run, target, largest, {f"{record.FOLDER}/{piece.name}" for piece in kept})
    collector.collect()
    return Contents(kept, collector.pieces, [*collector.left, *collector.missing()])


def _record(run: Run, definition: Definition, target: Target, clean: Redactor) -> Iterator[Piece]:
    lock = str((run.environment or {}).get("lock") or "")
    for name in dict.fromkeys([paths.DEFINITION, paths.PLAN, paths.DIFF, output_log.LOG, lock, paths.STATEMENT]):
        stream = record.open(run.run_id, run.artifact_uri, name) if name else None
        if stream is None:
            continue
        path = name if name == definition.file else f"{RECORD}/{name}"
        with stream:
            yield copied(path, name, (clean(b"".join(lines)) for lines in _lines(stream)), target)


def _lines(stream: IO[bytes]) -> Iterator[list[bytes]]:
    while lines := stream.readlines(_PORTION):
        yield lines


def copied(path: str, name: str, portions: Iterable[bytes], target: Target) -> Piece:
    """Put what *portions* are together at *path* into *target*."""
    with target.create(path) as write:
        digest, size = sha256_of_portions(portions, write)
    return Piece(path, digest, size, name)


class _Collector:
    """Goes through the artifacts of a run, folder by folder, in the order of their names."""

    def __init__(self, run: Run, target: Target, largest: int | None, known: set[str]) -> None:
        self.pieces: list[Piece] = []
        self.left: list[Left] = []
        self._store: ArtifactStore = artifacts.open_recorded(run.artifact_uri)
        self._recorded: Mapping[str, Output] = {f"{OUTPUTS}/{output.path}": output for output in run.outputs}
        self._target = target
        self._largest = largest
        self._known = known

    def collect(self) -> None:
        """Take the files that are not too large."""
        for path, size in walk(self._store, skipped=self._known, on_invalid=self._leave_invalid):
            if path in self._known:
                continue
            try:
                if self._largest is not None and size > self._largest:
                    self._leave(path, size, f"larger than {quantity.size(self._largest)}")
                else:
                    self._take(path)
            except InvalidPath:
                self._leave_invalid(path, size)
            except NoSuchFile:
                continue  # it was removed since

    def missing(self) -> Iterator[Left]:
        """Outputs that the run recorded and of which there is no copy."""
        found = {path.removeprefix(f"{ARTIFACTS}/") for path in (piece.path for piece in self.pieces)} | {
            left.path for left in self.left
        }
        for path, output in self._recorded.items():
            if path not in found:
                reason = "no longer among the artifacts" if output.kept else "not kept when the run ended"
                yield Left(path, reason, output.size, output.sha256)

    def _take(self, path: str) -> None:
        name = path.removeprefix(f"{OUTPUTS}/") if path in self._recorded else path
        with self._store.open(path) as stream:
            self.pieces.append(copied(f"{ARTIFACTS}/{path}", name, portions_of(stream), self._target))

    def _leave_invalid(self, path: str, size: int | None = None) -> None:
        self.left.append(Left(run_document.encodable(path), "its name is not allowed on other systems", size))

    def _leave(self, path: str, size: int, reason: str) -> None:
        output = self._recorded.get(path)
        digest = output.sha256 if output else self._digest(path)
        self.left.append(Left(path, reason, size, digest))

    def _digest(self, path: str) -> str | None:
        """The hash of a file that is on this machine; others would have to be fetched for it."""
        file = self._store.local_file(path)
        return None if file is None else sha256_of_file(file)
