"""Files of the outbox on their way to the server: what is there as it is now is not sent again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj.artifacts.base import ArtifactStore, InvalidPath, parts_of
from mlproj.artifacts.proxied import ProxiedArtifacts
from mlproj.foundation import file_tree, paths
from mlproj.foundation.redaction import redact
from mlproj.outbox.ledger import Ledger
from mlproj.run_folder import output_log
from mlproj.run_folder.record import FOLDER as RECORD
from mlproj.tracking.base import Run

_QUIET = 3.0  # seconds without a change after which a file is taken to be whole while its run goes on
_PORTION = 1 << 20
_DRAFT = re.compile(r"\..*\.\d+\.part|\.mlproj-upload-[0-9a-f]+", re.DOTALL)  # files of ours that are not yet whole


def folder_of(uri: str) -> Path | None:
    """The folder at a ``file:`` URI; None for another place, where the files are already."""
    return Path(unquote(urlsplit(uri).path)) if uri.startswith("file:") else None


def send(
    ledger: Ledger,
    name: str,
    folder: Path,
    target: ArtifactStore,
    *,
    ended: bool,
    below: str = "",
    ids: Mapping[str, str] | None = None,
) -> list[str]:
    """Send the files below *folder*, noted under *name*, that *target* does not have as they are; what could not be
    sent, and why.

    Before the run has *ended* those that were written just now wait. *below* is the folder of *target* for them, *ids*
    what is called otherwise there: the descriptions of models (``MLmodel``) name ids. Raises ServiceError when the
    server cannot be reached.
    """
    there = ledger.files(name)
    left = []
    for file in _files(folder):
        path = file.relative_to(folder).as_posix()
        try:
            found = file.stat()
            if there.get(path) == (found.st_size, found.st_mtime_ns) or (
                not ended and time.time() - found.st_mtime < _QUIET
            ):
                continue
            parts_of(path)
            _send(file, f"{below}/{path}" if below else path, target, ids or {})
        except (OSError, InvalidPath) as error:  # it is gone meanwhile, or has a name that no server takes
            if ended and not isinstance(error, FileNotFoundError):
                left.append(f"{path}: {error}")
            continue
        ledger.file_is_there(name, path, found.st_size, found.st_mtime_ns)
    return left


def keep_record(run_dir: Path, lock: str | None, folder: Path) -> None:
    """Put what the run's folder has for other people (plan, lock, diff, output) among the artifacts in *folder*,
    without secrets.

    At the end of the run and in its process: which values are secret is known from its variables. Raises
    OSError.
    """
    target = folder / RECORD
    target.mkdir(parents=True, exist_ok=True)
    for name in (paths.PLAN, paths.DEFINITION, paths.DIFF, output_log.LOG, *([lock] if lock else [])):
        try:
            source = (run_dir / name).open("rb")
        except FileNotFoundError:
            continue
        with source, (target / name).open("wb") as copy:
            while lines := source.readlines(_PORTION):
                text = b"".join(lines).decode("utf-8", "surrogateescape")
                copy.write(redact(text).encode("utf-8", "surrogateescape"))


def send_values(run: Run, values: Mapping[str, str], target: ArtifactStore) -> None:
    """Send parameters and tags that the server may have cut, whole, as a file."""
    text = json.dumps({"schema": 1, "run_id": run.run_id, "values": dict(values)}, indent=2, ensure_ascii=True)
    with target.create(f"{RECORD}/values.json") as write:
        write(text.encode())


def _files(folder: Path) -> Iterator[Path]:
    """Files below *folder*, also by links that stay in it; a link that leads out names a file which is not the
    run's."""
    top = folder.resolve()
    for where, folders, names in file_tree.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(where, name)
            is_ours = not file.is_symlink() or file.resolve().is_relative_to(top)
            if is_ours and file.is_file() and not _DRAFT.fullmatch(name):
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
