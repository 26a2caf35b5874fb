"""Files of the outbox on their way to the server: what is there as it is now is not sent again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj.artifacts.base import ArtifactStore, InvalidPath, parts_of
from mlproj.artifacts.proxied import ProxiedArtifacts
from mlproj.artifacts.record import FOLDER as RECORD
from mlproj.backends import output_log
from mlproj.outbox.ledger import Ledger
from mlproj.redaction import redact
from mlproj.tracking.base import Run

_QUIET = 3.0  # seconds without a change after which a file is taken to be whole while its run goes on
_PORTION = 1 << 20


def folder_of(uri: str) -> Path | None:
    """The folder at a ``file:`` URI; None for another place, where the files are already."""
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file:") else None


def send(
    ledger: Ledger, name: str, folder: Path, target: ArtifactStore, *, ended: bool, below: str = "", ids: Mapping[str, str] | None = None
) -> list[str]:
    """Send the files below *folder*, noted under *name*, that *target* does not have as they are; what could not be sent, and why.

    Before the run has *ended* those that were written just now wait. *below* is the folder of *target* for them, *ids* what is
    called otherwise there: the descriptions of models (``MLmodel``) name ids. Raises ServiceError when the server cannot be reached.
    """
    there = ledger.files(name)
    left = []
    for file in _files(folder):
        path = file.relative_to(folder).as_posix()
        try:
            found = file.stat()
            if there.get(path) == (found.st_size, found.st_mtime_ns) or (not ended and time.time() - found.st_mtime < _QUIET):
                continue
            parts_of(path)
            _send(file, f"{below}/{path}" if below else path, target, ids or {})
        except (OSError, InvalidPath) as error:  # it is gone meanwhile, or has a name that no server takes
            if ended and not isinstance(error, FileNotFoundError):
                left.append(f"{path}: {error}")
            continue
        ledger.file_is_there(name, path, found.st_size, found.st_mtime_ns)
    return left


def send_record(ledger: Ledger, run: Run, run_dir: Path, target: ArtifactStore) -> None:
    """Send what the run's folder on this machine has for other people: its plan, lock, diff and output, without secrets."""
    lock = str((run.environment or {}).get("lock") or "")
    names = ["plan.json", "diff.patch", output_log.LOG, *([lock] if lock and "/" not in lock else [])]
    there = ledger.files(f"{run.run_id}/{RECORD}")
    for name in names:
        try:
            found = (run_dir / name).stat()
            if there.get(name) == (found.st_size, found.st_mtime_ns):
                continue
            with (run_dir / name).open("rb") as file, target.create(f"{RECORD}/{name}") as write:
                for line in file:
                    write(redact(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))
        except OSError:
            continue
        ledger.file_is_there(f"{run.run_id}/{RECORD}", name, found.st_size, found.st_mtime_ns)


def send_values(run: Run, values: Mapping[str, str], target: ArtifactStore) -> None:
    """Send parameters and tags that the server may have cut, whole, as a file."""
    text = json.dumps({"schema": 1, "run_id": run.run_id, "values": dict(values)}, indent=2, ensure_ascii=True)
    with target.create(f"{RECORD}/values.json") as write:
        write(text.encode())


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(where, name)
            if file.is_file() and not file.is_symlink() and not name.endswith(".part"):
                yield file


def _send(file: Path, path: str, target: ArtifactStore, ids: Mapping[str, str]) -> None:
    if file.name == "MLmodel" and ids:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
        for here, there in ids.items():
            text = text.replace(here, there)
        with target.create(path) as write:
            write(text.encode("utf-8", "surrogateescape"))
        return
    if isinstance(target, ProxiedArtifacts):
        target.upload(path, file)
        return
    with file.open("rb") as opened, target.create(path) as write:
        while portion := opened.read(_PORTION):
            write(portion)
